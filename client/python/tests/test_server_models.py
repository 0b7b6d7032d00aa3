# SPDX-License-Identifier: Apache-2.0
"""The sample models, status and signature through the real server."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import torchere
from real_server import DATA, MODELS, RealServer, real_server
from torchere import ModelState


def samples(model: str) -> list[Any]:
    expected = json.loads((MODELS / model / "samples" / "expected.json").read_text())
    cases = {name: value for name, value in expected.items() if name.endswith(".npy")}
    return [pytest.param(name, value, id=name) for name, value in cases.items()]


def sample(model: str, name: str) -> np.ndarray[Any, Any]:
    array: np.ndarray[Any, Any] = np.load(MODELS / model / "samples" / name)
    return array


def digest(path: Path) -> str:
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("name", "expected"), samples("digits"))
def test_digits_gives_the_expected_probabilities(
    real: torchere.Client, name: str, expected: dict[str, Any]
) -> None:
    answer = real.predict("digits", {"pixels": sample("digits", name)})
    assert list(answer) == ["probabilities"]
    assert answer["probabilities"].dtype == np.float32
    np.testing.assert_allclose(
        answer["probabilities"], expected["probabilities"], rtol=0, atol=1e-5
    )
    assert answer["probabilities"].argmax(axis=1).tolist() == expected["class"]


@pytest.mark.parametrize(("name", "expected"), samples("wine"))
def test_wine_gives_the_expected_label_and_probabilities(
    real: torchere.Client, name: str, expected: dict[str, Any]
) -> None:
    answer = real.predict("wine", {"features": sample("wine", name)})
    assert list(answer) == ["label", "probabilities"]
    assert answer["label"].dtype == np.int64
    assert answer["label"].tolist() == expected["label"]
    np.testing.assert_allclose(
        answer["probabilities"], expected["probabilities"], rtol=0, atol=1e-5
    )


def test_another_method_of_wine_is_called_by_name(real: torchere.Client) -> None:
    features = sample("wine", "wine_batch_of_16.npy")
    logits = real.predict("wine", {"features": features}, method="logits")["logits"]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = real.predict("wine", {"features": features})["probabilities"]
    np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), probabilities, atol=1e-5)


def test_outputs_chooses_and_orders(real: torchere.Client) -> None:
    inputs = {"features": sample("wine", "wine_barolo.npy")}
    assert list(real.predict("wine", inputs, outputs=["probabilities"])) == ["probabilities"]
    both = ["probabilities", "label"]
    assert list(real.predict("wine", inputs, outputs=both)) == both


def test_an_answer_says_what_ran(real: torchere.Client) -> None:
    inputs = {"features": sample("wine", "wine_barolo.npy")}
    answer = real.predict("wine", inputs, version=1, request_id="mine")
    file = MODELS / "wine" / "1" / "model.pt"
    assert answer.model == torchere.ServedModel("wine", 1, "", "forward", digest(file))
    assert answer.request_id == "mine"
    timing = answer.timing
    assert 0 <= timing.queue <= timing.total
    assert 0 < timing.compute <= timing.total


def test_models_lists_every_model_by_name(real: torchere.Client) -> None:
    models = real.models()
    assert [model.name for model in models] == sorted(
        ["digits", "wine", "types", "unseen", "failing", "views", "inplace"]
    )
    assert all(model.versions[0].state is ModelState.AVAILABLE for model in models)


def test_status_describes_a_version(real: torchere.Client) -> None:
    file = MODELS / "digits" / "1" / "model.pt"
    status = real.status("digits")
    assert status == real.status("digits", version=1)
    assert status.name == "digits"
    (version,) = status.versions
    assert version.version == 1
    assert version.state is ModelState.AVAILABLE
    assert version.error is None
    assert version.device == "cpu"
    assert version.backend == "torchscript"
    assert version.digest == digest(file)
    assert version.file_bytes == file.stat().st_size
    assert version.labels == ()
    assert version.state_since is not None
    assert version.state_since.tzinfo is timezone.utc
    assert version.load_time is not None
    assert version.load_time > 0


def test_signature_tells_how_digits_is_called(real: torchere.Client) -> None:
    signature = real.signature("digits")
    assert signature.model.name == "digits"
    assert signature.model.version == 1
    (pixels,) = signature.method().inputs
    (probabilities,) = signature.method().outputs
    assert (pixels.name, pixels.type, pixels.dtype) == ("pixels", "Tensor", "float32")
    assert pixels.shape == (-1, 1, 8, 8)
    assert not pixels.has_default
    assert (probabilities.name, probabilities.shape) == ("probabilities", (-1, 10))
    assert probabilities.labels == tuple("0123456789")
    assert signature.method().batched
    assert 1 in signature.method().run_costs
    assert all(seconds > 0 for seconds in signature.method().run_costs.values())


def test_signature_is_read_from_a_file_without_a_config(real: torchere.Client) -> None:
    forward = real.signature("unseen").method()
    signals, top = forward.inputs
    assert (signals.name, signals.type, signals.dtype) == ("signals", "Dict[str, Tensor]", None)
    assert (top.name, top.type, top.has_default, top.default) == ("top", "int", True, 2)
    assert [(output.name, output.type) for output in forward.outputs] == [
        ("scores", "Tensor"),
        ("names", "List[str]"),
    ]


def test_signature_gives_every_default(real: torchere.Client) -> None:
    inputs = real.signature("types").method("with_defaults").inputs
    assert [(value.name, value.has_default, value.default) for value in inputs] == [
        ("x", False, None),
        ("scale", True, 2.0),
        ("shift", True, 1),
        ("name", True, "plain"),
        ("negate", True, False),
        ("bias", True, None),
    ]


def test_outputs_known_only_after_the_run_are_a_star(real: torchere.Client) -> None:
    signature = real.signature("types")
    assert [output.name for output in signature.method("echo_tensor_map").outputs] == ["*"]
    assert [output.name for output in signature.method("echo_pair").outputs] == [
        "output_0",
        "output_1",
    ]
    assert signature.methods[0].name == "forward"
    others = [method.name for method in signature.methods[1:]]
    assert others == sorted(others)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of a good model, and each file of tests/data/broken as a model."""
    root = tmp_path_factory.mktemp("repository")
    for version in ("1", "2"):
        (root / "good" / version).mkdir(parents=True)
        shutil.copy(DATA / "types.pt", root / "good" / version / "model.pt")
    for file in sorted((DATA / "broken").glob("*.pt")):
        (root / file.stem / "1").mkdir(parents=True)
        shutil.copy(file, root / file.stem / "1" / "model.pt")
    return root


