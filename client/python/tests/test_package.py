# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torchere

PACKAGE = Path(torchere.__file__).parent


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent,
    ).stdout


def test_what_is_public_is_documented_and_there() -> None:
    for name in torchere.__all__:
        assert getattr(torchere, name).__doc__


def test_the_import_takes_neither_torch_nor_ml_dtypes() -> None:
    loaded = python(
        "import sys, torchere; print('torch' in sys.modules, 'ml_dtypes' in sys.modules)"
    )
    assert loaded.split() == ["False", "False"]


def test_the_stubs_lie_under_the_packages_own_path() -> None:
    files = python(
        "import sys, torchere\n"
        "for name, module in sys.modules.items():\n"
        "  if name.endswith(('_pb2', '_pb2_grpc')): print(name)"
    ).split()
    own = [name for name in files if not name.startswith("google.protobuf.")]
    assert own
    assert all(name.startswith("torchere.v1.") for name in own)


def test_the_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()
    assert (PACKAGE / "v1" / "predict_pb2_grpc.pyi").is_file()
