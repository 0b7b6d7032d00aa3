# SPDX-License-Identifier: Apache-2.0
"""A million requests: does memory grow?"""

from suite import programs
from suite.report import Column, Report
from suite.samples import progress

COLUMNS = [
    Column("requests", "requests", ","), Column("rss_mib", "RSS MiB", ",.1f"),
    Column("growth", "growth", "+.2%"), Column("requests_per_s", "requests/s", ",.0f"),
    Column("p99_us", "p99 us", ",.0f"), Column("errors", "errors"),
]
NOTES = ["Digits, 64 in flight. growth: since the first row. Aim: under 1 %."]
ROWS = 10


def run(quick):
    """Runs of load until there are enough; a row whenever another tenth is done."""
    wanted = 50_000 if quick else 1_000_000
    done, rows = 0, []
    with programs.torchere([programs.DIGITS]) as server:
        while done < wanted:
            seen = programs.load(server, programs.DIGITS, concurrency=64,
                                 seconds=0.5 if quick else 3)
            done += seen["answers"]
            progress(f"{done:,} of {wanted:,}")
            if done >= wanted * (len(rows) + 1) / ROWS:
                rss = server.rss_mib()
                first = rows[0]["rss_mib"] if rows else rss
                rows.append({"requests": done, "rss_mib": rss, "growth": rss / first - 1,
                             "requests_per_s": seen["requests_per_s"],
                             "p99_us": seen["p99_us"], "errors": seen["errors"]})
    return Report("Soak", COLUMNS, rows, NOTES)
