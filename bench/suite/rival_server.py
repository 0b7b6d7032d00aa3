# SPDX-License-Identifier: Apache-2.0
"""A rival while it runs: started, asked, measured over all its processes, and ended."""

import contextlib
import os
import signal
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from suite import programs, rival_setup
from suite.rival_setup import PEERS, SHARED

START_SECONDS = 120


class Unavailable(Exception):
    """A rival cannot be measured, and why."""


def processes_of(root):
    """The ids of a server's processes: its descendants, and all that is in its session."""
    parents, ours = {}, set()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            stat = Path("/proc", entry, "stat").read_text().rsplit(")", 1)[1].split()
            if stat[0] != "Z":
                parents[int(entry)] = int(stat[1])
                if int(entry) == root or int(stat[3]) == root:
                    ours.add(int(entry))
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sorted(ours)


def memory_mib(pids):
    """(resident, proportional) memory of processes: shared pages count once in the second."""
    sums = {"Rss": 0, "Pss": 0}
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                key = line.partition(":")[0]
                if key in sums:
                    sums[key] += int(line.split()[1])
    return sums["Rss"] / 1024, sums["Pss"] / 1024


def free_ports(count):
    """So many ports of 127.0.0.1 that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Server:
    """A running rival."""

    def __init__(self, rival, process, ports, work):
        self.rival = rival
        self.pid = process.pid
        self.address = f"127.0.0.1:{ports[0 if rival.http else 1]}"
        self.start_seconds = 0.0
        self._body = Path(work) / "request"
        self._body.write_bytes(rival.message.body)
        self._reply = Path(work) / "reply"

    def pids(self):
        """Of all its processes, as they are now."""
        return processes_of(self.pid)

    def load(self, **flags):
        """One run of load_client; the CPU of all its processes is counted. Raises Unavailable."""
        try:
            with programs.answering([*self._command(), *programs.as_flags(flags)]) as answer:
                return answer()
        except SystemExit as why:
            raise Unavailable("is gone: load_client could not reach it") from why

    def answer(self):
        """The scores that it gives for one row; nothing where it gives none yet. Raises
        Unavailable where its answer has none."""
        self._reply.unlink(missing_ok=True)
        done = subprocess.run(
            [*self._command(), "--seconds=0.2", "--warm-up=0", f"--reply={self._reply}"],
            stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode != 0:
            return None
        reply = self._reply.read_bytes()
        try:
            return self.rival.message.scores(reply)
        except (ValueError, LookupError, TypeError, struct.error) as why:
            raise Unavailable(f"answers without scores: {reply[:80]!r}") from why

    def _command(self):
        rival = self.rival
        command = [str(programs.BUILD / "bench/load_client"), f"--target={self.address}",
                   f"--body={self._body}", *(f"--pid={pid}" for pid in self.pids())]
        if rival.http:
            return [*command, f"--http={rival.method}",
                    *(f"--header={header}" for header in rival.message.headers)]
        return [*command, f"--method={rival.method}", "--deadline-ms=10000"]


def environment(rival, batch, ports, work):
    """What start and the rival's own file go by."""
    folder = PEERS / rival.folder
    return {
        **os.environ, "HERE": str(folder), "SHARED": str(PEERS / SHARED), "WORK": str(work),
        "BUILD": str(programs.BUILD), "MODEL": str(programs.DIGITS.folder / "1/model.pt"),
        "TORCH": str(rival_setup.site_packages(SHARED)), "BATCH": str(batch),
        "WORKERS": str(programs.CORES), "HTTP_PORT": str(ports[0]), "GRPC_PORT": str(ports[1]),
        "MORE_PORTS": " ".join(map(str, ports[2:])), "TMPDIR": str(work),
        "PATH": f"{rival_setup.HOME / rival.folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": f"{PEERS / SHARED}:{folder}:{work}", "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"}


def wait_until_it_answers(server, process, begun):
    """Raises Unavailable where it ends before, or takes too long."""
    while server.answer() is None:
        if process.poll() is not None:
            raise Unavailable(f"ended with exit code {process.returncode}")
        if time.monotonic() - begun > START_SECONDS:
            raise Unavailable(f"no answer within {START_SECONDS} s")
        time.sleep(0.1)
    server.start_seconds = time.monotonic() - begun


def end(process):
    """Ends a server with all its processes: they are asked; what is left after 10 s is killed."""
    left = processes_of(process.pid)
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
        until = time.monotonic() + 10
        while left and time.monotonic() < until:
            time.sleep(0.05)
            process.poll()
            left = [pid for pid in {*left, *processes_of(process.pid)} if is_running(pid)]
    process.wait()


def is_running(pid):
    """Whether there is such a process, other than as a zombie."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def last_line(log):
    """That says something."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "its log is empty")


@contextlib.contextmanager
def started(rival, batch):
    """Runs a rival until the block ends. Raises Unavailable; its log is kept beside the results."""
    if missing := rival_setup.why_missing(rival.folder):
        raise Unavailable(missing)
    log = programs.BUILD / f"bench/results/peers/{rival.folder}{rival.variant}-{batch}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    ports = free_ports(6)
    with tempfile.TemporaryDirectory(prefix="peer-", ignore_cleanup_errors=True) as work, \
            open(log, "w") as out:
        begun = time.monotonic()
        process = subprocess.Popen(
            [PEERS / rival.folder / "start", *filter(None, [rival.variant])], cwd=work,
            env=environment(rival, batch, ports, work), stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=True)
        try:
            server = Server(rival, process, ports, work)
            try:
                wait_until_it_answers(server, process, begun)
            except Unavailable as why:
                raise Unavailable(f"{why}; {last_line(log)[:100]} ({log.name})") from why
            yield server
        finally:
            end(process)
