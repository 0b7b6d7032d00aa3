# SPDX-License-Identifier: Apache-2.0
"""An echo of 8 MB through each client library, beside the bare stub of its language."""

import shutil

from suite import programs
from suite.report import Column, Report
from suite.samples import interleave

COLUMNS = [
    Column("client", "client"), Column("bytes", "bytes", ","),
    Column("library_us", "library us", ",.0f"), Column("stub_us", "stub us", ",.0f"),
    Column("ratio", "ratio", ".2f"), Column("calls", "calls a round", ",.0f"),
]
NOTES = [
    "library: from a tensor of the language to one, by client/NAME. stub: the generated one of the",
    "same gRPC, with a request whose bytes are in place, to the bytes of the answer. Both call one",
    "server from one process, in turn, one call at a time: medians of the calls of a round, and of",
    "these over the rounds. ratio: library / stub, of a round; aim: 1.3.",
]
SIZE = 8 << 20
PYTHON = programs.ROOT / ".deps/venv/bin/python"
CLIENTS = programs.ROOT / "bench/clients"


def run(quick):
    """Rounds of the languages in shuffled order."""
    seconds = 1 if quick else 4
    with programs.started([programs.BUILD / "server/torchere-server", "--listen=127.0.0.1:0",
                           f"--model=types={programs.ROOT / 'tests/data/types.pt'}"]) as server:

        def taker(command):
            return lambda: sample([*command, server.address, SIZE, seconds])

        seen = interleave({name: taker(command) for name, command in commands().items()},
                          1 if quick else 7)
    rows = [{"client": name, "bytes": SIZE, **medians} for name, medians in seen.items()]
    return Report("An echo by each client library and by the bare stub", COLUMNS, rows, NOTES)


def commands():
    """{language: what begins its command line}; Go where it is installed."""
    found = {"python": [PYTHON, CLIENTS / "echo.py"], "cpp": [programs.BUILD / "bench/client_echo"]}
    if shutil.which("go"):
        binary = programs.BUILD / "bench/go_echo"
        programs.run_quietly("go", "build", "-C", str(CLIENTS / "go"), "-o", str(binary), ".")
        found["go"] = [binary]
    return found


def sample(command):
    """A round of one language: its medians, and how they compare."""
    with programs.answering(command) as answer:
        seen = answer()
    return {**seen, "ratio": seen["library_us"] / seen["stub_us"]}