@pytest.fixture(scope="module")
def partly_broken(repository: Path) -> Iterator[tuple[RealServer, torchere.Client]]:
    with real_server(f"--models={repository}") as server, torchere.Client(server.address) as client:
        yield server, client


BROKEN = sorted(file.stem for file in (DATA / "broken").glob("*.pt"))


@pytest.mark.parametrize("name", BROKEN)
def test_a_model_that_cannot_be_loaded_is_at_end_with_its_error(
    partly_broken: tuple[RealServer, torchere.Client], name: str
) -> None:
    _, client = partly_broken
    (version,) = client.status(name).versions
    assert version.state is ModelState.END
    assert version.error is not None
    assert version.error.message
    assert version.load_time is None
    for call in (client.signature, lambda model: client.predict(model, {})):
        with pytest.raises(torchere.Error) as raised:
            call(name)
        assert raised.value.code().name == "FAILED_PRECONDITION"
        assert raised.value.reason == "VERSION_NOT_SERVED"


def test_a_git_lfs_pointer_is_named_as_such(
    partly_broken: tuple[RealServer, torchere.Client],
) -> None:
    error = partly_broken[1].status("lfs_pointer").versions[0].error
    assert error is not None
    assert "Git LFS" in error.message


def test_the_other_models_are_served(partly_broken: tuple[RealServer, torchere.Client]) -> None:
    server, client = partly_broken
    assert server.models == 1
    assert [model.name for model in client.models()] == sorted(["good", *BROKEN])
    answer = client.predict("good", {}, method="no_arguments")
    assert answer == {"output": 42}
    assert answer.model.version == 2
