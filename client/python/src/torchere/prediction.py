# SPDX-License-Identifier: Apache-2.0
"""What predict() returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torchere.v1 import model_pb2, predict_pb2
from torchere.values import decode_value


@dataclass(frozen=True)
class ServedModel:
    """What really ran, or what was described.

    Attributes:
        name: Name of the model.
        version: Version that answered.
        label: Label by which it was asked; empty if by none.
        method: Method that ran; empty in a signature.
        digest: SHA-256 of the model's file, as "sha256:" and 64 hexadecimal
            digits.
    """

    name: str
    version: int
    label: str
    method: str
    digest: str


@dataclass(frozen=True)
class Timing:
    """Where a request's time went inside the server, in seconds.

    Attributes:
        queue: From the message's arrival to its start on a worker.
        compute: In the model.
        total: From the message's arrival to its answer.
        batch_rows: Rows in the batch that the request ran in; 0 where it ran
            unbatched.
    """

    queue: float
    compute: float
    total: float
    batch_rows: int


class Prediction(dict[str, Any]):
    """The outputs by name, in the model's order, and what is said of the run.

    Names are a NamedTuple's fields, a Dict's keys, "output_0", … of a plain
    tuple, or "output" for a lone value.

    Attributes:
        model: What really ran.
        timing: Where the time went.
        request_id: The caller's own name for the request; empty if none.
    """

    def __init__(
        self, outputs: dict[str, Any], model: ServedModel, timing: Timing, request_id: str
    ) -> None:
        super().__init__(outputs)
        self.model = model
        self.timing = timing
        self.request_id = request_id

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (dict(self), self.model, self.timing, self.request_id)


def served_model_from_wire(model: model_pb2.ServedModel) -> ServedModel:
    """Makes a ServedModel of its message."""
    return ServedModel(model.name, model.version, model.label, model.method, model.digest)


def prediction_from_wire(response: predict_pb2.PredictResponse, *, copy: bool) -> Prediction:
    """Makes a Prediction of the server's answer; `copy` as predict() has it."""
    outputs = {
        output.name: decode_value(output.value, f"output {output.name!r}", copy=copy)
        for output in response.outputs
    }
    timing = response.timing
    return Prediction(
        outputs,
        served_model_from_wire(response.model),
        Timing(
            timing.queue.ToNanoseconds() / 1e9,
            timing.compute.ToNanoseconds() / 1e9,
            timing.total.ToNanoseconds() / 1e9,
            timing.batch_rows,
        ),
        response.request_id,
    )
