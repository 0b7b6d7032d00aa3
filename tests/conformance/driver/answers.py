# SPDX-License-Identifier: Apache-2.0
"""Talks to a runner: reads its answers, and stops and starts the server for it."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading


class RunnerFailed(Exception):
    """It did not run through all cases."""


@contextlib.contextmanager
def started(command, seconds, log):
    """Runs a program in a group of processes of its own, which is ended after the block or after
    so many seconds; raises RunnerFailed where it took longer or ended with an error."""
    process = subprocess.Popen(command, text=True, start_new_session=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=log)
    late = threading.Event()

    def end_group():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def time_out():
        late.set()
        end_group()

    timer = threading.Timer(seconds, time_out)
    timer.start()
    try:
        yield process
        status = process.wait()
        if late.is_set():
            raise RunnerFailed(f"the runner was not done after {seconds:g} s")
        if status != 0:
            log.seek(0)
            raise RunnerFailed(f"the runner ended with status {status}: {log.read()[-4000:]}")
    finally:
        timer.cancel()
        # Not once it was waited for: another might have its id by now.
        if process.returncode is None:
            end_group()
            process.wait()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()


def answers(command, folder, server, seconds):
    """Yields what a runner says of each case: {"file", "case", "ok", "detail"}.

    Raises RunnerFailed where it does not run through all cases in so many seconds.
    """
    with tempfile.TemporaryFile("w+") as log, \
            started([*command, server.address, str(folder)], seconds, log) as process:
        for line in process.stdout:
            try:
                answer = json.loads(line)
                if "server" not in answer:
                    answer["file"], answer["case"], answer["ok"]
            except (ValueError, KeyError, TypeError):
                raise RunnerFailed(f"the runner said {line!r}") from None
            if "server" not in answer:
                yield answer
                continue
            {"stop": server.stop, "start": server.start}[answer["server"]]()
            process.stdin.write("\n")
            process.stdin.flush()
