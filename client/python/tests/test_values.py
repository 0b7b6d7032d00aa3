# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys
from collections import OrderedDict, namedtuple
from typing import Any, NamedTuple

import grpc
import ml_dtypes
import numpy as np
import pytest

import torchere
from torchere.v1 import value_pb2
from torchere.values import decode_value, dtype_name, encode_value

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = [
    (np.dtype("bool"), value_pb2.DATA_TYPE_BOOL),
    (np.dtype("uint8"), value_pb2.DATA_TYPE_UINT8),
    (np.dtype("int8"), value_pb2.DATA_TYPE_INT8),
    (np.dtype("int16"), value_pb2.DATA_TYPE_INT16),
    (np.dtype("int32"), value_pb2.DATA_TYPE_INT32),
    (np.dtype("int64"), value_pb2.DATA_TYPE_INT64),
    (np.dtype("float16"), value_pb2.DATA_TYPE_FP16),
    (BFLOAT16, value_pb2.DATA_TYPE_BF16),
    (np.dtype("float32"), value_pb2.DATA_TYPE_FP32),
    (np.dtype("float64"), value_pb2.DATA_TYPE_FP64),
]
each_dtype = pytest.mark.parametrize(
    ("dtype", "number"), DTYPES, ids=[dtype.name for dtype, _ in DTYPES]
)


class Point(NamedTuple):
    x: int
    y: str


def encoded(value: object) -> value_pb2.Value:
    message = value_pb2.Value()
    encode_value(value, message, "input 'x'")
    return value_pb2.Value.FromString(message.SerializeToString())


def decoded(message: value_pb2.Value, *, copy: bool = True) -> Any:
    return decode_value(message, "output 'y'", copy=copy)


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth - 1):
        value = [value]
    return value


def test_every_data_type_has_a_numpy_dtype() -> None:
    numbers = set(value_pb2.DataType.values()) - {value_pb2.DATA_TYPE_UNSPECIFIED}
    assert {number for _, number in DTYPES} == numbers
    assert [dtype_name(number) for _, number in DTYPES] == [dtype.name for dtype, _ in DTYPES]
    assert dtype_name(value_pb2.DATA_TYPE_UNSPECIFIED) is None
    assert dtype_name(999) is None


@each_dtype
@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 0, 3), (3, 4), (2, 1, 3, 2)])
@pytest.mark.parametrize("copy", [True, False])
def test_an_array_comes_back_bit_equal(
    dtype: np.dtype[Any], number: int, shape: tuple[int, ...], copy: bool
) -> None:
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    message = encoded(array)
    assert message.tensor.dtype == number
    assert tuple(message.tensor.shape) == shape
    back = decoded(message, copy=copy)
    assert type(back) is np.ndarray
    assert back.dtype == dtype
    assert back.shape == shape
    assert back.tobytes() == array.tobytes()


@each_dtype
def test_each_bit_pattern_of_a_dtype_survives(dtype: np.dtype[Any], number: int) -> None:
    size = dtype.itemsize
    patterns = np.random.default_rng(7).integers(0, 256, 4096 * size, dtype=np.uint8)
    if dtype.name == "bool":
        patterns &= 1
    array = patterns.view(dtype)
    assert decoded(encoded(array)).tobytes() == array.tobytes()


def test_the_bytes_on_the_wire_are_little_endian() -> None:
    assert encoded(np.array([1, 2], "int32")).tensor.data == b"\1\0\0\0\2\0\0\0"
    assert encoded(np.array([1.0], "float32")).tensor.data == b"\0\0\x80\x3f"
    assert encoded(np.array([1.0], BFLOAT16)).tensor.data == b"\x80\x3f"
    assert encoded(np.array([True, False])).tensor.data == b"\1\0"


@pytest.mark.parametrize("code", ["i2", "i4", "i8", "f2", "f4", "f8"])
def test_an_array_of_the_other_byte_order_is_converted(code: str) -> None:
    big, little = (np.arange(6, dtype=order + code) for order in "><")
    assert encoded(big) == encoded(little)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a.T,
        lambda a: a[::2, ::-1],
        lambda a: np.asfortranarray(a),
        lambda a: a[:, 1:3],
        lambda a: np.broadcast_to(a[0], (5, 4)),
    ],
    ids=["transposed", "strided", "fortran", "sliced", "broadcast"],
)
def test_an_array_is_sent_in_row_major_order(view: Any) -> None:
    array = view(np.arange(12, dtype="float32").reshape(3, 4))
    back = decoded(encoded(array))
    np.testing.assert_array_equal(back, array)
    assert encoded(array).tensor.data == np.array(array.tolist(), "float32").tobytes()


