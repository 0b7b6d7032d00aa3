# SPDX-License-Identifier: Apache-2.0
"""The one exception that an answer of the server can be."""

from __future__ import annotations

from collections.abc import Mapping

import grpc
from google.protobuf.message import DecodeError

from torchere.v1 import error_pb2

_DETAILS_KEY = "grpc-status-details-bin"


class Error(Exception):
    """A call that the server, or gRPC itself, answered with an error.

    What the caller gets wrong before anything is sent is a TypeError or a
    ValueError instead.

    Attributes:
        reason: Why, for a program: "MODEL_NOT_FOUND", "SHAPE_MISMATCH", …;
            empty where gRPC itself ended the call (no connection, a deadline
            that passed on the way, a message over a limit).
        metadata: What it is about: model, version, input, expected, got, ….
        retry_after: Seconds to wait at least before the next try; None where
            the server names no time.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        details: str,
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, details)
        self._code = code
        self._details = details
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after

    def code(self) -> grpc.StatusCode:
        """The gRPC status code."""
        return self._code

    def details(self) -> str:
        """What went wrong, in one line for a person."""
        return self._details

    def __str__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self._code.name}{reason}: {self._details}"

    def __reduce__(self) -> tuple[object, ...]:
        state = {
            "reason": self.reason,
            "metadata": self.metadata,
            "retry_after": self.retry_after,
        }
        return type(self), (self._code, self._details), state


def from_rpc_error(error: grpc.RpcError) -> Error:
    """Reads status, ErrorInfo and RetryInfo out of what gRPC raised."""
    if not isinstance(error, grpc.Call):
        return Error(grpc.StatusCode.UNKNOWN, str(error))
    result = Error(error.code(), error.details() or "")
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            _read_details(result, value)
    return result


def _read_details(error: Error, wire: bytes) -> None:
    try:
        for detail in error_pb2.RpcStatus.FromString(wire).details:
            name = detail.type_url.rpartition("/")[2]
            if name == "google.rpc.ErrorInfo":
                info = error_pb2.ErrorInfo.FromString(detail.value)
                error.reason = info.reason
                error.metadata = dict(info.metadata)
            elif name == "google.rpc.RetryInfo":
                delay = error_pb2.RetryInfo.FromString(detail.value).retry_delay
                error.retry_after = delay.ToNanoseconds() / 1e9
    except DecodeError:
        # Code and text still stand: details that cannot be read are left out.
        return
