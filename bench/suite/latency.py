# SPDX-License-Identifier: Apache-2.0
"""Latency by load, open loop, against an ideal queue of the same service times; with a plot."""

import array
import collections
import functools
import heapq
import json
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from suite import programs
from suite.programs import CORES
from suite.report import Column, Report
from suite.samples import interleave, progress, quantile

SHARES = {"p50_us": 0.5, "p90_us": 0.9, "p99_us": 0.99, "p99.9_us": 0.999}
COLUMNS = [
    Column("load", "load", ".0%"), Column("rate", "sent/s", ",.0f"),
    Column("p50_us", "p50 us", ",.0f"), Column("ideal_p50_us", "ideal", ",.0f"),
    Column("p90_us", "p90 us", ",.0f"), Column("ideal_p90_us", "ideal", ",.0f"),
    Column("p99_us", "p99 us", ",.0f"), Column("ideal_p99_us", "ideal", ",.0f"),
    Column("p99_ratio", "ratio", ".2f"),
    Column("p99.9_us", "p99.9 us", ",.0f"), Column("ideal_p99.9_us", "ideal", ",.0f"),
    Column("late_p99_us", "late p99 us", ",.0f"), Column("requests", "requests", ","),
    Column("errors", "errors"), Column("other_cores", "other", ".1f"),
]
NOTES = [
    "cnn10ms, requests of one row at random moments (Poisson), timed from the moment at which they",
    "are due. load: of what the server answers in a closed loop. ideal: at the same share of its own",
    "capacity, one first-come queue before as many workers as cores, whose service times are those",
    "of LibTorch alone on all cores at once, measured between the others. ratio: of the p99s.",
    "late: how late the client sent. other: cores that other processes used; they decide the tail.",
]
MODEL = programs.CNN10MS


def run(quick):
    """Rounds over all loads; the latencies of a load are put together."""
    loads = (0.3, 0.7, 0.9) if quick else (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
    rounds = 1 if quick else 3
    with programs.torchere([MODEL]) as server, tempfile.TemporaryDirectory() as folder:
        capacity = interleave({"capacity": lambda: programs.load(
            server, MODEL, concurrency=programs.SATURATING, seconds=3)}, rounds)["capacity"]["requests_per_s"]
        samples = Samples(server, Path(folder), capacity, 3 if quick else 20)
        takers = {load: functools.partial(samples.take, load) for load in loads}
        said = interleave({**takers, "alone": samples.take_alone}, rounds)
    rows = [make_row(load, load * capacity, sorted(samples.latencies[load]), said[load],
                     samples.service_us) for load in loads]
    notes = [*NOTES, f"capacity {capacity:.0f}/s; plot: {plot(rows)}"]
    return Report("Latency by load", COLUMNS, rows, notes)


class Samples:
    """All latencies of each load, and service times of the model alone, in microseconds."""

    def __init__(self, server, folder, capacity, seconds):
        self.latencies = collections.defaultdict(lambda: array.array("f"))
        self.service_us = []
        self._server, self._capacity, self._seconds = server, capacity, seconds
        self._file = folder / "latencies"

    def take(self, load):
        """One run at a share of the capacity."""
        known = self.latencies[load]
        # Another seed each time: other moments.
        said = programs.load(self._server, MODEL, rate=load * self._capacity, connections=8,
                             seconds=self._seconds, warm_up=1, seed=len(known) + 1,
                             latencies=self._file)
        known.frombytes(self._file.read_bytes())
        return said

    def take_alone(self):
        """One run of LibTorch on all cores."""
        said = programs.in_process(MODEL, workers=CORES, seconds=self._seconds / 4)
        self.service_us += said["run_quantiles_us"]
        return {}


def ideal(load, service_us, workers=CORES, requests=200_000):
    """Sorted latencies of a first-come queue at a share of its capacity: Poisson arrivals, service
    times drawn from those given."""
    draw = random.Random(1)
    gap = statistics.fmean(service_us) / workers / load
    free = [0.0] * workers
    now, latencies = 0.0, []
    for _ in range(requests):
        now += draw.expovariate(1 / gap)
        end = max(now, heapq.heappop(free)) + draw.choice(service_us)
        heapq.heappush(free, end)
        latencies.append(end - now)
    return sorted(latencies)


def make_row(load, rate, latencies, said, service):
    """A row of the table."""
    best = ideal(load, service)
    row = {"load": load, "rate": rate, "requests": len(latencies), "errors": said["errors"],
           "late_p99_us": said["late_p99_us"], "other_cores": said["other_cores"]}
    for name, share in SHARES.items():
        row[name] = quantile(latencies, share) if latencies else None
        row["ideal_" + name] = quantile(best, share)
    row["p99_ratio"] = row["p99_us"] / row["ideal_p99_us"] if latencies else None
    return row


def plot(rows):
    """Draws latency.png with a Python that has matplotlib; the file's name, or why there is none."""
    file = programs.BUILD / "bench/results/latency.png"
    file.parent.mkdir(exist_ok=True)
    progress("plot")
    for python in (sys.executable, programs.ROOT / ".deps/venv/bin/python"):
        if not Path(python).exists():
            continue
        done = subprocess.run([python, Path(__file__).with_name("plot.py"), file], text=True,
                              input=json.dumps(rows), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE)
        if done.returncode == 0:
            return str(file.relative_to(programs.ROOT))
        if "No module named 'matplotlib'" not in done.stderr:
            raise SystemExit(done.stderr)
    return "none: .deps/venv/bin/pip install -r bench/requirements.txt"