@pytest.mark.parametrize(
    "scalar",
    [np.float32(1.5), np.float64(2.5), np.int64(-3), np.uint8(200), np.bool_(True), np.float16(1)],
)
def test_a_numpy_scalar_is_a_tensor_without_dimensions(scalar: Any) -> None:
    message = encoded(scalar)
    assert message.WhichOneof("kind") == "tensor"
    assert list(message.tensor.shape) == []
    back = decoded(message)
    assert back.shape == ()
    assert back.dtype == scalar.dtype
    assert back == scalar


def test_a_returned_array_is_writable_unless_copy_is_false() -> None:
    for dtype in ("int64", "float32", BFLOAT16, "bool"):
        message = encoded(np.zeros((2, 3), dtype))
        assert decoded(message, copy=True).flags.writeable
        assert not decoded(message, copy=False).flags.writeable


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(2, "uint16"),
        np.zeros(2, "uint32"),
        np.zeros(2, "uint64"),
        np.zeros(2, "complex64"),
        np.array(["a"]),
        np.array([b"a"]),
        np.array([object()]),
        np.array(["2026-01-01"], "datetime64[D]"),
        np.zeros(2, [("a", "i4")]),
        np.zeros(2, ml_dtypes.float8_e5m2),
        np.bytes_(b"a"),
    ],
    ids=lambda array: str(array.dtype.name),
)
def test_an_unsupported_dtype_is_a_type_error_that_lists_the_known(array: Any) -> None:
    with pytest.raises(TypeError) as raised:
        encoded(array)
    text = str(raised.value)
    assert text.startswith(f"input 'x': cannot send dtype {array.dtype.name}; known are bool, ")
    for dtype, _ in DTYPES:
        assert dtype.name in text


def test_a_masked_array_is_refused_rather_than_unmasked() -> None:
    with pytest.raises(TypeError, match="mask"):
        encoded(np.ma.masked_array([1.0, 2.0], mask=[True, False]))


def test_a_tensor_of_2_gib_is_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"input 'x': 2147483648 bytes .* 2 GiB"):
        encoded(np.broadcast_to(np.uint8(0), (2**31,)))


class Arraylike:
    def __init__(self, result: Any) -> None:
        self.result = result

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def test_what_has_array_is_a_tensor() -> None:
    array = np.arange(3, dtype="float32")
    assert encoded(Arraylike(array)) == encoded(array)


@pytest.mark.parametrize("error", [TypeError("on cuda:0"), RuntimeError("requires grad")])
def test_what_numpy_cannot_convert_is_a_type_error_with_its_reason(error: Exception) -> None:
    with pytest.raises(TypeError, match=f"input 'x': numpy cannot .* {error}"):
        encoded(Arraylike(error))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("", "text"),
        ("grüß 🙂\0", "text"),
        (0, "int"),
        (2**63 - 1, "int"),
        (-(2**63), "int"),
        (0.0, "float"),
        (-1.5e300, "float"),
        (float("inf"), "float"),
        (True, "bool"),
        (False, "bool"),
        (None, "null"),
        ([], "list"),
        ([1, "a", None, 2.5, True], "list"),
        ([[], [[]], {}], "list"),
        ({}, "map"),
        ({"b": 1, "a": [None]}, "map"),
        ({3: "c", -1: "a"}, "map"),
        ({"a": {1: {"b": ["c", {}]}}}, "map"),
    ],
)
def test_a_plain_value_comes_back_equal_and_of_its_type(value: Any, kind: str) -> None:
    message = encoded(value)
    assert message.WhichOneof("kind") == kind
    back = decoded(message)
    assert type(back) is type(value)
    assert back == value
    assert repr(back) == repr(value)


def test_nan_comes_back_as_nan() -> None:
    back = decoded(encoded(float("nan")))
    assert type(back) is float
    assert back != back


def test_a_tuple_comes_back_as_a_list() -> None:
    assert decoded(encoded((1, (2, "a"), ()))) == [1, [2, "a"], []]


def test_a_namedtuple_is_a_map_by_field_name() -> None:
    pair = namedtuple("pair", ["left", "right"])
    assert decoded(encoded(Point(1, "b"))) == {"x": 1, "y": "b"}
    assert decoded(encoded(pair(None, 2.0))) == {"left": None, "right": 2.0}


