# SPDX-License-Identifier: Apache-2.0
"""Digits, 1 to 64 in flight: does a batch pay, and does light load pay for it?"""

import contextlib

from suite import programs
from suite.report import Column, Report
from suite.samples import interleave

# What is added to model.yaml: {policy: text}.
POLICIES = {"by the cost curve": "", "always one row": "batching: {mode: off}\n",
            "always all that waits": "batching: {cut: all}\n"}
OURS = next(iter(POLICIES))

COLUMNS = [
    Column("concurrency", "in flight"), Column("policy", "policy"),
    Column("requests_per_s", "requests/s", ",.0f"), Column("p50_us", "p50 us", ",.0f"),
    Column("p99_us", "p99 us", ",.0f"), Column("cpu_us", "CPU us", ",.1f"),
    Column("batch_rows", "rows/batch", ".1f"), Column("errors", "errors"),
    Column("of_better", "of the better", ".2f"), Column("other_cores", "other", ".1f"),
]
NOTES = [
    "CPU us: of the server's process, a request. of the better: requests/s of the cost curve by those",
    "of the better of the two other policies; aim: 0.95. other: cores that other processes used.",
]


def run(quick):
    """A server a policy, all at once; one of them works at a time."""
    counts = (1, 8, 64) if quick else (1, 2, 4, 8, 16, 32, 64)
    seconds = 0.5 if quick else 1
    with contextlib.ExitStack() as stack:
        servers = {policy: stack.enter_context(programs.torchere([programs.DIGITS], config=text))
                   for policy, text in POLICIES.items()}

        def taker(server, count):
            return lambda: programs.load(server, programs.DIGITS, concurrency=count,
                                         seconds=seconds)

        seen = interleave({(count, policy): taker(server, count)
                           for count in counts for policy, server in servers.items()},
                          1 if quick else 7)
    rows = [{"concurrency": count, "policy": policy, "requests_per_s": one["requests_per_s"],
             "p50_us": one["p50_us"], "p99_us": one["p99_us"], "cpu_us": one["server_cpu_us"],
             "batch_rows": one.get("batch_rows", 0), "errors": one["errors"],
             "other_cores": one["other_cores"]} for (count, policy), one in seen.items()]
    for row in rows:
        if row["policy"] == OURS:
            row["of_better"] = row["requests_per_s"] / max(
                seen[row["concurrency"], policy]["requests_per_s"]
                for policy in POLICIES if policy != OURS)
    return Report("Digits by concurrency", COLUMNS, rows, NOTES)
