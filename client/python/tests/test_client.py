# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pickle
import threading
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.duration_pb2 import Duration

import torchere
from fake_server import FakeServer
from torchere.v1 import model_pb2, model_status_pb2, predict_pb2, value_pb2


def test_predict_sends_what_it_was_told(fake: FakeServer, client: torchere.Client) -> None:
    client.predict(
        "m",
        {"a": 1, "b": "t"},
        method="encode",
        version=7,
        outputs=["y", "x"],
        request_id="r1",
        priority=-2,
    )
    assert fake.request == predict_pb2.PredictRequest(
        model=model_pb2.ModelSpec(name="m", version=7, method="encode"),
        inputs=[
            value_pb2.NamedValue(name="a", value=value_pb2.Value(int=1)),
            value_pb2.NamedValue(name="b", value=value_pb2.Value(text="t")),
        ],
        outputs=["y", "x"],
        options=predict_pb2.RequestOptions(request_id="r1", priority=-2),
    )
    assert str(fake.metadata["user-agent"]).startswith("torchere-python")


def test_predict_names_no_version_unless_asked(fake: FakeServer, client: torchere.Client) -> None:
    client.predict("m", {})
    assert fake.request == predict_pb2.PredictRequest(
        model=model_pb2.ModelSpec(name="m", method="forward")
    )


def test_predict_asks_by_label(fake: FakeServer, client: torchere.Client) -> None:
    client.predict("m", {}, label="stable")
    assert fake.request.model.WhichOneof("choice") == "label"
    assert fake.request.model.label == "stable"


def test_predict_returns_the_outputs_by_name_in_order(client: torchere.Client) -> None:
    pixels = np.arange(6, dtype="float32").reshape(2, 3)
    answer = client.predict("m", {"z": pixels, "a": [None, "text"], "k": {1: 2.5}})
    assert isinstance(answer, dict)
    assert list(answer) == ["z", "a", "k"]
    np.testing.assert_array_equal(answer["z"], pixels)
    assert answer["a"] == [None, "text"]
    assert answer["k"] == {1: 2.5}


def test_a_prediction_says_what_ran_and_how_long(fake: FakeServer, client: torchere.Client) -> None:
    fake.response = predict_pb2.PredictResponse(
        model=model_pb2.ServedModel(
            name="m", version=3, label="stable", method="forward", digest="sha256:ab"
        ),
        timing=predict_pb2.Timing(
            queue=Duration(nanos=1_000),
            compute=Duration(seconds=2, nanos=500_000_000),
            total=Duration(seconds=3),
            batch_rows=4,
        ),
        request_id="r",
    )
    answer = client.predict("m", {})
    assert answer == {}
    assert answer.model == torchere.ServedModel("m", 3, "stable", "forward", "sha256:ab")
    assert answer.timing == torchere.Timing(1e-6, 2.5, 3.0, 4)
    assert answer.request_id == "r"
    again = pickle.loads(pickle.dumps(answer))
    assert (again, again.model, again.timing) == (answer, answer.model, answer.timing)


def test_copy_decides_whether_arrays_are_writable(client: torchere.Client) -> None:
    inputs = {"x": np.zeros(3)}
    assert client.predict("m", inputs)["x"].flags.writeable
    assert not client.predict("m", inputs, copy=False)["x"].flags.writeable


def test_messages_over_grpcs_default_limit_pass_both_ways(client: torchere.Client) -> None:
    data = np.random.default_rng(1).integers(0, 256, 9 << 20, dtype=np.uint8)
    np.testing.assert_array_equal(client.predict("m", {"x": data})["x"], data)


def test_max_message_bytes_limits_the_answer(fake: FakeServer) -> None:
    fake.answer = lambda request, context: predict_pb2.PredictResponse(request_id="r" * 5000)
    with torchere.Client(fake.address, max_message_bytes=1000) as client:
        with pytest.raises(torchere.Error) as raised:
            client.predict("m", {})
        assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert raised.value.reason == ""


def test_channel_options_win_over_the_clients_own(fake: FakeServer) -> None:
    options = [("grpc.primary_user_agent", "mine")]
    with torchere.Client(fake.address, options=options) as client:
        client.predict("m", {})
    assert str(fake.metadata["user-agent"]).startswith("mine ")


def test_credentials_make_the_connection_secure(fake: FakeServer) -> None:
    credentials = grpc.local_channel_credentials()
    with torchere.Client(fake.secure_address, credentials=credentials) as client:
        assert client.predict("m", {"x": 1}) == {"x": 1}