def test_the_order_of_a_dict_is_kept() -> None:
    value = OrderedDict([("z", 1), ("a", 2), ("m", 3)])
    assert list(decoded(encoded(value))) == ["z", "a", "m"]


def test_numpy_integers_and_texts_are_keys_and_texts() -> None:
    assert decoded(encoded({np.int32(4): np.str_("four")})) == {4: "four"}


def test_arrays_may_lie_anywhere_in_a_nested_value() -> None:
    array = np.eye(2, dtype="float16")
    back = decoded(encoded({"a": [array, {"b": (array.T, None)}]}))
    np.testing.assert_array_equal(back["a"][0], array)
    np.testing.assert_array_equal(back["a"][1]["b"][0], array)
    assert back["a"][1]["b"][1] is None


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**30])
def test_an_int_outside_int64_is_a_value_error(value: int) -> None:
    with pytest.raises(ValueError, match=r"input 'x': .* outside int64"):
        encoded(value)
    with pytest.raises(ValueError, match=r"input 'x': key: .* outside int64"):
        encoded({value: 1})


@pytest.mark.parametrize("value", ["\ud800", "a\udfff"])
def test_a_text_that_utf8_cannot_write_is_a_value_error(value: str) -> None:
    with pytest.raises(ValueError, match=r"input 'x': not a text"):
        encoded(value)
    with pytest.raises(ValueError, match="not a text"):
        encoded({value: 1})


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (b"bytes", "bytes"),
        (bytearray(b"x"), "bytearray"),
        ({1, 2}, "set"),
        (range(3), "range"),
        ((i for i in [1]), "generator"),
        (1 + 2j, "complex"),
        (object(), "object"),
        (Point, "type"),
    ],
)
def test_a_type_that_no_value_has_is_a_type_error(value: object, named: str) -> None:
    with pytest.raises(TypeError, match=f"input 'x': cannot send {named}; it takes numpy arrays"):
        encoded(value)


@pytest.mark.parametrize("key", [None, 1.5, True, b"a", ("a",)])
def test_a_key_is_a_str_or_an_int(key: Any) -> None:
    with pytest.raises(TypeError, match="input 'x': keys are str or int"):
        encoded({key: 1})


def test_the_keys_of_a_dict_are_of_one_type() -> None:
    with pytest.raises(TypeError, match="input 'x': keys are all str or all int, got both"):
        encoded({"a": 1, 2: 3})


def test_an_error_names_the_place_in_a_nested_value() -> None:
    with pytest.raises(TypeError, match=r"input 'x'\[1\]\['k'\]\[0\]: cannot send set"):
        encoded([0, {"k": (set(),)}])


def test_a_value_may_be_16_deep_and_no_deeper() -> None:
    assert decoded(encoded(nested(16))) == nested(16)
    with pytest.raises(ValueError, match="nested more than 16 deep"):
        encoded(nested(17))
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(ValueError, match="nested more than 16 deep"):
        encoded(circle)


def test_bfloat16_without_ml_dtypes_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    message = encoded(np.ones(2, BFLOAT16))
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(ImportError, match=r"output 'y': .*torchere\[ml_dtypes\]"):
        decoded(message)


def tensor_of(dtype: Any, shape: list[int], data: bytes) -> value_pb2.Value:
    return value_pb2.Value(tensor=value_pb2.Tensor(dtype=dtype, shape=shape, data=data))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (value_pb2.Value(), "UNSUPPORTED_OUTPUT"),
        (tensor_of(0, [1], b"a"), "UNKNOWN_DTYPE"),
        (tensor_of(99, [1], b"a"), "UNKNOWN_DTYPE"),
        (tensor_of(value_pb2.DATA_TYPE_INT32, [2], b"1234567"), "LENGTH_MISMATCH"),
        (tensor_of(value_pb2.DATA_TYPE_INT8, [-1, -2], b"12"), "LENGTH_MISMATCH"),
    ],
    ids=["no kind", "no dtype", "newer dtype", "short", "negative"],
)
def test_an_answer_that_cannot_be_read_is_an_error(message: Any, reason: str) -> None:
    with pytest.raises(torchere.Error) as raised:
        decoded(message)
    assert raised.value.code() is grpc.StatusCode.INTERNAL
    assert raised.value.reason == reason
    assert "output 'y'" in raised.value.details()
