# SPDX-License-Identifier: Apache-2.0
"""Messages to the real server that no client of ours would send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

import torchere
from real_server import RealServer
from torchere.error import from_rpc_error
from torchere.v1 import model_pb2, predict_pb2, value_pb2

INVALID = grpc.StatusCode.INVALID_ARGUMENT
UNIMPLEMENTED = grpc.StatusCode.UNIMPLEMENTED

PREDICT = "/torchere.v1.PredictService/Predict"


@pytest.fixture(scope="module")
def send(server: RealServer) -> Iterator[Callable[..., torchere.Error]]:
    """Sends bytes or a message as they are; returns the error that it is answered with."""
    with grpc.insecure_channel(server.address) as channel:

        def call(message: bytes | Message, path: str = PREDICT) -> torchere.Error:
            wire = message if isinstance(message, bytes) else message.SerializeToString()
            with pytest.raises(grpc.RpcError) as raised:
                channel.unary_unary(path, bytes, bytes)(wire, timeout=30)
            return from_rpc_error(raised.value)

        yield call


def predict_request(*inputs: value_pb2.NamedValue, method: str = "echo") -> Any:
    return predict_pb2.PredictRequest(
        model=model_pb2.ModelSpec(name="types", method=method), inputs=inputs
    )


def named(name: str = "x", **kind: Any) -> value_pb2.NamedValue:
    return value_pb2.NamedValue(name=name, value=value_pb2.Value(**kind))


def tensor(shape: list[int], data: bytes, dtype: Any = value_pb2.DATA_TYPE_INT32) -> Any:
    return named(tensor=value_pb2.Tensor(dtype=dtype, shape=shape, data=data))


def deep(depth: int) -> value_pb2.NamedValue:
    value = value_pb2.Value(int=1)
    for _ in range(depth - 1):
        value = value_pb2.Value(list=value_pb2.ValueList(values=[value]))
    return value_pb2.NamedValue(name="x", value=value)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ([tensor([2], b"1234567")], "LENGTH_MISMATCH"),
        ([tensor([2], b"123456789")], "LENGTH_MISMATCH"),
        ([tensor([0], b"1")], "LENGTH_MISMATCH"),
        ([tensor([-1], b"1234")], "INVALID_VALUE"),
        ([tensor([-1, -1], b"1234")], "INVALID_VALUE"),
        ([tensor([2**62, 2**62], b"1234")], "INVALID_VALUE"),
        ([tensor([2**63 - 1], b"1234")], "INVALID_VALUE"),
        ([tensor([4], b"1234", dtype=99)], "UNKNOWN_DTYPE"),
        ([tensor([4], b"1234", dtype=0)], "UNKNOWN_DTYPE"),
        ([tensor([2], b"\1\2", dtype=value_pb2.DATA_TYPE_BOOL)], "INVALID_VALUE"),
        ([tensor([1], b"1234"), tensor([1], b"1234")], "DUPLICATE_INPUT"),
        ([value_pb2.NamedValue(name="x")], "INVALID_VALUE"),
        ([named()], "INVALID_VALUE"),
        ([deep(17)], "LIMIT_EXCEEDED"),
    ],
    ids=[
        "short", "long", "long for empty", "negative", "negatives", "overflow", "huge",
        "dtype 99", "dtype 0", "bool 2", "duplicate", "no value", "no kind", "17 deep",
    ],
)  # fmt: skip
def test_a_malformed_value_is_refused(
    real: torchere.Client, send: Callable[..., torchere.Error], inputs: Any, reason: str
) -> None:
    error = send(predict_request(*inputs))
    assert (error.code(), error.reason) == (INVALID, reason)


def test_a_message_nested_far_deeper_than_protobuf_allows_is_refused(
    real: torchere.Client, send: Callable[..., torchere.Error]
) -> None:
    wire = b"\x18\x01"
    for tag in (b"\x0a", b"\x32") * 5000:  # ValueList.values, Value.list
        wire = field(tag, wire)
    wire = field(b"\x12", field(b"\x0a", b"x") + field(b"\x12", wire))
    error = send(predict_request().SerializeToString() + wire)
    assert (error.code(), error.reason) == (INVALID, "LIMIT_EXCEEDED")


def field(tag: bytes, content: bytes) -> bytes:
    """A length-delimited field."""
    length, head = len(content), bytearray(tag)
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    return bytes([*head, length]) + content


def test_an_unknown_dtype_is_answered_with_the_known(
    real: torchere.Client, send: Callable[..., torchere.Error]
) -> None:
    text = send(predict_request(tensor([4], b"1234", dtype=99))).details()
    for name in value_pb2.DataType.keys()[1:]:
        assert name.removeprefix("DATA_TYPE_") in text


def test_a_text_that_is_not_utf8_is_refused(
    real: torchere.Client, send: Callable[..., torchere.Error]
) -> None:
    wire = predict_request(named(text="ABCD"), method="echo_text").SerializeToString()
    error = send(wire.replace(b"ABCD", b"\xc3\xc3\xc3\xc3"))
    assert (error.code(), error.reason) == (INVALID, "INVALID_TEXT")


@pytest.mark.parametrize("wire", [b"\xff", b"\x0a\x7f", b"\x0a\x02\x0a\x05"])
def test_bytes_that_are_no_request_are_refused(
    real: torchere.Client, send: Callable[..., torchere.Error], wire: bytes
) -> None:
    error = send(wire)
    assert (error.code(), error.reason) == (INVALID, "MALFORMED_MESSAGE")


def test_an_empty_request_is_refused(
    real: torchere.Client, send: Callable[..., torchere.Error]
) -> None:
    error = send(b"")
    assert error.code() is INVALID
    assert error.reason
    assert "model" in error.details()


def test_an_unknown_rpc_is_unimplemented(
    real: torchere.Client, send: Callable[..., torchere.Error]
) -> None:
    for path in ("/torchere.v1.PredictService/Guess", "/other.Service/Predict"):
        error = send(b"", path)
        assert (error.code(), error.reason) == (UNIMPLEMENTED, "METHOD_UNKNOWN")
