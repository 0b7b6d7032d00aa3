# SPDX-License-Identifier: Apache-2.0
"""What status() and models() return."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

import grpc

from torchere.v1 import error_pb2, model_status_pb2

_STATUS_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


class ModelState(enum.Enum):
    """Where a version is in its life."""

    UNSPECIFIED = 0
    """Not said, or a state that this client does not know."""
    START = 10
    """Known, not yet loading."""
    LOADING = 20
    """Being read, prepared and warmed up."""
    AVAILABLE = 30
    """Answers requests."""
    UNLOADING = 40
    """Takes no new requests; ends when those it has are answered."""
    END = 50
    """Not served: unloaded, or failed with an error."""

    @classmethod
    def _missing_(cls, value: object) -> ModelState:
        return cls.UNSPECIFIED


@dataclass(frozen=True)
class LoadError:
    """Why a version is at END. A value, not an exception.

    Attributes:
        code: The gRPC status code.
        message: For a person to read.
        reason: For a program to read.
        metadata: What it is about.
    """

    code: grpc.StatusCode
    message: str
    reason: str
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class VersionStatus:
    """One version of a model.

    Attributes:
        version: A positive integer.
        state: Where it is in its life.
        error: Why it is at END, or, while AVAILABLE, takes no requests for the time
            being (MODEL_HANGS); None where nothing is wrong.
        state_since: When the state was entered, by the server's clock, in UTC.
        load_time: Seconds that the load took until AVAILABLE; None before.
        device: Where it runs: "cpu", "cuda:0".
        backend: What runs it: "torchscript".
        digest: SHA-256 of the model's file, as "sha256:" and 64 hexadecimal
            digits.
        file_bytes: Size of the model's file.
        labels: The labels that name this version now.
    """

    version: int
    state: ModelState
    error: LoadError | None
    state_since: datetime | None
    load_time: float | None
    device: str
    backend: str
    digest: str
    file_bytes: int
    labels: tuple[str, ...]


@dataclass(frozen=True)
class ModelStatus:
    """A model and its versions.

    Attributes:
        name: Name of the model.
        versions: Its versions, newest first.
    """

    name: str
    versions: tuple[VersionStatus, ...]


def status_from_wire(model: model_status_pb2.ModelStatus) -> ModelStatus:
    """Makes a ModelStatus of its message."""
    return ModelStatus(model.name, tuple(_version(version) for version in model.versions))


def _version(wire: model_status_pb2.ModelVersionStatus) -> VersionStatus:
    since, load_time = wire.state_since, wire.load_time
    return VersionStatus(
        version=wire.version,
        state=ModelState(wire.state),
        error=_load_error(wire.error) if wire.HasField("error") else None,
        state_since=since.ToDatetime(timezone.utc) if wire.HasField("state_since") else None,
        load_time=load_time.ToNanoseconds() / 1e9 if wire.HasField("load_time") else None,
        device=wire.device,
        backend=wire.backend,
        digest=wire.digest,
        file_bytes=wire.file_bytes,
        labels=tuple(wire.labels),
    )


def _load_error(wire: error_pb2.Error) -> LoadError:
    code = _STATUS_CODES.get(wire.code, grpc.StatusCode.UNKNOWN)
    return LoadError(code, wire.message, wire.reason, dict(wire.metadata))
