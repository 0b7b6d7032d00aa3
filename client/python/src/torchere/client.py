# SPDX-License-Identifier: Apache-2.0
"""The synchronous client."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, TypeVar

import grpc

from torchere.error import Error, from_rpc_error
from torchere.prediction import Prediction, prediction_from_wire
from torchere.request import serialize_request
from torchere.signature import Signature, signature_from_wire
from torchere.status import ModelStatus, status_from_wire
from torchere.v1 import (
    model_status_pb2,
    model_status_pb2_grpc,
    predict_pb2,
)
from torchere.values import checked_text

_MAX_INT64 = 2**63 - 1
_MAX_INT32 = 2**31 - 1

_Response = TypeVar("_Response")


class _Chooser(Protocol):
    """The messages that can name a version."""

    version: int
    label: str


class Client:
    """A connection to one server; safe to use from many threads.

    The connection is made with the first call, and made again when it is lost.
    Make the client after a fork, not before. Close it, or use it in `with`.

    Every method raises Error for an answer that is an error, and TypeError or
    ValueError for wrong arguments, before anything is sent. A call on a closed
    client is a ValueError.
    """

    def __init__(
        self,
        target: str = "127.0.0.1:8500",
        *,
        timeout: float = 30.0,
        max_message_bytes: int | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        """Makes a client; connects to nothing yet.

        Args:
            target: "HOST:PORT", or any target that gRPC knows ("unix:PATH",
                "dns:///HOST:PORT").
            timeout: Seconds that a call may take where it names no timeout of
                its own.
            max_message_bytes: Largest message sent or taken; None leaves the
                limit to the server.
            credentials: From grpc.ssl_channel_credentials() or the like; None
                is plaintext.
            options: More gRPC channel arguments; they win over the client's.
        """
        self._timeout = _checked_timeout(timeout)
        self._closed = False
        limit = -1
        if max_message_bytes is not None:
            limit = _checked_int("max_message_bytes", max_message_bytes, _MAX_INT32)
        own_options = {
            "grpc.max_send_message_length": limit,
            "grpc.max_receive_message_length": limit,
            "grpc.primary_user_agent": "torchere-python",
        }
        channel_options = list({**own_options, **dict(options)}.items())
        target = checked_text(target, "target")
        if credentials is None:
            self._channel = grpc.insecure_channel(target, options=channel_options)
        else:
            self._channel = grpc.secure_channel(target, credentials, options=channel_options)
        # As the stub's, but for requests that are bytes already.
        self._predict = self._channel.unary_unary(
            "/torchere.v1.PredictService/Predict",
            request_serializer=None,
            response_deserializer=predict_pb2.PredictResponse.FromString,
        )
        self._status = model_status_pb2_grpc.ModelStatusServiceStub(self._channel)

    def predict(
        self,
        model: str,
        inputs: Mapping[str, object],
        *,
        method: str = "forward",
        version: int | None = None,
        label: str | None = None,
        outputs: Iterable[str] | None = None,
        timeout: float | None = None,
        request_id: str | None = None,
        priority: int = 0,
        copy: bool = True,
    ) -> Prediction:
        """Runs one method of one model.

        Args:
            model: Name of the model.
            inputs: The arguments by name; those that have a default may be
                left out. What becomes what is in torchere.values: an array, or
                anything with __array__ (a torch tensor on the CPU), is a
                Tensor; a list is a List or a Tuple, never a Tensor. A batch is
                the first dimension of each tensor: [rows, ...].
            method: Method of the module.
            version: This very version. By default the newest that is served.
            label: The version that carries this label; not with `version`.
            outputs: Names of the outputs wanted, in the order wanted. By
                default all.
            timeout: Seconds; by default the client's.
            request_id: Your own name for the request, at most 256 bytes.
            priority: Of the requests that wait for the same method the higher
                goes first; 0 is normal.
            copy: False makes the arrays of the answer read-only views of its
                memory, which saves one copy of them.

        Returns:
            The outputs by name: a NamedTuple's fields, a Dict's keys,
            "output_0", … of a plain tuple, "output" of a lone value. It is a
            dict, and has besides `model`, `timing` and `request_id`.

        Raises:
            Error: INVALID_ARGUMENT, names, dtypes, shapes, or the model itself
                raised; NOT_FOUND, no such model, version, label or method;
                FAILED_PRECONDITION, the version is not served;
                RESOURCE_EXHAUSTED, refused for load (see `retry_after`) or the
                message is too large; UNAVAILABLE, no connection, the model is
                loading or the server is draining; DEADLINE_EXCEEDED; INTERNAL,
                a failure inside the model, or an output that cannot be sent.
            TypeError: an input, or a dtype, that cannot be sent.
            ValueError: an int outside int64, a text that UTF-8 cannot write, a
                value nested more than 16 deep, inputs of 2 GiB or more, or a
                wrong argument.
            ImportError: a bfloat16 output, and ml_dtypes is not installed.
        """
        request = predict_pb2.PredictRequest()
        request.model.name = checked_text(model, "model")
        request.model.method = checked_text(method, "method")
        _choose(request.model, version, label)
        _add_outputs(request, outputs)
        if request_id is not None:
            request.options.request_id = checked_text(request_id, "request_id")
        if priority != 0:
            request.options.priority = _checked_int("priority", priority, 2**31 - 1, least=-(2**31))
        message = serialize_request(request, inputs)
        response = self._call(self._predict, message, timeout)
        return prediction_from_wire(response, copy=copy)

    def status(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> ModelStatus:
        """The state of one model's versions: all, or the one that is named.

        Raises:
            Error: NOT_FOUND, no such model, version or label.
        """
        request = model_status_pb2.GetModelStatusRequest(name=checked_text(model, "model"))
        _choose(request, version, label)
        return status_from_wire(self._call(self._status.GetModelStatus, request, timeout).model)

    def models(self, *, timeout: float | None = None) -> list[ModelStatus]:
        """Every model with its versions, in the order of their names."""
        request = model_status_pb2.ListModelsRequest()
        response = self._call(self._status.ListModels, request, timeout)
        return [status_from_wire(model) for model in response.models]

    def signature(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> Signature:
        """How one version is called; by default the newest that is served.

        Raises:
            Error: NOT_FOUND, no such model, version or label;
                FAILED_PRECONDITION, the version exists but is not served.
            ImportError: a bfloat16 default, and ml_dtypes is not installed.
        """
        request = model_status_pb2.GetModelSignatureRequest(name=checked_text(model, "model"))
        _choose(request, version, label)
        return signature_from_wire(self._call(self._status.GetModelSignature, request, timeout))

    def close(self) -> None:
        """Ends the connection and the calls that wait on it; may be repeated."""
        self._closed = True
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _call(
        self, method: Callable[..., _Response], request: object, timeout: float | None
    ) -> _Response:
        limit = self._timeout if timeout is None else _checked_timeout(timeout)
        try:
            return method(request, timeout=limit)
        except grpc.RpcError as error:
            answer = from_rpc_error(error)
            # Only close() cancels here. Else it is what gRPC's servers answer to a call that
            # comes as they begin to end.
            if answer.code() is grpc.StatusCode.CANCELLED and not self._closed:
                answer = Error(grpc.StatusCode.UNAVAILABLE, "the server is ending")
            raise answer from error


def _checked_timeout(timeout: float) -> float:
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout: expected seconds, got {timeout!r}")
    if not (timeout > 0 and math.isfinite(timeout)):
        raise ValueError(f"timeout: expected seconds above 0, got {timeout!r}")
    return timeout


def _checked_int(name: str, value: int, most: int, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: expected an int, got {value!r}")
    if not least <= value <= most:
        raise ValueError(f"{name}: expected {least} to {most}, got {value}")
    return value


def _choose(target: _Chooser, version: int | None, label: str | None) -> None:
    if version is not None and label is not None:
        raise ValueError("give a version or a label, not both")
    if version is not None:
        target.version = _checked_int("version", version, _MAX_INT64)
    if label is not None:
        target.label = checked_text(label, "label")


def _add_outputs(request: predict_pb2.PredictRequest, outputs: Iterable[str] | None) -> None:
    if isinstance(outputs, str):
        raise TypeError(f"outputs: expected a list of names, got the str {outputs!r}")
    for name in outputs or ():
        request.outputs.append(checked_text(name, "outputs"))
