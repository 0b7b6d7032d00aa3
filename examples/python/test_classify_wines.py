# SPDX-License-Identifier: Apache-2.0
"""The example against the real server, as a person would run it."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from real_server import MODELS, real_server

PROGRAM = Path(__file__).with_name("classify_wines.py")
WINES = MODELS / "wine" / "samples" / "wine_batch_of_16.csv"


@pytest.fixture(scope="module")
def server():
    with real_server(f"--models={MODELS}") as server:
        yield server


def run(*arguments):
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("batch", [1, 5, 64])
def test_every_wine_gets_its_cultivar_whatever_the_batch(server, batch):
    done = run(WINES, "--server", server.address, "--batch", batch)
    assert done.returncode == 0, done.stderr
    wines = list(csv.DictReader(done.stdout.splitlines()))
    assert len(wines) == 16
    assert [wine["predicted"] for wine in wines] == [wine["cultivar"] for wine in wines]
    assert all(1 / 3 < float(wine["probability"]) <= 1 for wine in wines)


def test_columns_are_found_by_their_names(server, tmp_path):
    with WINES.open(newline="") as file:
        wines = list(csv.DictReader(file))
    shuffled = tmp_path / "wines.csv"
    with shuffled.open("w", newline="") as file:
        writer = csv.DictWriter(file, sorted(wines[0]))
        writer.writeheader()
        writer.writerows(wines)
    done = run(shuffled, "--server", server.address)
    wines = list(csv.DictReader(done.stdout.splitlines()))
    assert [wine["predicted"] for wine in wines] == [wine["cultivar"] for wine in wines]


HEADER, FIRST, SECOND = WINES.read_bytes().splitlines()[:3]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([HEADER.replace(b"proline", b"protein")], "no column proline"),
        ([HEADER, FIRST.replace(b"13.41", b"much")], "wine 1: a measurement is not a number"),
        ([HEADER, FIRST, SECOND + b",1"], "wine 2: more fields than the header's 15"),
        ([HEADER, b"\xff" + FIRST], "not a CSV file in UTF-8"),
        (None, "No such file or directory"),
    ],
    ids=["column", "number", "field", "utf-8", "file"],
)
def test_what_is_wrong_with_the_file_is_said_in_one_line(server, tmp_path, lines, said):
    wines = tmp_path / "wines.csv"
    if lines is not None:
        wines.write_bytes(b"\n".join(lines))
    done = run(wines, "--server", server.address)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{wines}: ")
    assert said in line


def test_a_server_that_is_not_there_is_said():
    done = run(WINES, "--server", "127.0.0.1:1")
    assert done.returncode == 1
    assert "UNAVAILABLE" in done.stderr
    assert "Traceback" not in done.stderr
