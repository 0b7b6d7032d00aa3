# SPDX-License-Identifier: Apache-2.0
"""Predict against the bare gRPC server and LibTorch alone, by message size and concurrency."""

import collections

from suite import programs
from suite.report import Column, Report
from suite.samples import median, progress

COLUMNS = [
    Column("model", "model"), Column("bytes", "bytes", ","), Column("concurrency", "in flight"),
    Column("requests_per_s", "requests/s", ",.0f"), Column("bare_per_s", "bare", ",.0f"),
    Column("p50_us", "p50 us", ",.0f"), Column("bare_p50_us", "bare", ",.0f"),
    Column("p99_us", "p99 us", ",.0f"),
    Column("cpu_us", "CPU us", ",.1f"), Column("bare_cpu_us", "bare", ",.1f"),
    Column("in_process_cpu_us", "LibTorch", ",.1f"), Column("ratio", "ratio", ".2f"),
    Column("stream_cpu_us", "stream", ",.1f"), Column("bare_stream_cpu_us", "bare", ",.1f"),
    Column("stream_ratio", "ratio", ".2f"),
    Column("batch_rows", "rows/batch", ".1f"), Column("errors", "errors"),
    Column("other_cores", "other", ".1f"),
]
NOTES = [
    "CPU us: of the server's process, a request. bare: gRPC alone with the same message.",
    "LibTorch: the model alone at the batch size reached; at 1 in flight with the same pauses,",
    "so that its caches are as cold. ratio: CPU / (bare + LibTorch); aim 1.25, better 1.1.",
    "identity: the length of its rows is not declared, so its runs may not be the completion queue's.",
    "stream: the same over one PredictStream call; - where the server has none.",
    "other: cores that other processes used meanwhile.",
]
SIZES = (256, 16384, 602112, 8 << 20)
# The largest messages of digits are more rows than may wait by default.
CONFIG = "queue: {max_rows: 524288, max_time: 1m}\n"


def points(quick):
    """(model, bytes, concurrency) of each row of the table."""
    for size in (256, 602112) if quick else SIZES:
        for concurrency in (1, 64) if quick else (1, 8, 64):
            yield programs.identity(size), size, concurrency
            if size == 602112 and concurrency == 64:
                yield programs.undeclared(size), size, concurrency
            # A batch of digits of 8 MB runs for a third of a second: one concurrency will do.
            if size < 1 << 20 or concurrency == 8:
                yield programs.DIGITS, size, concurrency


def run(quick):
    """Five samples a point and round: the server's, the bare one's, both over a stream, and
    LibTorch's."""
    where = list(points(quick))
    samples = {point: collections.defaultdict(list) for point in where}
    models = {point[0].name: point[0] for point in where}.values()
    with programs.torchere(models, CONFIG) as server, programs.bare() as bare:
        for number in range(1 if quick else 5):
            # Who comes first takes turns.
            order = [(server, "served"), (bare, "bare")][::-1 if number % 2 else 1]
            for point in where:
                progress(f"round {number + 1}: {point[0].name}, {point[1]} bytes, {point[2]}")
                kept = samples[point]
                for which, name in order:
                    kept[name].append(sample(which, *point))
                    kept[name + " stream"].append(sample(which, *point, stream=True))
                kept["alone"].append(alone(kept["served"][-1], *point))
    rows = [row(point, {name: median(kept) for name, kept in samples[point].items()})
            for point in where]
    return Report("Predict against bare gRPC and LibTorch alone", COLUMNS, rows, NOTES)


def rows_of(model, size):
    """How many rows a message of `size` bytes holds."""
    return size // 256 if model is programs.DIGITS else 1


def sample(server, model, size, concurrency, stream=False):
    """One short closed loop."""
    seconds = 2 if size > 1 << 20 or (size > 1 << 18 and model.name == "digits") else 0.5
    flags = {"stream": True} if stream else {}
    return programs.load(server, model, rows_of(model, size), concurrency=concurrency,
                         seconds=seconds, warm_up=seconds / 3, **flags)


def alone(served, model, size, concurrency):
    """The model without a server, in the batches that the server made."""
    rows = rows_of(model, size)
    batch = round(served.get("batch_rows", 0)) or rows
    rate = served["requests_per_s"] * rows / batch if concurrency == 1 else 0
    result = programs.in_process(model, batch, rate=rate, seconds=0.4, warm_up=0.1)
    return {"cpu_us": result["cpu_us_per_row"] * rows, "run_p50_us": result["run_p50_us"]}


def row(point, seen):
    """A row of the table."""
    model, size, concurrency = point
    served, bare, model_alone = seen["served"], seen["bare"], seen["alone"]
    floor = bare["server_cpu_us"] + model_alone["cpu_us"]
    result = {
        "model": model.name, "bytes": size, "concurrency": concurrency,
        "requests_per_s": served["requests_per_s"], "bare_per_s": bare["requests_per_s"],
        "p50_us": served["p50_us"], "bare_p50_us": bare["p50_us"], "p99_us": served["p99_us"],
        "cpu_us": served.get("server_cpu_us"), "bare_cpu_us": bare["server_cpu_us"],
        "in_process_cpu_us": model_alone["cpu_us"],
        "in_process_p50_us": model_alone["run_p50_us"],
        "ratio": ratio(served, floor),
        "batch_rows": served.get("batch_rows", 0), "errors": served["errors"],
        "other_cores": served["other_cores"],
    }
    stream, bare_stream = seen["served stream"], seen["bare stream"]
    if "UNIMPLEMENTED" not in stream["errors"]:
        result.update({
            "stream_per_s": stream["requests_per_s"],
            "bare_stream_per_s": bare_stream["requests_per_s"],
            "stream_p50_us": stream["p50_us"], "stream_p99_us": stream["p99_us"],
            "stream_cpu_us": stream.get("server_cpu_us"),
            "bare_stream_cpu_us": bare_stream["server_cpu_us"],
            "stream_ratio": ratio(stream, bare_stream["server_cpu_us"] + model_alone["cpu_us"]),
            "errors": {name: served["errors"].get(name, 0) + stream["errors"].get(name, 0)
                       for name in {*served["errors"], *stream["errors"]}},
        })
    return result


def ratio(seen, floor):
    """CPU a request to what it costs at least; nothing where nothing was answered."""
    return seen["server_cpu_us"] / floor if "server_cpu_us" in seen else None
