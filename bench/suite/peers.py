# SPDX-License-Identifier: Apache-2.0
"""Digits, 32 in flight, on other servers of PyTorch models, each beside Torchere; see --setup."""

import contextlib
import math
import tempfile
from pathlib import Path

from suite import messages, programs, rival_server, rival_setup
from suite.report import Column, Report
from suite.rivals import BATCH, FOLDERS, RIVALS
from suite.samples import interleave, median, progress

COLUMNS = [
    Column("server", "server"), Column("batch", "batch"),
    Column("requests_per_s", "requests/s", ",.0f"), Column("p50_us", "p50 us", ",.0f"),
    Column("p99_us", "p99 us", ",.0f"), Column("cpu_us", "CPU us", ",.1f"),
    Column("factor", "x unary", ".1f"), Column("stream_factor", "x stream", ".1f"),
    Column("rss_mib", "RSS MiB", ",.0f"), Column("pss_mib", "PSS MiB", ",.0f"),
    Column("start_s", "start s", ".1f"), Column("errors", "errors"),
    Column("other_cores", "other", ".1f"), Column("note", ""),
]
NOTES = [
    "batch: the most rows in a run; Torchere's is its own choice. CPU us: a request, of all of a",
    "server's processes. x unary, x stream: this by Torchere's in the same turns, over one",
    "connection; rivals: gRPC over 8, HTTP over 32. RSS, PSS: of all processes after the load; PSS",
    "counts shared pages once. other: cores that other processes used. How each is set up:",
    "bench/peers/NAME/start.",
]
IN_FLIGHT = 32
# Over so many gRPC connections: some spread their work by connection, none is better with one.
CONNECTIONS = 8
# How Torchere is asked; it is cheaper with one connection. The factors are to the first two.
OURS = {
    "unary": {"connections": 1}, "stream": {"connections": 1, "stream": True},
    "unary, 8 connections": {"connections": CONNECTIONS},
    "stream, 8 connections": {"connections": CONNECTIONS, "stream": True},
}


def set_up(only=()):
    """Installs what is missing. Gives {folder: reason} of what could not be."""
    return rival_setup.set_up([folder for folder in FOLDERS if folder in only or not only])


def run(quick, only=()):
    """Torchere and one rival at a time, in turns; `only`: folders of bench/peers."""
    rows, turns = [], []
    with programs.torchere([programs.DIGITS]) as server:
        scores = scores_of(server)
        for rival, batch in settings(only):
            row, seen = measured(server, rival, batch, scores, quick)
            rows.append(row)
            turns += [seen] if seen else []
        ours = [*alone(quick), *rows_of_torchere(server, turns)]
    rows.sort(key=lambda row: row.get("cpu_us") or math.inf)
    return Report("Digits, 32 in flight, on other servers", COLUMNS, [*ours, *rows], NOTES)


def settings(only=()):
    """Each rival without batches, and with them where it can."""
    for rival in RIVALS:
        for batch in (1, BATCH) if rival.batches else (1,):
            if rival.folder in only or not only:
                yield rival, batch


def measured(server, rival, batch, scores, quick):
    """A row of the table, and the samples; where the rival does not run, the reason and nothing."""
    progress(f"{rival.name}, batch {batch}: starting")
    row = {"server": rival.name, "batch": batch, "note": ""}
    try:
        with rival_server.started(rival, batch) as peer:
            seen = compare(server, peer, scores, quick)
            return {**row, **row_of(seen, peer)}, seen
    except rival_server.Unavailable as why:
        return {**row, "note": str(why)}, None


def scores_of(server):
    """What Torchere answers to the row that all are asked with."""
    with tempfile.TemporaryDirectory() as folder:
        reply = Path(folder) / "reply"
        programs.load(server, programs.DIGITS, seconds=0.1, reply=reply)
        return messages.scores_in_message(reply.read_bytes())


def agree(given, scores):
    """Whether two servers answer alike."""
    return len(given) == len(scores) and all(
        math.isclose(a, b, abs_tol=1e-4) for a, b in zip(given, scores))


def compare(server, peer, scores, quick):
    """Samples of a rival and of Torchere, in turns: their medians."""
    given = peer.answer() or []
    if not agree(given, scores):
        raise rival_server.Unavailable(f"answers {given}, not {scores}")
    rival = peer.rival
    progress(f"{rival.name}: warming up")
    theirs = {"concurrency": IN_FLIGHT, "connections": CONNECTIONS}
    peer.load(**theirs, seconds=2 if quick else rival.warm_up)
    seconds = 0.5 if quick else 1.5

    def ours(flags):
        return lambda: programs.load(server, programs.DIGITS, concurrency=IN_FLIGHT,
                                     seconds=seconds, **flags)

    return interleave({"rival": lambda: peer.load(**theirs, seconds=seconds),
                       **{name: ours(flags) for name, flags in OURS.items()}}, 1 if quick else 5)


def row_of(seen, peer):
    """Of the table: a rival's figures, and its CPU by Torchere's."""
    rival = seen["rival"]
    rss, pss = rival_server.memory_mib(peer.pids())
    return {**figures(rival), "factor": factor(rival, seen["unary"]),
            "stream_factor": factor(rival, seen["stream"]),
            "rss_mib": rss, "pss_mib": pss, "start_s": peer.start_seconds}


def figures(seen):
    """What load_client saw, by the names of the columns."""
    return {"requests_per_s": seen["requests_per_s"], "p50_us": seen["p50_us"],
            "p99_us": seen["p99_us"], "cpu_us": seen.get("server_cpu_us"),
            "errors": seen["errors"], "other_cores": seen["other_cores"]}


def factor(rival, ours):
    """CPU a request by ours; nothing where one of them answered nothing."""
    with contextlib.suppress(KeyError):
        return rival["server_cpu_us"] / ours["server_cpu_us"]
    return None


def alone(quick):
    """LibTorch without a server, all cores at work."""
    for rows in (1, BATCH):
        seen = programs.in_process(programs.DIGITS, rows, workers=programs.CORES,
                                   seconds=0.5 if quick else 3)
        yield {"server": "LibTorch alone", "batch": rows, "requests_per_s": seen["rows_per_s"],
               "p50_us": seen["run_p50_us"], "cpu_us": seen["cpu_us_per_row"], "errors": {},
               "note": ""}


def rows_of_torchere(server, turns):
    """Over the turns with all rivals."""
    rss, pss = rival_server.memory_mib([server.pid])
    ours = {name: median([turn[name] for turn in turns]) for name in OURS if turns}
    for name, seen in ours.items():
        yield {"server": f"Torchere, {name}", "batch": None, **figures(seen),
               "rss_mib": rss, "pss_mib": pss, "start_s": server.start_seconds,
               "factor": factor(seen, ours["unary"]),
               "stream_factor": factor(seen, ours["stream"]),
               "note": ""}
