#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts LibTorch into .deps/ from PyPI's wheels, without Python's torch and without CUDA.

PyPI's torch wheel is a CUDA build, but its CPU libraries run with two small libraries of
NVIDIA's beside them and none of the rest. Where code built for the whole wheel (an operator
library, an AOTInductor package) asks for libtorch.so, libtorch_cuda.so or libc10_cuda.so by
name, empty libraries of these names answer.

Every wheel is pinned by its sha256 and kept in the cache that all clones share.
"""

import argparse
import glob
import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

VERSION = "2.15.0"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_25_x86_64", "manylinux2014_x86_64")
WHEELS = (
    {
        "name": "torch",
        "version": VERSION,
        "sha256": "48c2d861134c0b5697c7602cb5ffa68f62a2989fdcd1717e593356f67996ca1e",
        "bytes": 539136850,
        "take": (
            "torch/include/",
            "torch/share/cmake/",
            "torch/lib/libtorch_cpu.so",
            "torch/lib/libc10.so",
            "torch/lib/libgomp.so.1",
        ),
    },
    {
        "name": "nvidia-cuda-runtime",
        "version": "13.2.86",
        "sha256": "3498247680dfddce31bad102af7e3e26fc795342a3cac64722bb0fa95e7f60f0",
        "bytes": 2280000,
        "take": ("nvidia/cu13/lib/libcudart.so.13",),
    },
    {
        "name": "nvidia-cuda-cupti",
        "version": "13.2.86",
        "sha256": "8fa29f15dd8336181f961764d9d95236fc6b931dd0c8fcf8cd70aab0c310b586",
        "bytes": 12000000,
        "take": ("nvidia/cu13/lib/libcupti.so.13",),
    },
)
# Empty libraries in torch/lib: name -> what they are linked with.
STUBS = {
    "libtorch_cuda.so": (),
    "libc10_cuda.so": (),
    "libtorch.so": ("libtorch_cpu.so",),
}
STAMP = "torchere.json"


class Failure(Exception):
    """What the person at the terminal is told, in one line."""


class Progress:
    """One line that is redrawn on a terminal, or a line each ten seconds in a pipe."""

    def __init__(self, text, total):
        self.text, self.total = text, max(total, 1)
        self.start = self.shown = time.monotonic()
        self.terminal = sys.stderr.isatty()
        if not self.terminal:
            print(f"{self.text} ({self.total / 1e6:.0f} MB)", file=sys.stderr, flush=True)

    def at(self, done):
        now = time.monotonic()
        if now - self.shown < (0.2 if self.terminal else 10.0):
            return
        self.shown = now
        share = min(done / self.total, 1.0)
        line = f"{self.text}: {done / 1e6:.0f} of {self.total / 1e6:.0f} MB"
        if self.terminal:
            filled = int(share * 24)
            line = f"\r{self.text} [{'#' * filled}{' ' * (24 - filled)}] {share:4.0%}"
        print(line, end="" if self.terminal else "\n", file=sys.stderr, flush=True)

    def end(self):
        seconds = time.monotonic() - self.start
        if self.terminal:
            print(f"\r\033[K{self.text}: done in {seconds:.1f} s", file=sys.stderr, flush=True)
        elif seconds > 10.0:
            print(f"{self.text}: done in {seconds:.0f} s", file=sys.stderr, flush=True)


def spec():
    """A text that changes when anything that would be installed changes."""
    what = json.dumps([WHEELS, {k: list(v) for k, v in STUBS.items()}], sort_keys=True)
    return hashlib.sha256(what.encode()).hexdigest()


def installed(target):
    try:
        with open(os.path.join(target, STAMP), encoding="utf-8") as file:
            return json.load(file).get("spec") == spec()
    except (OSError, ValueError):
        return False


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def largest_below(folder):
    """The bytes of the largest file below a folder that another process works in."""
    total = 0
    for root, _, files in os.walk(folder):
        for name in files:
            try:
                total = max(total, os.path.getsize(os.path.join(root, name)))
            except OSError:
                pass  # pip has just moved or removed it
    return total


def download(wheel, python, partial):
    """Lets pip fetch one wheel, so that its own index and proxy settings are honoured."""
    pinned = os.path.join(partial, "requirements.txt")
    with open(pinned, "w", encoding="utf-8") as file:
        file.write(f"{wheel['name']}=={wheel['version']} --hash=sha256:{wheel['sha256']}\n")
    fetched = os.path.join(partial, "fetched")
    command = [python, "-m", "pip", "download", "--quiet", "--progress-bar=off", "--no-deps",
               "--no-cache-dir", "--only-binary=:all:", "--python-version=311",
               "--implementation=cp", "--require-hashes", "--requirement", pinned,
               "--dest", fetched]
    command += [f"--platform={tag}" for tag in PLATFORMS]
    progress = Progress(f"downloading {wheel['name']} {wheel['version']}", wheel["bytes"])
    with open(os.path.join(partial, "pip.log"), "w+", encoding="utf-8") as log:
        pip = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                               env={**os.environ, "TMPDIR": partial})
        try:
            while pip.poll() is None:
                time.sleep(0.1)
                progress.at(largest_below(partial))
        finally:
            if pip.poll() is None:
                pip.terminate()
                pip.wait()
        log.seek(0)
        said = log.read().strip()
    if pip.returncode != 0:
        raise Failure(f"pip could not fetch {wheel['name']} {wheel['version']}:\n{said}")
    progress.end()
    return glob.glob(os.path.join(fetched, "*.whl"))[0]


def wheel_in_cache(wheel, cache, python):
    """The path of the wheel in the cache, with the bytes that its pin names."""
    path = os.path.join(cache, f"{wheel['name']}-{wheel['version']}-{wheel['sha256'][:16]}.whl")
    if os.path.exists(path):
        if sha256_of(path) == wheel["sha256"]:
            return path
        print(f"{path} is damaged, fetching it again", file=sys.stderr)
        os.unlink(path)
    os.makedirs(cache, exist_ok=True)
    for left_over in glob.glob(os.path.join(cache, "partial-*")):
        if time.time() - os.path.getmtime(left_over) > 24 * 3600:
            shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="partial-", dir=cache) as partial:
        fetched = download(wheel, python, partial)
        if sha256_of(fetched) != wheel["sha256"]:
            raise Failure(f"{os.path.basename(fetched)} is not the file that was pinned: "
                          f"expected sha256 {wheel['sha256']}")
        os.replace(fetched, path)
    return path


def unpack(wheel, path, folder):
    licences = os.path.join("licenses", wheel["name"])
    with zipfile.ZipFile(path) as archive:
        members = {}
        for info in archive.infolist():
            if info.is_dir():
                continue
            if info.filename.startswith(wheel["take"]):
                members[info] = info.filename
            elif ".dist-info/licenses/" in info.filename:
                members[info] = os.path.join(licences, info.filename.split("/licenses/", 1)[1])
        progress = Progress(f"unpacking {wheel['name']} {wheel['version']}",
                            sum(info.file_size for info in members))
        done = 0
        for info, name in members.items():
            target = os.path.join(folder, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with archive.open(info) as source, open(target, "wb") as out:
                while chunk := source.read(1 << 20):
                    out.write(chunk)
                    done += len(chunk)
                    progress.at(done)
        progress.end()


def make_stubs(library_folder):
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise Failure("no C compiler found (cc or gcc): it makes the empty libtorch.so")
    for name, needed in STUBS.items():
        links = [os.path.join(library_folder, library) for library in needed]
        subprocess.run(
            [compiler, "-shared", "-x", "c", "/dev/null", "-x", "none", "-nostdlib",
             f"-Wl,-soname,{name}", "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined",
             "-Wl,--disable-new-dtags,-rpath,$ORIGIN", *links,
             "-o", os.path.join(library_folder, name)],
            check=True)


def install(deps, cache, python):
    target = os.path.join(deps, f"libtorch-{VERSION}")
    if installed(target):
        return target
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise Failure(f"LibTorch is pinned for Linux on x86_64 only, this is {platform.system()} "
                      f"on {platform.machine()}: name another LibTorch with TORCH_ROOT")
    os.makedirs(deps, exist_ok=True)
    for left_over in glob.glob(os.path.join(deps, "unpacking-*")):
        shutil.rmtree(left_over)
    folder = tempfile.mkdtemp(prefix="unpacking-", dir=deps)
    os.chmod(folder, 0o755)
    try:
        for wheel in WHEELS:
            unpack(wheel, wheel_in_cache(wheel, cache, python), folder)
        make_stubs(os.path.join(folder, "torch", "lib"))
        with open(os.path.join(folder, STAMP), "w", encoding="utf-8") as file:
            json.dump({"spec": spec(), "version": VERSION}, file)
        for old in glob.glob(os.path.join(deps, "libtorch-*")):
            shutil.rmtree(old)
        os.rename(folder, target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deps", required=True, help="the folder that gets libtorch-VERSION/")
    parser.add_argument("--cache", required=True, help="where the wheels are kept")
    parser.add_argument("--python", default=sys.executable, help="a Python that has pip")
    arguments = parser.parse_args()
    # So that what is half-made goes away when the terminal closes or the machine shuts down, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    try:
        print(os.path.join(install(arguments.deps, arguments.cache, arguments.python), "torch"))
    except Failure as failure:
        print(f"libtorch.py: {failure}", file=sys.stderr)
        return 1
    except (OSError, zipfile.BadZipFile, subprocess.CalledProcessError) as error:
        print(f"libtorch.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("libtorch.py: interrupted; nothing half-made is left", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
