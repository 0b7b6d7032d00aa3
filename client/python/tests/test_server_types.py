# SPDX-License-Identifier: Apache-2.0
"""Every type of TorchScript through the real server and models of tests/data."""

from __future__ import annotations

import json
import math
from collections import namedtuple
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import torchere
from real_server import DATA

DTYPES = [
    *map(np.dtype, ("bool", "uint8", "int8", "int16", "int32", "int64")),
    *map(np.dtype, ("float16", ml_dtypes.bfloat16, "float32", "float64")),
]
X = np.arange(6, dtype="float32").reshape(2, 3)


def tensor(case: dict[str, Any]) -> np.ndarray[Any, Any]:
    """A tensor of an expected.json file."""
    dtype = {"FP32": "float32", "INT64": "int64"}[case["dtype"]]
    array: np.ndarray[Any, Any] = np.array(case["data"], dtype).reshape(case["shape"])
    return array


def echo(real: torchere.Client, method: str, value: object) -> Any:
    return real.predict("types", {"x": value}, method=method)["output"]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 0, 3), (3, 4), (1,) * 16], ids=str)
def test_a_tensor_of_each_dtype_comes_back_bit_equal(
    real: torchere.Client, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> None:
    size = math.prod(shape) * dtype.itemsize
    patterns = np.random.default_rng(3).integers(0, 256, size, dtype=np.uint8)
    if dtype.name == "bool":
        patterns &= 1
    array = patterns.view(dtype).reshape(shape)
    back = echo(real, "echo", array)
    assert back.dtype == dtype
    assert back.shape == shape
    assert back.tobytes() == array.tobytes()


def test_a_tensor_of_megabytes_comes_back_bit_equal(real: torchere.Client) -> None:
    array = np.random.default_rng(5).standard_normal((1024, 2048)).astype("float32")
    assert echo(real, "forward", array).tobytes() == array.tobytes()


def test_a_strided_or_big_endian_array_arrives_as_its_values(real: torchere.Client) -> None:
    for array in (X.T, X[:, ::-1], X.astype(">f4"), np.asfortranarray(X)):
        np.testing.assert_array_equal(echo(real, "echo", array), array)


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("echo_text", ""),
        ("echo_text", "grüß 🙂 \0 end"),
        ("echo_text", "x" * (1 << 20)),
        ("echo_int", 0),
        ("echo_int", 2**63 - 1),
        ("echo_int", -(2**63)),
        ("echo_float", 0.1),
        ("echo_float", float("-inf")),
        ("echo_float", 5e-324),
        ("echo_bool", True),
        ("echo_bool", False),
        ("echo_optional_int", None),
        ("echo_optional_int", 7),
        ("echo_optional_text", None),
        ("echo_optional_text", "t"),
        ("echo_optional_ints", None),
        ("echo_optional_ints", []),
        ("echo_optional_ints", [1, -2, 3]),
        ("echo_optional_tensor", None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_plain_value_comes_back_equal_and_of_its_type(
    real: torchere.Client, method: str, value: Any
) -> None:
    back = echo(real, method, value)
    assert type(back) is type(value)
    assert back == value


def test_nan_and_negative_zero_come_back(real: torchere.Client) -> None:
    assert math.isnan(echo(real, "echo_float", math.nan))
    assert math.copysign(1, echo(real, "echo_float", -0.0)) == -1


def test_an_int_is_taken_where_a_float_is_wanted(real: torchere.Client) -> None:
    back = echo(real, "echo_float", 3)
    assert type(back) is float
    assert back == 3.0


def test_an_optional_tensor_comes_back(real: torchere.Client) -> None:
    np.testing.assert_array_equal(echo(real, "echo_optional_tensor", X), X)


def test_an_argument_with_a_default_may_be_left_out(real: torchere.Client) -> None:
    assert real.predict("types", {}, method="echo_optional_ints") == {"output": None}


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("echo_ints", []),
        ("echo_ints", [1, 2**62, -3]),
        ("echo_floats", [0.5, float("inf")]),
        ("echo_bools", [True, False, True]),
        ("echo_texts", ["a", "", "ü"]),
        ("echo_pairs", [[1, "a"], [2, "b"]]),
        ("echo_deep", [{"a": [1, 2], "b": []}, {}, {"c": [3]}]),
        ("echo_deep", []),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_list_comes_back_item_for_item(real: torchere.Client, method: str, value: Any) -> None:
    assert listed(real.predict("types", {"x": value}, method=method)) == value


def listed(answer: torchere.Prediction) -> list[Any]:
    """The items of an answer that is one List."""
    assert list(answer) == ["output"]
    items = answer["output"]
    assert isinstance(items, list)
    return items


def test_a_list_of_tensors_comes_back(real: torchere.Client) -> None:
    arrays = [X, np.array(3, "int64"), np.zeros((0, 2), "bool")]
    back = listed(real.predict("types", {"x": arrays}, method="echo_tensors"))
    for one, other in zip(back, arrays, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


def test_a_list_of_optional_tensors_comes_back(real: torchere.Client) -> None:
    back = listed(real.predict("types", {"x": [None, X]}, method="echo_optional_tensors"))
    assert back[0] is None
    np.testing.assert_array_equal(back[1], X)


def test_a_plain_tuple_is_numbered_outputs(real: torchere.Client) -> None:
    answer = real.predict("types", {"x": (7, "seven")}, method="echo_pair")
    assert list(answer.items()) == [("output_0", 7), ("output_1", "seven")]


def test_a_namedtuple_is_a_dict_of_its_fields(real: torchere.Client) -> None:
    point = namedtuple("point", ["x", "y"])
    for value in (point(1.5, -2.0), {"y": -2.0, "x": 1.5}, (1.5, -2.0)):
        answer = real.predict("types", {"x": value}, method="echo_point")
        assert list(answer.items()) == [("x", 1.5), ("y", -2.0)]


def test_a_nested_namedtuple_is_nested_dicts(real: torchere.Client) -> None:
    corners = [{"x": 0.0, "y": 0.0}, {"x": 1.0, "y": 2.0}]
    polygon = {"name": "line", "corners": corners, "area": X}
    answer = real.predict("types", {"x": polygon}, method="echo_polygon")
    assert list(answer) == ["name", "corners", "area"]
    assert answer["name"] == "line"
    assert answer["corners"] == corners
    np.testing.assert_array_equal(answer["area"], X)


def test_a_dict_is_outputs_by_its_keys_in_order(real: torchere.Client) -> None:
    answer = real.predict("types", {"x": {"z": X, "a": X + 1}}, method="echo_tensor_map")
    assert list(answer) == ["z", "a"]
    np.testing.assert_array_equal(answer["z"], X)
    np.testing.assert_array_equal(answer["a"], X + 1)
    assert real.predict("types", {"x": {"k": "v"}}, method="echo_text_map") == {"k": "v"}
    assert real.predict("types", {"x": {}}, method="echo_text_map") == {}


def test_a_dict_with_int_keys_comes_back(real: torchere.Client) -> None:
    value = {3: 0.5, -1: 2.0}
    answer = real.predict("types", {"x": value}, method="echo_float_map")
    assert answer == {"output": value}


def test_arguments_of_several_types_go_together(real: torchere.Client) -> None:
    inputs = {"flag": True, "limits": {"low": 0.5}, "texts": ["a", "b"], "x": X}
    answer = real.predict("types", inputs, method="mixed")
    np.testing.assert_array_equal(answer.pop("output_0"), X + 1)
    assert answer == {"output_1": 2, "output_2": {"low": 0.5}, "output_3": False}


@pytest.mark.parametrize(
    ("arguments", "expected", "name"),
    [
        ({}, X * 2 + 1, "plain"),
        ({"scale": 3.0}, X * 3 + 1, "plain"),
        ({"scale": 1, "shift": -1, "name": "other"}, X - 1, "other"),
        ({"negate": True}, -(X * 2 + 1), "plain"),
        ({"bias": X}, X * 3 + 1, "plain"),
        ({"bias": None}, X * 2 + 1, "plain"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_defaults_are_taken_for_what_is_left_out(
    real: torchere.Client, arguments: dict[str, Any], expected: Any, name: str
) -> None:
    answer = real.predict("types", {"x": X, **arguments}, method="with_defaults")
    np.testing.assert_array_equal(answer["output_0"], expected)
    assert answer["output_1"] == name


def test_methods_of_any_arity_can_be_called(real: torchere.Client) -> None:
    assert real.predict("types", {}, method="no_arguments") == {"output": 42}
    assert real.predict("types", {}, method="nothing") == {"output": None}
    keywords = {"x": X, "scale": 2.0, "shift": 3}
    answer = real.predict("types", keywords, method="keyword_only")
    np.testing.assert_array_equal(answer["output"], X * 2 + 3)


UNSEEN = json.loads((DATA / "unseen_expected.json").read_text())


@pytest.mark.parametrize("case", UNSEEN, ids=lambda case: f"top={case['inputs'].get('top')}")
def test_a_model_nobody_prepared_is_called_by_its_argument_names(
    real: torchere.Client, case: dict[str, Any]
) -> None:
    inputs = dict(case["inputs"])
    inputs["signals"] = {name: tensor(value) for name, value in inputs["signals"].items()}
    answer = real.predict("unseen", inputs)
    assert list(answer) == ["scores", "names"]
    assert answer["names"] == case["outputs"]["names"]
    np.testing.assert_allclose(answer["scores"], tensor(case["outputs"]["scores"]), atol=1e-5)


def test_views_arrive_as_their_values(real: torchere.Client) -> None:
    (case,) = json.loads((DATA / "views_expected.json").read_text())
    answer = real.predict("views", {"x": tensor(case["inputs"]["x"])})
    assert list(answer) == list(case["outputs"])
    for name, expected in case["outputs"].items():
        np.testing.assert_array_equal(answer[name], tensor(expected), err_msg=name)


def test_a_model_that_writes_its_input_does_not_write_the_callers(real: torchere.Client) -> None:
    array = np.ones(1000, "float32")
    for _ in range(3):
        np.testing.assert_array_equal(real.predict("inplace", {"x": array})["output"], array * 2)
    np.testing.assert_array_equal(array, np.ones(1000))
