# SPDX-License-Identifier: Apache-2.0
"""Large arrays are written past the message; what arrives is the same."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import ml_dtypes
import numpy as np
import pytest
from google.protobuf.message import EncodeError

from torchere.request import serialize_request
from torchere.v1 import model_pb2, predict_pb2
from torchere.values import encode_value

ITEMS = 70_000  # with one byte each more than is written as it is
DTYPES = [
    *("bool", "uint8", "int8", "int16", "int32", "int64"),
    *("float16", ml_dtypes.bfloat16, "float32", "float64"),
]
GRID = np.arange(ITEMS, dtype="float32").reshape(7, -1)


def empty_request() -> predict_pb2.PredictRequest:
    return predict_pb2.PredictRequest(model=model_pb2.ModelSpec(name="m", version=3), outputs=["y"])


def read_back(inputs: dict[str, Any]) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.ParseFromString(serialize_request(empty_request(), inputs))
    return request


def as_messages(inputs: dict[str, Any]) -> predict_pb2.PredictRequest:
    """The same by way of messages alone."""
    request = empty_request()
    for name, value in inputs.items():
        encode_value(value, request.inputs.add(name=name).value, name)
    return request


class Tensorlike:
    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        return GRID


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(ITEMS,), (7, ITEMS // 7), (1,) * 15 + (ITEMS,)], ids=len)
def test_a_large_array_arrives_as_by_messages(dtype: Any, shape: tuple[int, ...]) -> None:
    inputs = {"x": (np.arange(ITEMS) % 2).astype(dtype).reshape(shape)}
    assert read_back(inputs) == as_messages(inputs)


@pytest.mark.parametrize(
    "array",
    [GRID.T, GRID[:, ::-1], np.asfortranarray(GRID), GRID.astype(">f4"), Tensorlike()],
    ids=["transposed", "reversed", "column-major", "big-endian", "__array__"],
)
def test_a_large_array_is_sent_in_row_major_order_and_little_endian(array: Any) -> None:
    assert read_back({"x": array}) == as_messages({"x": array})


@pytest.mark.parametrize("length", [65_535, 65_536, 2**21 - 40, 2**21 + 40, 2**24])
def test_lengths_of_any_number_of_digits_are_right(length: int) -> None:
    inputs = {"an input's name": np.full(length, 7, "uint8")}
    assert read_back(inputs) == as_messages(inputs)


def test_large_arrays_stand_beside_other_values() -> None:
    small: dict[str, Any] = {"a": 1, "b": [GRID, "t"], "c": GRID[:1, :2]}
    large = {"d": GRID, "ü": GRID + 1}
    assert read_back({**large, **small}) == as_messages({**small, **large})


def test_the_array_is_the_callers_again_once_it_was_sent() -> None:
    array = GRID.copy()
    message = serialize_request(empty_request(), {"x": array})
    array += 1
    assert predict_pb2.PredictRequest.FromString(message) == as_messages({"x": GRID})


@pytest.mark.parametrize(
    ("array", "named"),
    [
        (np.zeros(ITEMS, "complex64"), "complex64"),
        (np.zeros(ITEMS, "U1"), "str"),
        (np.ma.masked_array(GRID), "masked"),
    ],
    ids=["complex", "text", "masked"],
)
def test_a_large_array_that_cannot_be_sent_is_a_type_error(array: Any, named: str) -> None:
    with pytest.raises(TypeError, match=rf"input 'x': .*{named}"):
        serialize_request(empty_request(), {"x": array})


def test_a_name_that_utf8_cannot_write_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="name of an input"):
        serialize_request(empty_request(), {"\ud800": GRID})


def test_inputs_that_are_2_gib_together_are_a_value_error() -> None:
    part = np.zeros((2, 2**24), "uint8")  # all inputs are the same memory
    inputs = {f"x{i}": part for i in range(64)}
    with pytest.raises(ValueError, match=r"inputs: 2147\d{6} bytes in all, .* holds 2147483647"):
        serialize_request(empty_request(), inputs)


def test_what_protobuf_finds_too_large_is_a_value_error() -> None:
    request = Mock(spec=empty_request(), inputs=empty_request().inputs)
    request.SerializeToString.side_effect = EncodeError("Failed to serialize proto")
    with pytest.raises(ValueError, match=r"inputs: 2 GiB or more in all, .* holds 2147483647"):
        serialize_request(request, {"x": [1, 2]})
