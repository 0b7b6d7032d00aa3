# SPDX-License-Identifier: Apache-2.0
"""Real models through the server against LibTorch alone at its best batch size and threads."""

from suite import programs
from suite.programs import CORES
from suite.report import Column, Report
from suite.samples import interleave, progress

COLUMNS = [
    Column("model", "model"), Column("best", "best in-process"),
    Column("best_rows_per_s", "rows/s", ",.0f"), Column("requests_per_s", "served/s", ",.0f"),
    Column("throughput_ratio", "ratio", ".3f"),
    Column("best_cpu_us", "CPU us/row", ",.0f"), Column("cpu_us", "served", ",.0f"),
    Column("cpu_ratio", "ratio", ".2f"), Column("batch_rows", "rows/batch", ".1f"),
    Column("one_us", "1 row, p50 us", ",.0f"), Column("one_paced_us", "paced", ",.0f"),
    Column("one_all_cores_us", "all cores", ",.0f"), Column("one_served_us", "served", ",.0f"),
    Column("one_ratio", "ratio", ".2f"), Column("errors", "errors"),
    Column("other_cores", "other", ".1f"),
]
NOTES = [
    "best in-process: rows a batch x loops side by side x LibTorch's threads in each, the fastest",
    "of those tried. served/s: requests of one row, 64 in flight (digits) or 32; aim of the ratio",
    "0.95. 1 row: one at a time on one thread, without a pause; paced: with the pauses that the",
    "served one has; all cores: one run on all of them. ratio: served / the best of these; aim 1.1",
    "for a model of 50 ms. other: cores that other processes used meanwhile.",
]


# 32 of a slow model wait longer than the default allows.
CONFIG = "queue: {max_time: 1m}\n"


def run(quick):
    """Finds the best batch first, then takes samples of it and of the server in turn."""
    models = [programs.DIGITS, programs.CNN10MS]
    if not quick:
        models += [programs.RESNET18, programs.TRANSFORMER]
    rows = []
    for model in models:
        with programs.torchere([model], CONFIG) as server:
            rows.append(compare(server, model, quick))
    return Report("Real models against LibTorch alone", COLUMNS, rows, NOTES)


def best_settings(model, quick):
    """The settings of in_process with the most rows a second."""
    sizes = (1, 8) if quick else (1, 2, 4, 8, 16, 32)
    tried = []
    for rows in sizes:
        for workers, threads in {(CORES, 1), (1, CORES)}:
            settings = {"rows": rows, "workers": workers, "intra_op": threads}
            progress(f"{model.name}: {settings}")
            result = programs.in_process(model, **settings, seconds=0.4 if quick else 1)
            tried.append((result["rows_per_s"], settings))
    return max(tried, key=lambda each: each[0])[1]


def compare(server, model, quick):
    """A row of the table."""
    best = best_settings(model, quick)
    seconds = 1 if quick else 3
    many = 64 if model is programs.DIGITS else 32
    one = programs.load(server, model, concurrency=1, seconds=seconds)
    seen = interleave({
        "best": lambda: programs.in_process(model, **best, seconds=seconds),
        "served": lambda: programs.load(server, model, concurrency=many, seconds=seconds),
        "one": lambda: programs.in_process(model, seconds=seconds),
        "one paced": lambda: programs.in_process(model, rate=one["requests_per_s"],
                                                 seconds=seconds),
        "one, all cores": lambda: programs.in_process(model, intra_op=CORES, seconds=seconds),
        "one served": lambda: programs.load(server, model, concurrency=1, seconds=seconds),
    }, 1 if quick else 5)
    batch = max(1, round(seen["served"].get("batch_rows", 0)))
    alike = programs.in_process(model, rows=batch, workers=CORES, seconds=seconds)
    return make_row(model, best, alike, seen)


def make_row(model, best, alike, seen):
    """`alike`: LibTorch alone at the batch size that the server reached."""
    served, one_served = seen["served"], seen["one served"]
    ones = [seen[name]["run_p50_us"] for name in ("one", "one paced", "one, all cores")]
    return {
        "model": model.name,
        "best": "{rows} x {workers} x {intra_op}".format(**best),
        "best_rows_per_s": seen["best"]["rows_per_s"], "requests_per_s": served["requests_per_s"],
        "throughput_ratio": served["requests_per_s"] / seen["best"]["rows_per_s"],
        "best_cpu_us": alike["cpu_us_per_row"], "cpu_us": served["server_cpu_us"],
        "cpu_ratio": served["server_cpu_us"] / alike["cpu_us_per_row"],
        "batch_rows": served.get("batch_rows", 0),
        "one_us": ones[0], "one_paced_us": ones[1], "one_all_cores_us": ones[2],
        "one_served_us": one_served["p50_us"], "one_ratio": one_served["p50_us"] / min(ones),
        "errors": served["errors"], "other_cores": served["other_cores"],
    }