def test_one_client_serves_many_threads(client: torchere.Client) -> None:
    answers: dict[int, Any] = {}

    def ask(i: int) -> None:
        answers[i] = client.predict("m", {"x": i})["x"]

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {i: i for i in range(16)}


# Wrong arguments


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"model": 3}, TypeError, "model: expected a str, got int"),
        ({"model": "\ud800"}, ValueError, "model: not a text"),
        ({"inputs": [1]}, TypeError, "inputs: expected a dict of values by name, got list"),
        ({"inputs": {1: 2}}, TypeError, "name of an input: expected a str, got int"),
        ({"inputs": {"x": {1, 2}}}, TypeError, "input 'x': cannot send set"),
        ({"inputs": {"x": 2**64}}, ValueError, "input 'x': 18446744073709551616 is outside int64"),
        ({"method": None}, TypeError, "method: expected a str, got NoneType"),
        ({"version": "3"}, TypeError, "version: expected an int, got '3'"),
        ({"version": True}, TypeError, "version: expected an int, got True"),
        ({"version": 0}, ValueError, "version: expected 1 to 9223372036854775807, got 0"),
        ({"version": 2**63}, ValueError, "version: expected 1 to 9223372036854775807, got"),
        ({"label": 3}, TypeError, "label: expected a str, got int"),
        ({"version": 1, "label": "a"}, ValueError, "a version or a label, not both"),
        ({"outputs": "y"}, TypeError, "outputs: expected a list of names, got the str 'y'"),
        ({"outputs": [1]}, TypeError, "outputs: expected a str, got int"),
        ({"request_id": 3}, TypeError, "request_id: expected a str, got int"),
        ({"priority": "1"}, TypeError, "priority: expected an int, got '1'"),
        ({"priority": 2**31}, ValueError, "priority: expected -2147483648 to 2147483647, got"),
        ({"timeout": 0}, ValueError, "timeout: expected seconds above 0, got 0"),
        ({"timeout": -1.0}, ValueError, "timeout: expected seconds above 0"),
        ({"timeout": float("inf")}, ValueError, "timeout: expected seconds above 0"),
        ({"timeout": float("nan")}, ValueError, "timeout: expected seconds above 0"),
        ({"timeout": "1"}, TypeError, "timeout: expected seconds, got '1'"),
    ],
)
def test_a_wrong_argument_raises_before_anything_is_sent(
    fake: FakeServer,
    client: torchere.Client,
    arguments: dict[str, Any],
    error: type[Exception],
    text: str,
) -> None:
    with pytest.raises(error, match=text):
        client.predict(**{"model": "m", "inputs": {}, **arguments})
    assert fake.requests == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"target": 8500}, TypeError),
        ({"timeout": 0}, ValueError),
        ({"timeout": None}, TypeError),
        ({"max_message_bytes": 0}, ValueError),
        ({"max_message_bytes": 2**31}, ValueError),
        ({"max_message_bytes": 1.5}, TypeError),
    ],
)
def test_a_client_is_not_made_of_wrong_arguments(
    arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=next(iter(arguments))):
        torchere.Client(**arguments)


# Time


@pytest.mark.parametrize("call", ["predict", "status", "models", "signature"])
def test_every_call_has_the_timeout_asked_or_the_clients(fake: FakeServer, call: str) -> None:
    fake.answer = lambda request, context: {
        "predict": predict_pb2.PredictResponse(),
        "status": model_status_pb2.GetModelStatusResponse(),
        "models": model_status_pb2.ListModelsResponse(),
        "signature": model_status_pb2.GetModelSignatureResponse(),
    }[call]
    # gRPC rounds a timeout up on its way, so the bounds are wide.
    arguments: list[Any] = {"predict": ["m", {}], "models": []}.get(call, ["m"])
    with torchere.Client(fake.address) as client:
        getattr(client, call)(*arguments)
        assert fake.time_remaining is not None
        assert 0 < fake.time_remaining < 60
        getattr(client, call)(*arguments, timeout=5000)
        assert 60 < fake.time_remaining < 10_000
    with torchere.Client(fake.address, timeout=900) as client:
        getattr(client, call)(*arguments)
        assert 60 < fake.time_remaining < 1800


def test_a_deadline_that_passes_is_an_error(fake: FakeServer, client: torchere.Client) -> None:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        fake.stopping.wait()
        return predict_pb2.PredictResponse()

    fake.answer = answer
    with pytest.raises(torchere.Error) as raised:
        client.predict("m", {}, timeout=0.05)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_call_on_a_closed_client_is_a_value_error(fake: FakeServer) -> None:
    with torchere.Client(fake.address) as client:
        client.predict("m", {})
    with pytest.raises(ValueError, match="closed"):
        client.predict("m", {})
    client.close()
