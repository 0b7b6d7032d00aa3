# SPDX-License-Identifier: Apache-2.0
"""What signature() returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torchere.prediction import ServedModel, served_model_from_wire
from torchere.v1 import model_status_pb2
from torchere.values import decode_value, dtype_name


@dataclass(frozen=True)
class ValueSignature:
    """An argument or an output.

    Attributes:
        name: Its name; "*" stands for outputs whose names are known only once
            the method has run (a Dict's keys, a List's length).
        type: TorchScript's type: "Tensor", "Dict[str, Tensor]",
            "Optional[int]".
        dtype: NumPy's name of a tensor's element type, "float32"; None where
            none is declared.
        shape: Length of each dimension of a tensor, -1 where any length will
            do; None where no shape is declared.
        has_default: True for an argument that may be left out.
        default: What is taken where it is left out; None where there is no
            default, or one that cannot be sent.
        labels: Names of the classes, where the last dimension counts classes:
            label i is the name of index i.
        range: The least and the greatest integer that an argument takes; None
            where nothing is declared.
    """

    name: str
    type: str
    dtype: str | None
    shape: tuple[int, ...] | None
    has_default: bool
    default: Any = field(compare=False)
    labels: tuple[str, ...]
    range: tuple[int, int] | None


@dataclass(frozen=True)
class MethodSignature:
    """One method.

    Attributes:
        name: What predict() takes as `method`.
        inputs: Its arguments, in their order.
        outputs: Its outputs, in their order.
        batched: Whether requests for it run together, by their rows.
        run_costs: Seconds that one run takes, by its rows; empty while it has
            not run.
    """

    name: str
    inputs: tuple[ValueSignature, ...]
    outputs: tuple[ValueSignature, ...]
    batched: bool
    run_costs: dict[int, float] = field(compare=False)


@dataclass(frozen=True)
class Signature:
    """How one version of a model is called.

    Attributes:
        model: The version.
        methods: Its methods: forward first, the others by name.
    """

    model: ServedModel
    methods: tuple[MethodSignature, ...]

    def method(self, name: str = "forward") -> MethodSignature:
        """The method of that name; KeyError where there is none."""
        for method in self.methods:
            if method.name == name:
                return method
        known = ", ".join(method.name for method in self.methods)
        raise KeyError(f"model {self.model.name!r} has no method {name!r}; it has: {known}")


def signature_from_wire(response: model_status_pb2.GetModelSignatureResponse) -> Signature:
    """Makes a Signature of the server's answer."""
    methods = tuple(
        MethodSignature(
            method.name,
            tuple(_value(value) for value in method.inputs),
            tuple(_value(value) for value in method.outputs),
            method.batched,
            {cost.rows: cost.time.ToNanoseconds() / 1e9 for cost in method.run_costs},
        )
        for method in response.methods
    )
    return Signature(served_model_from_wire(response.model), methods)


def _value(wire: model_status_pb2.ValueSignature) -> ValueSignature:
    default = None
    if wire.HasField("default_value"):
        default = decode_value(wire.default_value, f"default of {wire.name!r}", copy=True)
    return ValueSignature(
        name=wire.name,
        type=wire.type,
        dtype=dtype_name(wire.dtype),
        shape=tuple(wire.shape.dims) if wire.HasField("shape") else None,
        has_default=wire.has_default,
        default=default,
        labels=tuple(wire.labels),
        range=(wire.range.least, wire.range.most) if wire.HasField("range") else None,
    )
