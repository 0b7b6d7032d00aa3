# SPDX-License-Identifier: Apache-2.0
"""Two hundred models that nobody asks: what does it cost to have them?"""

import time

from suite import programs
from suite.report import Column, Report

COLUMNS = [
    Column("models", "models"), Column("start_s", "start s", ".2f"),
    Column("cpu_percent", "% of a core", ".3f"), Column("threads", "threads"),
    Column("rss_mib", "RSS MiB", ",.0f"),
]
NOTES = ["Copies of digits, loaded and idle. Aim: under 1 % of a core with 200."]


def run(quick):
    """One server after the other."""
    rows = []
    for copies in (1, 200):
        with programs.torchere([programs.DIGITS], copies=copies) as server:
            # What starting has left to do is no part of it.
            time.sleep(1)
            begin, cpu = time.monotonic(), server.cpu_seconds()
            time.sleep(3 if quick else 20)
            percent = (server.cpu_seconds() - cpu) / (time.monotonic() - begin) * 100
            rows.append({"models": copies, "start_s": server.start_seconds,
                         "cpu_percent": percent, "threads": server.status("Threads"),
                         "rss_mib": server.rss_mib()})
    return Report("Idle models", COLUMNS, rows, NOTES)
