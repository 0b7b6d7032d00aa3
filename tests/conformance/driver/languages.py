# SPDX-License-Identifier: Apache-2.0
"""The languages: what each needs, and the command line of its runner."""

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable

RUNNERS = Path(__file__).resolve().parents[1] / "runners"


class NotBuilt(Exception):
    """A runner could not be built."""


@dataclasses.dataclass(frozen=True)
class Language:
    """`missing(build)` says what is not there, or nothing; `prepare(build)` builds what has to be
    and gives the runner's command line."""

    missing: Callable
    prepare: Callable


def cpp(build):
    """Built by CMake with everything else."""
    return build / "tests/conformance/conformance_runner"


def go_missing(_build):
    """Whether there is a Go, and whether it is as new as the runner asks for."""
    return missing_tool("go", "list", "-m", folder=RUNNERS / "go", GOTOOLCHAIN="local")


def elixir_missing(_build):
    """Whether there is an Elixir, and whether it is as new as the runner asks for."""
    return missing_tool("mix", "deps.loadpaths", "--no-compile", "--no-deps-check",
                        folder=RUNNERS / "elixir")


def missing_tool(*command, folder, **environment):
    """That there is no such program, or why it does not take the folder's project."""
    if not shutil.which(command[0]):
        return f"{command[0]} is not installed"
    done = subprocess.run(command, cwd=folder, text=True, check=False,
                          env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return done.stderr.strip() if done.returncode else None


def go(build):
    """Built with Go's own cache."""
    binary = build / "tests/conformance/go_runner"
    build_quietly("go", "build", "-o", str(binary), ".", folder=RUNNERS / "go")
    return [str(binary)]


def elixir(_build):
    """Compiled into its own _build."""
    build_quietly("mix", "do", "deps.get,", "compile", folder=RUNNERS / "elixir")
    return [str(RUNNERS / "elixir/run")]


def build_quietly(*command, folder):
    """Its output is shown only where it fails."""
    done = subprocess.run(command, cwd=folder, text=True, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise NotBuilt(f"{' '.join(command)} failed: {done.stdout[-4000:]}")


LANGUAGES = {
    "python": Language(missing=lambda _build: None,
                       prepare=lambda _build: [sys.executable,
                                               str(RUNNERS / "python/runner.py")]),
    "cpp": Language(missing=lambda build: None if cpp(build).exists()
                    else f"{cpp(build)} is not built",
                    prepare=lambda build: [str(cpp(build))]),
    "go": Language(missing=go_missing, prepare=go),
    "elixir": Language(missing=elixir_missing, prepare=elixir),
}
