# SPDX-License-Identifier: Apache-2.0
"""A 9 ms model at up to ten times its capacity, deadlines of 1 s: goodput, refusals, recovery."""

from suite import programs
from suite.report import Column, Report
from suite.samples import interleave

COLUMNS = [
    Column("model", "model"), Column("what", "load"), Column("sent_per_s", "sent/s", ",.0f"),
    Column("goodput_per_s", "goodput/s", ",.1f"), Column("of_peak", "of peak", ".0%"),
    Column("of_left", "of what is left", ".0%"),
    Column("p50_ms", "p50 ms", ",.0f"), Column("p99_ms", "p99 ms", ",.0f"),
    Column("recovery_s", "recovery s", ".2f"), Column("rss_mib", "RSS MiB", ",.0f"),
    Column("server_cores", "cores", ".2f"), Column("other_cores", "other", ".1f"),
    Column("errors", "errors by code"),
]
NOTES = [
    "Open loop, default settings. load: times the peak, which is what a closed loop gets; aim of",
    "goodput: 95 % of it. Half of the machine's cores are the server's, the others the client's. What is",
    "left of the peak: without the CPU that a bare gRPC server, which answers at once, takes for so many",
    "requests more than for 1 x.",
    "p50, p99: of what was answered. recovery: from the last request until one at a time is answered within 100 ms.",
    "RSS: afterwards.",
    "cnn10ms takes 602,112 bytes, which cost the client and the machine; cnn10ms_small does the same",
    "work from 588. cores: of the server; other: of other processes but the client.",
]
DEADLINE_MS = 1000
SERVER_CORES, CLIENT_CORES = programs.halves()
# Requests in flight that keep the server's cores busy, but wait too short a time to be refused.
SATURATING = 4 * len(SERVER_CORES)


def run(quick):
    """Each model on a server of its own."""
    rows = []
    for model in (programs.CNN10MS_SMALL,) if quick else (programs.CNN10MS,
                                                          programs.CNN10MS_SMALL):
        with programs.torchere([model], cores=SERVER_CORES) as server:
            rows += overload(server, model, quick)
    return Report("Overload", COLUMNS, rows, NOTES)


def overload(server, model, quick):
    """Rows of one model."""
    rss = server.rss_mib()
    with programs.on(CLIENT_CORES):
        peak = interleave({"peak": lambda: programs.load(
            server, model, concurrency=SATURATING, seconds=2 if quick else 5)},
                          1 if quick else 3)["peak"]
    rows = [{"model": model.name, "what": "at rest", "rss_mib": rss, "errors": {}},
            row_of(server, model, f"{SATURATING} in flight", peak, peak["requests_per_s"])]

    def taker(asked, times):
        def take():
            taken = programs.load(asked, model, rate=times * peak["requests_per_s"],
                                  deadline_ms=DEADLINE_MS, connections=8, recovery=True,
                                  seconds=2 if quick else 8, warm_up=1)
            return {**taken, "rss_mib": asked.rss_mib()}
        return take

    times = (1, 3, 10) if quick else (0.9, 1, 3, 10)
    with programs.bare(SERVER_CORES) as bare, programs.on(CLIENT_CORES):
        seen = interleave({(name, each): taker(asked, each) for each in times
                           for name, asked in (("server", server), ("bare", bare))},
                          1 if quick else 3)
    for each in times:
        row = row_of(server, model, f"{each} x", seen["server", each], peak["requests_per_s"])
        row["of_left"] = row["of_peak"] / left(seen["bare", each], seen["bare", 1], peak)
        rows.append(row)
    return rows


def left(bare, bare_once, peak):
    """The share of the cores that the server had at its peak which gRPC alone leaves when more is
    sent than once the peak."""
    more = bare["server_cores"] - bare_once["server_cores"]
    return max(0.05, 1 - max(0, more) / peak["server_cores"])


def row_of(server, model, what, seen, peak):
    """A row of the table."""
    return {
        "model": model.name, "what": what,
        "sent_per_s": seen["sent"] / seen["seconds"] if "sent" in seen else None,
        "goodput_per_s": seen["requests_per_s"], "of_peak": seen["requests_per_s"] / peak,
        "p50_ms": seen["p50_us"] / 1000, "p99_ms": seen["p99_us"] / 1000,
        "recovery_s": seen.get("recovery_s"), "rss_mib": seen.get("rss_mib", server.rss_mib()),
        "server_cores": seen["server_cores"], "other_cores": seen["other_cores"],
        "errors": seen["errors"], "error_samples": seen["error_samples"],
        "late_p99_us": seen.get("late_p99_us"),
    }
