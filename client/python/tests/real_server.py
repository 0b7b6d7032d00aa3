# SPDX-License-Identifier: Apache-2.0
"""The server's binary, which the environment variable TORCHERE_SERVER names."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODELS = ROOT / "models"
DATA = ROOT / "tests" / "data"

# A server that is not ready or has not ended by then never will.
_PATIENCE_SECONDS = 120
_READY = re.compile(r"torchere-server ready grpc=(\S+) models=(\d+)\n")


@dataclass(frozen=True)
class RealServer:
    """A server that serves."""

    address: str
    models: int
    process: subprocess.Popen[str]


@contextmanager
def real_server(*flags: str) -> Iterator[RealServer]:
    """Starts the server on a free port; ends it with SIGTERM, which must give exit code 0."""
    binary = os.environ.get("TORCHERE_SERVER")
    if not binary:
        pytest.skip("TORCHERE_SERVER is unset: it names the server's binary for these tests")
    command = [str(Path(binary).resolve()), "--listen=127.0.0.1:0", *flags]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        watchdog = threading.Timer(_PATIENCE_SECONDS, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            ready = _READY.fullmatch(line)
            assert ready, f"the server said {line!r} and {_tail(log)}"
            watchdog.cancel()
            yield RealServer(ready[1], int(ready[2]), process)
            process.terminate()
            assert process.wait(_PATIENCE_SECONDS) == 0, _tail(log)
        finally:
            watchdog.cancel()
            process.kill()
            process.communicate()


def _tail(log: IO[str]) -> str:
    log.seek(0)
    return log.read()[-4000:]
