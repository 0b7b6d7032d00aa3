# SPDX-License-Identifier: Apache-2.0
"""A server in this process that answers what a test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.message import Message

from torchere.v1 import model_status_pb2_grpc, predict_pb2, predict_pb2_grpc


class FakeServer(
    predict_pb2_grpc.PredictServiceServicer, model_status_pb2_grpc.ModelStatusServiceServicer
):
    """Records each request with its context, and answers `response` or calls `answer`."""

    def __init__(self) -> None:
        self.address = ""
        self.secure_address = ""
        self.requests: list[Any] = []
        self.time_remaining: float | None = None
        self.metadata: dict[str, str | bytes] = {}
        self.response: Message | None = None
        self.answer: Callable[[Any, grpc.ServicerContext], Any] | None = None
        self.stopping = threading.Event()

    def _handle(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.requests.append(request)
        self.time_remaining = context.time_remaining()
        self.metadata = dict(context.invocation_metadata())
        return self.answer(request, context) if self.answer else self.response

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        if self.answer or self.response:
            return self._handle(request, context)
        self._handle(request, context)
        return predict_pb2.PredictResponse(outputs=request.inputs)

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._handle(request, context)

    def ListModels(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._handle(request, context)

    def GetModelSignature(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._handle(request, context)

    @property
    def request(self) -> Any:
        """The one request there was."""
        (request,) = self.requests
        return request


@contextmanager
def fake_server() -> Iterator[FakeServer]:
    """A server that echoes the inputs of Predict, until told otherwise."""
    service = FakeServer()
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=4),
        options=[
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
        ],
    )
    predict_pb2_grpc.add_PredictServiceServicer_to_server(service, server)
    model_status_pb2_grpc.add_ModelStatusServiceServicer_to_server(service, server)
    service.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    secure_port = server.add_secure_port("127.0.0.1:0", grpc.local_server_credentials())
    service.secure_address = f"127.0.0.1:{secure_port}"
    server.start()
    try:
        yield service
    finally:
        service.stopping.set()
        server.stop(None).wait()
