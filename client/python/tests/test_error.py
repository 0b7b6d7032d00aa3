# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

import torchere
from fake_server import FakeServer
from torchere.v1 import error_pb2


def aborting(
    code: grpc.StatusCode, text: str, *details: tuple[str, Message | bytes]
) -> Callable[[Any, grpc.ServicerContext], Any]:
    """An answer that is an error with these details, each by its type URL."""
    status = error_pb2.RpcStatus(code=code.value[0], message=text)
    for url, detail in details:
        wire = detail if isinstance(detail, bytes) else detail.SerializeToString()
        status.details.append(AnyMessage(type_url=url, value=wire))

    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        if details:
            context.set_trailing_metadata(
                (("grpc-status-details-bin", status.SerializeToString()),)
            )
        context.abort(code, text)

    return answer


def test_an_error_has_code_reason_metadata_and_retry(
    fake: FakeServer, client: torchere.Client
) -> None:
    fake.answer = aborting(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "4 requests are in flight, the limit is 4",
        (
            "type.googleapis.com/google.rpc.ErrorInfo",
            error_pb2.ErrorInfo(
                reason="SERVER_FULL", domain="torchere", metadata={"limit": "4", "got": "5"}
            ),
        ),
        (
            "type.googleapis.com/google.rpc.RetryInfo",
            error_pb2.RetryInfo(retry_delay=Duration(seconds=1, nanos=250_000_000)),
        ),
    )
    with pytest.raises(torchere.Error) as raised:
        client.predict("m", {})
    error = raised.value
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.details() == "4 requests are in flight, the limit is 4"
    assert error.reason == "SERVER_FULL"
    assert error.metadata == {"limit": "4", "got": "5"}
    assert error.retry_after == 1.25
    assert str(error) == (
        "RESOURCE_EXHAUSTED (SERVER_FULL): 4 requests are in flight, the limit is 4"
    )
    assert isinstance(error.__cause__, grpc.RpcError)


@pytest.mark.parametrize("call", ["status", "models", "signature"])
def test_the_other_calls_raise_the_same_error(
    fake: FakeServer, client: torchere.Client, call: str
) -> None:
    info = error_pb2.ErrorInfo(reason="MODEL_NOT_FOUND", domain="torchere")
    fake.answer = aborting(
        grpc.StatusCode.NOT_FOUND, "no model 'm'", ("any.host/google.rpc.ErrorInfo", info)
    )
    with pytest.raises(torchere.Error) as raised:
        getattr(client, call)(*([] if call == "models" else ["m"]))
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND
    assert raised.value.reason == "MODEL_NOT_FOUND"
    assert raised.value.retry_after is None


@pytest.mark.parametrize(
    "details",
    [
        (),
        (("type.googleapis.com/google.rpc.Help", b"\x0a\x00"),),
        (("type.googleapis.com/google.rpc.ErrorInfo", b"\xff\xff\xff"),),
        (("type.googleapis.com/google.rpc.MyErrorInfo", error_pb2.ErrorInfo(reason="X")),),
    ],
    ids=["none", "others", "broken", "of another type"],
)
def test_an_error_without_readable_details_keeps_code_and_text(
    fake: FakeServer, client: torchere.Client, details: Any
) -> None:
    fake.answer = aborting(grpc.StatusCode.UNAVAILABLE, "draining", *details)
    with pytest.raises(torchere.Error) as raised:
        client.predict("m", {})
    error = raised.value
    assert (error.code(), error.details()) == (grpc.StatusCode.UNAVAILABLE, "draining")
    assert (error.reason, error.metadata, error.retry_after) == ("", {}, None)
    assert str(error) == "UNAVAILABLE: draining"


def test_a_trailer_that_is_no_status_is_left_out(fake: FakeServer, client: torchere.Client) -> None:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        context.set_trailing_metadata((("grpc-status-details-bin", b"\xff\xff\xff"),))
        context.abort(grpc.StatusCode.INTERNAL, "failed")

    fake.answer = answer
    with pytest.raises(torchere.Error, match="INTERNAL: failed"):
        client.predict("m", {})


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with torchere.Client("unix:/nowhere/torchere.sock") as client:
        with pytest.raises(torchere.Error) as raised:
            client.models()
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        assert raised.value.reason == ""


def test_a_call_that_an_ending_server_cancels_is_unavailable(
    fake: FakeServer, client: torchere.Client
) -> None:
    fake.answer = lambda _, context: context.abort(grpc.StatusCode.CANCELLED, "CANCELLED")
    with pytest.raises(torchere.Error) as raised:
        client.models()
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert raised.value.details() == "the server is ending"


def test_a_call_that_close_ends_is_cancelled(fake: FakeServer) -> None:
    client = torchere.Client(fake.address)
    entered = threading.Event()

    def wait(_: object, context: grpc.ServicerContext) -> None:
        entered.set()
        fake.stopping.wait()
        context.abort(grpc.StatusCode.ABORTED, "")

    fake.answer = wait
    with futures.ThreadPoolExecutor(1) as pool:
        call = pool.submit(client.models)
        entered.wait()
        client.close()
        with pytest.raises(torchere.Error) as raised:
            call.result()
    assert raised.value.code() is grpc.StatusCode.CANCELLED


def test_an_error_can_be_pickled() -> None:
    error = torchere.Error(
        grpc.StatusCode.NOT_FOUND, "no", reason="R", metadata={"a": "b"}, retry_after=2.0
    )
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is torchere.Error
    assert (again.code(), again.details(), again.reason) == (error.code(), "no", "R")
    assert (again.metadata, again.retry_after) == ({"a": "b"}, 2.0)
