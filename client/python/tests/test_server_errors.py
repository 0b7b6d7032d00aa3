# SPDX-License-Identifier: Apache-2.0
"""Bad input to the real server: the right code and reason, and it goes on serving."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import grpc
import numpy as np
import pytest

import torchere
from real_server import DATA, RealServer, real_server

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
INTERNAL = grpc.StatusCode.INTERNAL
UNIMPLEMENTED = grpc.StatusCode.UNIMPLEMENTED

X = np.ones((2, 3), "float32")
PIXELS = np.zeros((1, 1, 8, 8), "float32")
PREDICT = "/torchere.v1.PredictService/Predict"


def refusal(call: Callable[[], object]) -> torchere.Error:
    with pytest.raises(torchere.Error) as raised:
        call()
    error = raised.value
    assert error.details().strip()
    assert "\n" not in error.details()
    return error


# What is asked for


@pytest.mark.parametrize(
    ("model", "arguments", "code", "reason", "named"),
    [
        ("digit", {}, NOT_FOUND, "MODEL_NOT_FOUND", "digits"),
        ("digits", {"version": 7}, NOT_FOUND, "VERSION_NOT_FOUND", "7"),
        ("digits", {"label": "canary"}, NOT_FOUND, "LABEL_NOT_FOUND", "canary"),
        ("digits", {"method": "backward"}, NOT_FOUND, "METHOD_NOT_FOUND", "backward"),
        ("digits", {"inputs": {}}, INVALID, "MISSING_INPUT", "pixels"),
        ("digits", {"inputs": {"pixel": PIXELS}}, INVALID, "UNKNOWN_INPUT", "pixels"),
        ("digits", {"outputs": ["logits"]}, INVALID, "UNKNOWN_OUTPUT", "probabilities"),
        (
            "types",
            {"method": "echo_text_map", "inputs": {"x": {"a": "b"}}, "outputs": ["c"]},
            INVALID,
            "UNKNOWN_OUTPUT",
            "c",
        ),
        (
            "failing",
            {"method": "takes_device", "inputs": {"device": "cpu"}},
            INVALID,
            "UNSUPPORTED_INPUT",
            "device",
        ),
        (
            "failing",
            {"method": "takes_object", "inputs": {"x": 1}},
            INVALID,
            "UNSUPPORTED_INPUT",
            "x",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isupper() else "",
)
def test_what_there_is_not_is_refused_by_name(
    real: torchere.Client,
    model: str,
    arguments: dict[str, Any],
    code: grpc.StatusCode,
    reason: str,
    named: str,
) -> None:
    inputs = arguments.pop("inputs") if "inputs" in arguments else {"pixels": PIXELS}
    error = refusal(lambda: real.predict(model, inputs, **arguments))
    assert (error.code(), error.reason) == (code, reason)
    assert named in error.details()
    assert error.metadata["model"] == model
    assert error.retry_after is None


@pytest.mark.parametrize("call", ["status", "signature"])
def test_status_and_signature_refuse_what_there_is_not(real: torchere.Client, call: str) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"model": "digit"}, "MODEL_NOT_FOUND"),
        ({"model": "digits", "version": 2}, "VERSION_NOT_FOUND"),
        ({"model": "digits", "label": "canary"}, "LABEL_NOT_FOUND"),
    ]
    for arguments, reason in cases:
        error = refusal(partial(getattr(real, call), **arguments))
        assert (error.code(), error.reason) == (NOT_FOUND, reason)


# Values that do not fit


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        ("text", "TYPE_MISMATCH"),
        ([PIXELS], "TYPE_MISMATCH"),
        (None, "TYPE_MISMATCH"),
        (PIXELS.astype("float64"), "DTYPE_MISMATCH"),
        (PIXELS[0], "RANK_MISMATCH"),
        (PIXELS[0, 0, 0, 0], "RANK_MISMATCH"),
        (PIXELS[:, :, :, :7], "SHAPE_MISMATCH"),
    ],
    ids=["text", "list", "none", "dtype", "rank 3", "rank 0", "dimension"],
)
def test_an_input_unlike_its_declaration_is_refused(
    real: torchere.Client, pixels: object, reason: str
) -> None:
    error = refusal(lambda: real.predict("digits", {"pixels": pixels}))
    assert (error.code(), error.reason) == (INVALID, reason)
    assert "'pixels'" in error.details()
    assert error.metadata["input"] == "pixels"
    assert error.metadata["expected"]
    assert error.metadata["got"]


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("echo", 1.0),
        ("echo_text", 1),
        ("echo_int", 1.0),
        ("echo_int", True),
        ("echo_int", np.int64(1)),
        ("echo_float", "1"),
        ("echo_bool", 1),
        ("echo_ints", [1, "2"]),
        ("echo_ints", {"a": 1}),
        ("echo_texts", "text"),
        ("echo_pair", [1]),
        ("echo_pair", [1, "a", 2]),
        ("echo_pair", ["a", 1]),
        ("echo_point", {"x": 1.0}),
        ("echo_point", {"x": 1.0, "z": 2.0}),
        ("echo_text_map", {"a": 1}),
        ("echo_text_map", {1: "a"}),
        ("echo_float_map", {"a": 1.0}),
        ("echo_optional_int", "1"),
        ("echo_deep", [{"a": [1, 2.5]}]),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_value_of_another_type_is_refused(
    real: torchere.Client, method: str, value: object
) -> None:
    error = refusal(lambda: real.predict("types", {"x": value}, method=method))
    assert (error.code(), error.reason) == (INVALID, "TYPE_MISMATCH")
    assert "input 'x'" in error.details()


@pytest.mark.parametrize(
    ("inputs", "arguments"),
    [
        ({"x": "t" * ((1 << 20) + 1)}, {"method": "echo_text"}),
        ({"x": [X] * 65}, {"method": "echo_tensors"}),
        ({"x": np.zeros((1,) * 17, "int8")}, {"method": "echo"}),
        ({"x": X}, {"method": "echo", "outputs": ["output"] * 65}),
        ({"x": X}, {"method": "echo", "request_id": "r" * 257}),
        ({"x" * 257: X}, {"method": "echo"}),
    ],
    ids=["text", "tensors", "rank", "outputs", "request_id", "name"],
)
def test_what_is_over_a_limit_is_refused(
    real: torchere.Client, inputs: dict[str, Any], arguments: dict[str, Any]
) -> None:
    error = refusal(lambda: real.predict("types", inputs, **arguments))
    assert (error.code(), error.reason) == (INVALID, "LIMIT_EXCEEDED")


def test_a_compressed_message_is_refused(real: torchere.Client, server: RealServer) -> None:
    gzip = (("grpc.default_compression_algorithm", grpc.Compression.Gzip.value),)
    with torchere.Client(server.address, options=gzip) as client:
        error = refusal(lambda: client.predict("types", {"x": np.zeros(100_000)}))
    # gRPC itself answers, so there is no reason of ours.
    assert error.code() is UNIMPLEMENTED
    assert "gzip" in error.details()


# Models that fail


@pytest.mark.parametrize(
    ("method", "inputs", "text"),
    [
        ("raises", {"x": X}, "x is not what this model was trained on"),
        ("raises_message", {"message": "grüß\nyou"}, "grüß"),
        ("raises_message", {"message": "m" * 10_000}, "mmm"),
        ("asserts", {"x": X[0]}, "x must have two dimensions"),
    ],
    ids=["raises", "lines", "long", "asserts"],
)
def test_a_model_that_raises_has_rejected_its_input(
    real: torchere.Client, method: str, inputs: dict[str, Any], text: str
) -> None:
    with pytest.raises(torchere.Error) as raised:
        real.predict("failing", inputs, method=method)
    error = raised.value
    assert (error.code(), error.reason) == (INVALID, "MODEL_REJECTED")
    assert text in error.details()
    assert len(error.details().encode()) <= 1024
    assert "Traceback" not in error.details()
    assert ".py" not in error.details()


@pytest.mark.parametrize(
    ("method", "inputs"),
    [
        ("looks_up", {"indices": np.array([0, 9])}),
        ("selects", {"x": X, "indices": np.array([5])}),
        ("list_item", {"items": [1], "index": 3}),
        ("map_item", {"items": {"a": 1}, "key": "b"}),
        ("multiplies", {"x": np.ones((2, 5), "float32")}),
        ("divides", {"x": 1, "y": 0}),
    ],
    ids=["looks_up", "selects", "list_item", "map_item", "multiplies", "divides"],
)
def test_a_model_that_fails_inside_is_an_error_of_this_request_alone(
    real: torchere.Client, method: str, inputs: dict[str, Any]
) -> None:
    error = refusal(lambda: real.predict("failing", inputs, method=method))
    assert (error.code(), error.reason) in [
        (INVALID, "MODEL_REJECTED"),
        (INTERNAL, "MODEL_FAILED"),
    ]
    assert "failing" in error.details()


@pytest.mark.parametrize(
    ("method", "inputs"),
    [
        ("returns_device", {}),
        ("returns_object", {}),
        ("returns_enum", {}),
        ("returns_complex", {}),
        ("returns_complex_tensor", {"x": X}),
        ("returns_sparse_tensor", {"x": X}),
        ("returns_quantized_tensor", {"x": X}),
        ("returns_float_keys", {}),
        ("returns_invalid_text", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_output_that_cannot_be_sent_is_said(
    real: torchere.Client, method: str, inputs: dict[str, Any]
) -> None:
    error = refusal(lambda: real.predict("failing", inputs, method=method))
    assert (error.code(), error.reason) == (INTERNAL, "UNSUPPORTED_OUTPUT")


def test_a_model_that_runs_out_of_memory_is_refused(real: torchere.Client) -> None:
    error = refusal(lambda: real.predict("failing", {"elements": 2**60}, method="allocates"))
    assert (error.code(), error.reason) == (EXHAUSTED, "OUT_OF_MEMORY")


# Limits of the server


def test_a_deadline_ends_a_call_whose_model_still_runs(real: torchere.Client) -> None:
    error = refusal(lambda: real.predict("failing", {"n": 50_000}, method="spins", timeout=0.02))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.fixture(scope="module")
def narrow() -> Iterator[torchere.Client]:
    """A client of a server with one request in flight, of at most 64 KiB."""
    flags = ("--max-message-bytes=65536", "--max-requests-in-flight=1")
    model = f"--model=failing={DATA / 'failing.pt'}"
    with real_server(model, *flags) as server, torchere.Client(server.address) as client:
        yield client


def predict_when_free(client: torchere.Client) -> Any:
    """What the model gives for X. The slot of a call is free only a little after its answer."""
    for _ in range(10_000):
        try:
            return client.predict("failing", {"x": X})["output"]
        except torchere.Error as error:
            if error.reason != "SERVER_FULL":
                raise
    pytest.fail("the slot of a call that was answered is never free")


def test_a_message_over_the_servers_limit_is_refused(narrow: torchere.Client) -> None:
    error = refusal(lambda: narrow.predict("failing", {"x": np.zeros(65536, "uint8")}))
    # gRPC itself answers, so there is no reason of ours.
    assert error.code() is EXHAUSTED
    assert "65536" in error.details()
    np.testing.assert_array_equal(predict_when_free(narrow), X + 1)


def test_a_full_server_refuses_and_says_when_to_come_back(narrow: torchere.Client) -> None:
    refused: list[torchere.Error] = []

    def spin() -> None:
        try:
            narrow.predict("failing", {"n": 50_000}, method="spins")
        except torchere.Error as error:
            refused.append(error)

    # Each runs for a second or so, and there is room for one.
    threads = [threading.Thread(target=spin) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused
    for error in refused:
        assert (error.code(), error.reason) == (EXHAUSTED, "SERVER_FULL")
        assert error.retry_after is not None
        assert error.retry_after > 0
    np.testing.assert_array_equal(predict_when_free(narrow), X + 1)
