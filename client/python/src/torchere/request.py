# SPDX-License-Identifier: Apache-2.0
"""The bytes of a PredictRequest. Those of a large array are copied once, into the message.

A message field would copy them twice more: bytes of the array, and the field's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
from google.protobuf.message import EncodeError

from torchere.v1 import predict_pb2, value_pb2
from torchere.values import MAX_MESSAGE_BYTES, array_of, checked_text, encode_value, wire_array

# From so many bytes on a copy costs more than what is done here in its place.
_LARGE = 1 << 16


def serialize_request(request: predict_pb2.PredictRequest, inputs: Mapping[str, object]) -> bytes:
    """`request` with these inputs; raises what encode_value raises.

    Raises:
        ValueError: 2 GiB or more in all.
    """
    if not isinstance(inputs, Mapping):
        raise TypeError(f"inputs: expected a dict of values by name, got {type(inputs).__name__}")
    large: list[bytes | memoryview] = []
    size = 0
    for name, value in inputs.items():
        where = f"input {name!r}"
        checked_text(name, "name of an input")
        array = array_of(value, where)
        if array is not None and array.nbytes >= _LARGE:
            dtype, array = wire_array(array, where)
            start = _start_of_input(name, dtype, array)
            large += [start, array.data]
            size += len(start) + array.nbytes
        else:
            named = request.inputs.add(name=name)
            encode_value(value if array is None else array, named.value, where)
    try:
        message = request.SerializeToString()
    except EncodeError:
        raise _too_large("2 GiB or more") from None
    size += len(message)
    if size > MAX_MESSAGE_BYTES:
        raise _too_large(f"{size} bytes")
    # What is appended to a message's bytes is merged into it: more items of `inputs`.
    return b"".join([message, *large])


def _too_large(size: str) -> ValueError:
    return ValueError(
        f"inputs: {size} in all, and a message holds {MAX_MESSAGE_BYTES} bytes; "
        "send fewer rows at a time"
    )


def _start_of_input(
    name: str, dtype: value_pb2.DataType.ValueType, array: npt.NDArray[Any]
) -> bytes:
    """A NamedValue as an item of `inputs`, but for the array's own bytes, which are its end."""
    start: bytes = value_pb2.Tensor(dtype=dtype, shape=array.shape).SerializeToString()
    size = array.nbytes
    start += _start_of_field(value_pb2.Tensor.DATA_FIELD_NUMBER, size)
    start = _start_of_field(value_pb2.Value.TENSOR_FIELD_NUMBER, len(start) + size) + start
    start = _start_of_field(value_pb2.NamedValue.VALUE_FIELD_NUMBER, len(start) + size) + start
    start = value_pb2.NamedValue(name=name).SerializeToString() + start
    number = predict_pb2.PredictRequest.INPUTS_FIELD_NUMBER
    return _start_of_field(number, len(start) + size) + start


def _start_of_field(number: int, length: int) -> bytes:
    """Tag and length of a field of so many bytes."""
    return _varint(number << 3 | 2) + _varint(length)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
