# SPDX-License-Identifier: Apache-2.0
"""Python's values to torchere.v1.Value and back.

    numpy array or scalar, or what has __array__   tensor
    str, int, float, bool, None                    text, int, float, bool, null
    list, tuple                                    list
    dict, namedtuple                               map

A tensor comes back as an array, a list (or tuple) as a list, a map as a dict.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt

from torchere.error import Error
from torchere.v1 import value_pb2

# A scalar or a tensor is 1 deep, a list of them 2, and so on.
_MAX_DEPTH = 16
# No gRPC message holds more.
MAX_MESSAGE_BYTES = 2**31 - 1
_INT64 = np.iinfo(np.int64)

# NumPy's name of each dtype, and the dtype that has the same bytes on the wire.
_DTYPES: dict[str, tuple[value_pb2.DataType.ValueType, np.dtype[Any]]] = {
    "bool": (value_pb2.DATA_TYPE_BOOL, np.dtype("?")),
    "uint8": (value_pb2.DATA_TYPE_UINT8, np.dtype("u1")),
    "int8": (value_pb2.DATA_TYPE_INT8, np.dtype("i1")),
    "int16": (value_pb2.DATA_TYPE_INT16, np.dtype("<i2")),
    "int32": (value_pb2.DATA_TYPE_INT32, np.dtype("<i4")),
    "int64": (value_pb2.DATA_TYPE_INT64, np.dtype("<i8")),
    "float16": (value_pb2.DATA_TYPE_FP16, np.dtype("<f2")),
    "bfloat16": (value_pb2.DATA_TYPE_BF16, np.dtype("<u2")),
    "float32": (value_pb2.DATA_TYPE_FP32, np.dtype("<f4")),
    "float64": (value_pb2.DATA_TYPE_FP64, np.dtype("<f8")),
}
_NAMES = {number: name for name, (number, _) in _DTYPES.items()}


def dtype_name(dtype: int) -> str | None:
    """NumPy's name of a DataType; None for one that is not said or not known."""
    return _NAMES.get(value_pb2.DataType.ValueType(dtype))


def encode_value(value: object, target: value_pb2.Value, where: str, depth: int = 1) -> None:
    """Writes `value` into the empty message `target`.

    `where` names the value in an error: "input 'x'[0]".

    Raises:
        TypeError: a type or dtype that cannot be sent.
        ValueError: an int outside int64, a text that is not UTF-8, a tensor of
            2 GiB or more, or more than 16 deep.
    """
    if depth > _MAX_DEPTH:
        raise ValueError(f"{where}: nested more than {_MAX_DEPTH} deep")
    if value is None:
        target.null.SetInParent()
    elif isinstance(value, str):
        target.text = checked_text(value, where)
    elif (array := array_of(value, where)) is not None:
        _encode_array(array, target.tensor, where)
    elif isinstance(value, bool):
        target.bool = value
    elif isinstance(value, int):
        target.int = _checked_int(value, where)
    elif isinstance(value, float):
        target.float = value
    elif isinstance(value, (list, tuple, Mapping)):
        _encode_container(value, target, where, depth)
    else:
        raise TypeError(
            f"{where}: cannot send {_type_name(value)}; it takes numpy arrays, str, int, float, "
            "bool, None, list, tuple and dict"
        )


def decode_value(value: value_pb2.Value, where: str, *, copy: bool) -> Any:
    """The Python value of a message; arrays are read-only unless `copy`.

    Raises:
        Error: INTERNAL, for what this client cannot read.
        ImportError: a bfloat16 tensor, and ml_dtypes is not installed.
    """
    kind = value.WhichOneof("kind")
    if kind == "tensor":
        return _decode_array(value.tensor, where, copy=copy)
    if kind == "list":
        return [
            decode_value(item, f"{where}[{i}]", copy=copy)
            for i, item in enumerate(value.list.values)
        ]
    if kind == "map":
        entries = ((_key(entry), entry.value) for entry in value.map.entries)
        return {key: decode_value(item, f"{where}[{key!r}]", copy=copy) for key, item in entries}
    if kind == "null":
        return None
    if kind is None:
        raise _unreadable("UNSUPPORTED_OUTPUT", f"{where}: a kind of value that it does not know")
    return getattr(value, kind)


def _key(entry: value_pb2.ValueMap.Entry) -> int | str:
    return entry.int if entry.WhichOneof("key") == "int" else entry.text


def checked_text(value: object, where: str) -> str:
    """`value` as a str that UTF-8 can write."""
    if not isinstance(value, str):
        raise TypeError(f"{where}: expected a str, got {_type_name(value)}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{where}: not a text that UTF-8 can write: {error.reason}") from None
    return str(value)


