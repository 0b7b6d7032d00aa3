# SPDX-License-Identifier: Apache-2.0
"""The programs that are measured and that measure: built, started, asked, and ended by id."""

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
TARGETS = ("torchere-server", "bare_server", "load_client", "client_echo", "in_process",
           "bench_models", "triton_torchscript")
START_SECONDS = 60
ALL_CORES = sorted(os.sched_getaffinity(0))
CORES = len(ALL_CORES)
# Requests in flight that keep every core busy, but wait too short a time to be refused.
SATURATING = 4 * CORES


@dataclasses.dataclass(frozen=True)
class Model:
    """A model that is benchmarked. `row` is the shape of one row of its only input."""

    name: str
    row: tuple
    input: str = "x"
    dtype: str = "fp32"

    @property
    def folder(self):
        """Holds 1/model.pt and model.yaml."""
        return (ROOT / "models" if self.name == "digits" else BUILD / "bench/models") / self.name

    def flags(self, rows):
        """How load_client and in_process are told of its input."""
        return [f"--shape={','.join(map(str, (rows, *self.row)))}", f"--dtype={self.dtype}"]


DIGITS = Model("digits", (1, 8, 8), input="pixels")
CNN10MS = Model("cnn10ms", (3, 224, 224))
CNN10MS_SMALL = Model("cnn10ms_small", (3, 7, 7))
RESNET18 = Model("resnet18", (3, 224, 224))
TRANSFORMER = Model("transformer", (128,), dtype="int64")


def identity(size):
    """Takes one row of `size` bytes and gives its first number."""
    return Model(f"identity_{size}", (size // 4,))


def undeclared(size):
    """The same with a model.yaml that does not say how long a row is."""
    return Model("identity", (size // 4,))


def build():
    """Builds preset release with the benchmarks' programs. Raises CalledProcessError."""
    cache = BUILD / "CMakeCache.txt"
    if not cache.exists() or "TORCHERE_BUILD_BENCH:BOOL=ON" not in cache.read_text():
        run_quietly("cmake", "--preset", "release", "-DTORCHERE_BUILD_BENCH=ON",
                    f"-DTORCH_ROOT={os.environ.get('TORCH_ROOT', '')}")
    run_quietly("tools/build", "release", *TARGETS)


def run_quietly(*command):
    """Its output is shown only where it fails."""
    done = subprocess.run(command, cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout}\nfailed: {' '.join(command)}")


class Server:
    """A running server: its address, and what /proc says of it."""

    def __init__(self, process, address, start_seconds):
        self.pid = process.pid
        self.address = address
        self.start_seconds = start_seconds

    def status(self, key):
        """A number of /proc/PID/status: VmRSS and VmHWM in KiB, Threads."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise KeyError(key)

    def rss_mib(self):
        """Memory that is resident now."""
        return self.status("VmRSS") / 1024

    def peak_rss_mib(self):
        """The most that was ever resident."""
        return self.status("VmHWM") / 1024

    def cpu_seconds(self):
        """User and system time of all its threads."""
        return time.clock_gettime(self._clock())

    def _clock(self):
        # clock_getcpuclockid(3) as the kernel defines it.
        return (~self.pid << 3) | 2


def halves():
    """The cores of a server, and those of its client; the same one where there is no other."""
    half = (CORES + 1) // 2
    return ALL_CORES[:half], ALL_CORES[half:] or ALL_CORES


@contextlib.contextmanager
def on(cores):
    """What is started in the block runs on these cores."""
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, ALL_CORES)


@contextlib.contextmanager
def started(command, cores=ALL_CORES):
    """Runs a server until the block ends; its first line says `… ready grpc=HOST:PORT …`."""
    with tempfile.TemporaryFile("w+") as log:
        begun = time.monotonic()
        with on(cores):
            process = subprocess.Popen([str(part) for part in command], text=True,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        try:
            line = process.stdout.readline()
            if " ready grpc=" not in line:
                log.seek(0)
                raise SystemExit(f"{log.read()}\n{command[0]} did not start")
            address = line.split("grpc=")[1].split()[0]
            yield Server(process, address, time.monotonic() - begun)
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


def copy_model(model, folder, config=""):
    """A model's folder under another name, its file shared where the disk allows. `config` is
    added to its model.yaml."""
    (folder / "1").mkdir(parents=True)
    source = model.folder / "1/model.pt"
    try:
        os.link(source, folder / "1/model.pt")
    except OSError:
        shutil.copyfile(source, folder / "1/model.pt")
    (folder / "model.yaml").write_text((model.folder / "model.yaml").read_text() + config)


@contextlib.contextmanager
def torchere(models, config="", copies=1, flags=(), cores=ALL_CORES):
    """torchere-server with these models; of one with `copies`, all but the first are named
    NAME-2, NAME-3, …"""
    with tempfile.TemporaryDirectory(prefix="models-", dir=BUILD / "bench") as repository:
        for model in models:
            for copy in range(1, copies + 1):
                name = model.name if copy == 1 else f"{model.name}-{copy}"
                copy_model(model, Path(repository) / name, config)
        with started([BUILD / "server/torchere-server", f"--models={repository}",
                      "--listen=127.0.0.1:0", *flags], cores) as server:
            yield server


def bare(cores=ALL_CORES):
    """gRPC without a model."""
    return started([BUILD / "bench/bare_server"], cores)


@contextlib.contextmanager
def answering(command):
    """Starts a program that prints one JSON object; gives what waits for it. It is ended where the
    block is left before."""
    process = subprocess.Popen([str(part) for part in command], text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def answer():
        text = process.stdout.read()
        if process.wait() != 0:
            raise SystemExit(f"failed: {' '.join(map(str, command))}")
        return json.loads(text)

    try:
        yield answer
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def load_command(server, model, rows=1, **flags):
    """load_client's command line; flags by name, with _ for -."""
    return [BUILD / "bench/load_client", f"--target={server.address}", f"--pid={server.pid}",
            f"--model={model.name}", f"--input={model.input}", *model.flags(rows),
            *as_flags(flags)]


def as_flags(flags):
    """{"warm_up": 1} to --warm-up=1; True to a flag without a value."""
    for name, value in flags.items():
        flag = "--" + name.replace("_", "-")
        yield flag if value is True else f"{flag}={value}"


def load(server, model, rows=1, **flags):
    """One run of load_client: what it printed."""
    with answering(load_command(server, model, rows, **flags)) as answer:
        return answer()


def in_process(model, rows=1, **flags):
    """One run of LibTorch alone: what it printed."""
    command = [BUILD / "bench/in_process", f"--model={model.folder / '1/model.pt'}",
               *model.flags(rows), *as_flags(flags)]
    with answering(command) as answer:
        return answer()
