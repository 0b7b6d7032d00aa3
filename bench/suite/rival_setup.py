# SPDX-License-Identifier: Apache-2.0
"""The rivals' packages: a virtual environment each, outside the repository, over one PyTorch."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from suite import programs
from suite.samples import progress

PEERS = programs.ROOT / "bench/peers"
HOME = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "torchere/peers"
# What all import, and whose packages the others see.
SHARED = "shared"


class Failed(Exception):
    """A rival's packages cannot be installed, and why."""


def site_packages(folder):
    """Where the packages of its virtual environment lie."""
    return next((HOME / folder / "lib").glob("python3.*")) / "site-packages"


def requirements(folder):
    """A file of pinned packages."""
    return PEERS / folder / "requirements.txt"


def stamp(folder):
    """Changes with what has to be installed."""
    wanted = requirements(folder).read_bytes() + requirements(SHARED).read_bytes()
    return hashlib.sha256(wanted).hexdigest()


def why_missing(folder):
    """Why a rival cannot be started; nothing where its packages are as its requirements say now."""
    for name in (SHARED, folder):
        failed, made_of = HOME / name / "failed", HOME / name / "made-of"
        if failed.exists():
            return f"could not be installed: {failed.read_text()}"
        if not made_of.exists() or made_of.read_text() != stamp(name):
            return "not installed: bench/run peers --setup"
    return None


def set_up(folders):
    """Makes the virtual environments that are missing. Gives {folder: reason} of those that failed;
    without what all share the others are not tried."""
    failed = {}
    for folder in (SHARED, *folders):
        if why_missing(folder) is None or SHARED in failed:
            continue
        say(f"{folder}: installing into {HOME / folder}")
        begun = time.monotonic()
        shutil.rmtree(HOME / folder, ignore_errors=True)
        try:
            install(folder)
            say(f"{folder}: done in {time.monotonic() - begun:.0f} s")
        except Failed as why:
            failed[folder] = str(why)
            (HOME / folder / "failed").write_text(str(why))
            say(f"{folder}: {why}")
    return failed


def say(text):
    """A line that stays."""
    progress("")
    print(text, file=sys.stderr, flush=True)


def install(folder):
    """Makes one, from the index that pip is set to. Raises Failed."""
    run_shown(folder, sys.executable, "-m", "venv", HOME / folder)
    if folder != SHARED:
        (site_packages(folder) / "shared.pth").write_text(f"{site_packages(SHARED)}\n")
    run_shown(folder, HOME / folder / "bin/python", "-m", "pip", "install", "--no-cache-dir",
              "--disable-pip-version-check", "--requirement", requirements(folder))
    (HOME / folder / "made-of").write_text(stamp(folder))


def run_shown(name, *command):
    """Runs a command; what it prints is shown in one line. Raises Failed with its last error."""
    process = subprocess.Popen([str(part) for part in command], text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    said = ["no word"]
    try:
        for line in process.stdout:
            progress(f"{name}: {line.strip()[:80]}")
            said.append(line.strip())
        code = process.wait()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
    if code != 0:
        errors = [line for line in said if line.lower().startswith("error")]
        raise Failed(f"exit code {code}: {(errors or said)[-1][:160]}")
