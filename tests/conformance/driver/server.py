# SPDX-License-Identifier: Apache-2.0
"""The real server, with the models that the cases ask for."""

import re
import subprocess
import tempfile
import threading
from pathlib import Path

# What the cases count on: the limits that they go over, and how soon a run counts as hanging.
FLAGS = ("--max-message-bytes=16MiB", "--max-bytes-in-flight=12MiB", "--hang-after=3s",
         "--drain-timeout=1s")
READY = re.compile(r"torchere-server ready grpc=(\S+) models=\d+\n")
# A server that is not ready, or has not ended, by then never will.
PATIENCE_SECONDS = 120


class ServerFailed(Exception):
    """It did not start, or did not end as it should."""


class Server:
    """A server on a free port of 127.0.0.1; it ends with the block."""

    def __init__(self, binary, models):
        self.command = [str(binary), f"--models={models}", *FLAGS]
        self.address = "127.0.0.1:0"
        self.process = None

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="conformance-")
        # Method `waits` of hanging.pt runs until the first byte is not 0.
        Path(self.folder.name, "gate").write_bytes(b"\0\0")
        self.start()
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self.folder.cleanup()

    @property
    def log(self):
        """Where its standard error goes."""
        return Path(self.folder.name, "log")

    def start(self):
        """Serves, from the second time on at the address of the first."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*self.command, f"--listen={self.address}"], cwd=self.folder.name, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        watchdog = threading.Timer(PATIENCE_SECONDS, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        ready = READY.fullmatch(line)
        if not ready:
            raise ServerFailed(f"the server did not start: {line}{self.last_lines()}")
        self.address = ready[1]

    def stop(self):
        """Ends it as an operator would. 1: a run that hangs was cut off."""
        process, self.process = self.process, None
        process.terminate()
        try:
            status = process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        process.stdout.close()
        if status not in (0, 1):
            raise ServerFailed(f"the server ended with status {status}: {self.last_lines()}")

    def last_lines(self):
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
