# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import datetime, timezone

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

import torchere
from fake_server import FakeServer
from torchere.v1 import error_pb2, model_pb2, model_status_pb2, value_pb2


def test_status_is_plain_and_frozen(fake: FakeServer, client: torchere.Client) -> None:
    since = Timestamp()
    since.FromDatetime(datetime(2026, 1, 2, 3, 4, 5))
    fake.response = model_status_pb2.GetModelStatusResponse(
        model=model_status_pb2.ModelStatus(
            name="m",
            versions=[
                model_status_pb2.ModelVersionStatus(
                    version=2,
                    state=model_pb2.MODEL_STATE_AVAILABLE,
                    state_since=since,
                    load_time=Duration(nanos=500_000_000),
                    device="cpu",
                    backend="torchscript",
                    digest="sha256:ab",
                    file_bytes=123,
                    labels=["stable", "blue"],
                ),
                model_status_pb2.ModelVersionStatus(
                    version=1,
                    state=model_pb2.MODEL_STATE_END,
                    error=error_pb2.Error(
                        code=3, message="corrupt", reason="BAD_ARCHIVE", metadata={"file": "f"}
                    ),
                ),
            ],
        )
    )
    status = client.status("m", version=2)
    assert fake.request == model_status_pb2.GetModelStatusRequest(name="m", version=2)
    assert status == torchere.ModelStatus(
        name="m",
        versions=(
            torchere.VersionStatus(
                version=2,
                state=torchere.ModelState.AVAILABLE,
                error=None,
                state_since=datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
                load_time=0.5,
                device="cpu",
                backend="torchscript",
                digest="sha256:ab",
                file_bytes=123,
                labels=("stable", "blue"),
            ),
            torchere.VersionStatus(
                version=1,
                state=torchere.ModelState.END,
                error=torchere.LoadError(
                    grpc.StatusCode.INVALID_ARGUMENT, "corrupt", "BAD_ARCHIVE", {"file": "f"}
                ),
                state_since=None,
                load_time=None,
                device="",
                backend="",
                digest="",
                file_bytes=0,
                labels=(),
            ),
        ),
    )
    with pytest.raises(AttributeError):
        status.name = "other"  # type: ignore[misc]


def test_every_state_has_a_name_and_an_unknown_one_is_unspecified() -> None:
    for name, number in model_pb2.ModelState.items():
        assert torchere.ModelState(number).name == name.removeprefix("MODEL_STATE_")
    assert torchere.ModelState(77) is torchere.ModelState.UNSPECIFIED


def test_models_lists_all_in_order(fake: FakeServer, client: torchere.Client) -> None:
    fake.response = model_status_pb2.ListModelsResponse(
        models=[model_status_pb2.ModelStatus(name=name) for name in ("a", "b")]
    )
    assert client.models() == [torchere.ModelStatus("a", ()), torchere.ModelStatus("b", ())]


def test_signature_gives_types_shapes_defaults_and_labels(
    fake: FakeServer, client: torchere.Client
) -> None:
    fake.response = model_status_pb2.GetModelSignatureResponse(
        model=model_pb2.ServedModel(name="m", version=4, digest="sha256:cd"),
        methods=[
            model_status_pb2.MethodSignature(
                name="forward",
                inputs=[
                    model_status_pb2.ValueSignature(
                        name="x",
                        type="Tensor",
                        dtype=value_pb2.DATA_TYPE_BF16,
                        range=model_status_pb2.IntRange(least=0, most=9),
                        shape=model_status_pb2.TensorShape(dims=[-1, 3]),
                    ),
                    model_status_pb2.ValueSignature(
                        name="scale",
                        type="float",
                        has_default=True,
                        default_value=value_pb2.Value(float=0.5),
                    ),
                ],
                outputs=[
                    model_status_pb2.ValueSignature(name="*", type="Tensor", labels=["no", "yes"])
                ],
                batched=True,
                run_costs=[model_status_pb2.RunCost(rows=4, time=Duration(nanos=500_000))],
            ),
            model_status_pb2.MethodSignature(name="encode"),
        ],
    )
    signature = client.signature("m", label="stable")
    assert fake.request == model_status_pb2.GetModelSignatureRequest(name="m", label="stable")
    value = torchere.ValueSignature
    forward = signature.method()
    assert signature.model == torchere.ServedModel("m", 4, "", "", "sha256:cd")
    assert signature.methods == (forward, torchere.MethodSignature("encode", (), (), False, {}))
    assert forward.inputs == (
        value("x", "Tensor", "bfloat16", (-1, 3), False, None, (), (0, 9)),
        value("scale", "float", None, None, True, 0.5, (), None),
    )
    assert forward.inputs[1].default == 0.5
    assert forward.batched
    assert forward.run_costs == {4: 0.0005}
    assert forward.outputs == (value("*", "Tensor", None, None, False, None, ("no", "yes"), None),)
    with pytest.raises(KeyError, match="no method 'decode'; it has: forward, encode"):
        signature.method("decode")


def test_a_rank_0_shape_is_not_a_missing_shape(fake: FakeServer, client: torchere.Client) -> None:
    scalar = model_status_pb2.ValueSignature(name="x", shape=model_status_pb2.TensorShape())
    fake.response = model_status_pb2.GetModelSignatureResponse(
        methods=[model_status_pb2.MethodSignature(name="forward", inputs=[scalar])]
    )
    assert client.signature("m").method().inputs[0].shape == ()
