# SPDX-License-Identifier: Apache-2.0
"""A light model beside one that takes all it can get: how long does the light one wait?"""

import time

from suite import programs
from suite.report import Column, Report
from suite.samples import interleave

COLUMNS = [
    Column("what", "digits, one at a time"), Column("requests_per_s", "requests/s", ",.0f"),
    Column("p50_us", "p50 us", ",.0f"), Column("p99_us", "p99 us", ",.0f"),
    Column("heavy_requests_per_s", "cnn10ms/s", ",.0f"), Column("heavy_compute_us", "its run us", ",.0f"),
    Column("heavy_batch_rows", "rows", ".1f"), Column("bound_us", "bound us", ",.0f"),
    Column("ratio", "p99/bound", ".2f"), Column("errors", "errors"),
]
NOTES = [
    "bound: one run of a batch of cnn10ms (mean, from its replies) and the p50 of digits alone;",
    "the p99 of digits should not be above it.",
]
LIGHT, HEAVY = programs.DIGITS, programs.CNN10MS
LIGHT_KEYS = ("requests_per_s", "p50_us", "p99_us", "errors")
HEAVY_KEYS = ("requests_per_s", "compute_us", "batch_rows")


def run(quick):
    """Both on one server."""
    seconds = 3 if quick else 10
    with programs.torchere([LIGHT, HEAVY]) as server:

        def alone():
            return programs.load(server, LIGHT, concurrency=1, seconds=seconds)

        def beside():
            heavy = programs.load_command(server, HEAVY, concurrency=programs.SATURATING, seconds=seconds,
                                          warm_up=1)
            with programs.answering(heavy) as heavy_answer:
                # Until it saturates; its counting has begun when the light one's does.
                time.sleep(0.8)
                light = programs.load(server, LIGHT, concurrency=1, seconds=seconds - 0.5)
                heavy = heavy_answer()
                return {**light, **{f"heavy_{key}": heavy[key] for key in HEAVY_KEYS}}

        seen = interleave({"alone": alone, "beside": beside}, 1 if quick else 3)
    rows = [{"what": what, **{key: seen[which][key] for key in LIGHT_KEYS}}
            for what, which in (("alone", "alone"), (f"beside cnn10ms, {programs.SATURATING} in flight", "beside"))]
    beside = seen["beside"]
    bound = beside["heavy_compute_us"] + seen["alone"]["p50_us"]
    rows[1].update({f"heavy_{key}": beside[f"heavy_{key}"] for key in HEAVY_KEYS},
                   bound_us=bound, ratio=beside["p99_us"] / bound)
    return Report("A light model beside a heavy one", COLUMNS, rows, NOTES)