def _checked_int(value: int, where: str) -> int:
    if not _INT64.min <= value <= _INT64.max:
        raise ValueError(f"{where}: {value} is outside int64")
    return int(value)


def _encode_container(
    value: list[object] | tuple[object, ...] | Mapping[object, object],
    target: value_pb2.Value,
    where: str,
    depth: int,
) -> None:
    if isinstance(value, Mapping):
        _encode_map(value.items(), target.map, where, depth)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        _encode_map(zip(value._fields, value, strict=True), target.map, where, depth)
    else:
        target.list.SetInParent()
        for i, item in enumerate(value):
            encode_value(item, target.list.values.add(), f"{where}[{i}]", depth + 1)


def _encode_map(
    items: Iterable[tuple[object, object]], target: value_pb2.ValueMap, where: str, depth: int
) -> None:
    target.SetInParent()
    kinds = set()
    for key, value in items:
        entry = target.entries.add()
        if isinstance(key, str):
            entry.text = checked_text(key, f"{where}: key {key!r}")
        elif isinstance(key, (int, np.integer)) and not isinstance(key, bool):
            entry.int = _checked_int(int(key), f"{where}: key")
        else:
            raise TypeError(f"{where}: keys are str or int, got {_type_name(key)}")
        kinds.add(entry.WhichOneof("key"))
        if len(kinds) > 1:
            raise TypeError(f"{where}: keys are all str or all int, got both")
        encode_value(value, entry.value, f"{where}[{key!r}]", depth + 1)


def array_of(value: object, where: str) -> npt.NDArray[Any] | None:
    """The array that a value is sent as; None where it is no tensor.

    Raises:
        TypeError: NumPy cannot make an array of it.
    """
    if isinstance(value, str):  # NumPy's own texts too
        return None
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asanyarray(value)
    if isinstance(value, (int, float, list, tuple, Mapping)) or not hasattr(value, "__array__"):
        return None
    return _as_array(value, where)


def _as_array(value: object, where: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(value)
    except Exception as error:
        raise TypeError(
            f"{where}: numpy cannot make an array of {_type_name(value)}: {error}"
        ) from error


def wire_array(
    array: npt.NDArray[Any], where: str
) -> tuple[value_pb2.DataType.ValueType, npt.NDArray[Any]]:
    """Its DataType, and it with its items as they travel: little-endian, in row-major order.

    Raises:
        TypeError: a dtype that cannot be sent.
        ValueError: 2 GiB or more.
    """
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{where}: a masked array would lose its mask; send array.filled(...)")
    if array.dtype.name not in _DTYPES:
        raise TypeError(
            f"{where}: cannot send dtype {array.dtype.name}; known are {', '.join(_DTYPES)}"
        )
    if array.nbytes > MAX_MESSAGE_BYTES:
        raise ValueError(
            f"{where}: {array.nbytes} bytes of data, more than the 2 GiB that a message holds"
        )
    number, wire = _DTYPES[array.dtype.name]
    if array.dtype.name == "bfloat16":
        array = array.view(np.uint16)
    return number, np.asarray(array, wire, order="C")


def _encode_array(array: npt.NDArray[Any], target: value_pb2.Tensor, where: str) -> None:
    number, array = wire_array(array, where)
    target.dtype = number
    target.shape.extend(array.shape)
    target.data = array.tobytes()


def _decode_array(tensor: value_pb2.Tensor, where: str, *, copy: bool) -> npt.NDArray[Any]:
    name = dtype_name(tensor.dtype)
    if name is None:
        raise _unreadable("UNKNOWN_DTYPE", f"{where}: dtype number {tensor.dtype}")
    wire = _DTYPES[name][1]
    shape = tuple(tensor.shape)
    data = tensor.data  # Each read of the field is a copy of it.
    expected = math.prod(shape) * wire.itemsize
    if len(data) != expected or any(length < 0 for length in shape):
        raise _unreadable(
            "LENGTH_MISMATCH",
            f"{where}: {name} of shape {shape} in {len(data)} bytes, expected {expected}",
        )
    array: npt.NDArray[Any] = np.ndarray(shape, wire, data)
    array = array.astype(wire.newbyteorder("="), copy=copy)
    return array.view(_bfloat16(where)) if name == "bfloat16" else array


def _bfloat16(where: str) -> np.dtype[Any]:
    try:
        import ml_dtypes
    except ImportError as error:
        raise ImportError(
            f"{where}: bfloat16 needs ml_dtypes; install torchere[ml_dtypes]", name="ml_dtypes"
        ) from error
    dtype: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return dtype


def _unreadable(reason: str, message: str) -> Error:
    return Error(
        grpc.StatusCode.INTERNAL,
        f"this client cannot read the answer; is it older than the server? {message}",
        reason=reason,
    )


def _type_name(value: object) -> str:
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
