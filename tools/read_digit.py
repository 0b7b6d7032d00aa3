#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts torchere-server on models/, has it read a scanned digit, and shows what came of it.

What tools/demo runs once everything is built. Exit status: 0 where the answer was right (and
after Ctrl-C), 1 where it was wrong or something failed.
"""

import argparse
import ast
import glob
import json
import os
import select
import shlex
import signal
import socket
import struct
import subprocess
import sys
import time

DEFAULT_PORT = 8500
START_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0


class Failure(Exception):
    """What the person at the terminal is told."""


def read_npy(path):
    """The numbers of a little-endian float32 .npy file, in order, and its shape."""
    with open(path, "rb") as file:
        data = file.read()
    wide = data[6] > 1  # the header's length has 4 bytes from format 2 on
    start = 12 if wide else 10
    (length,) = struct.unpack("<I" if wide else "<H", data[8:start])
    header = ast.literal_eval(data[start:start + length].decode())
    if header["descr"] != "<f4" or header["fortran_order"]:
        raise Failure(f"{path}: expected row-major float32, got {header}")
    pixels = [value for (value,) in struct.iter_unpack("<f", data[start + length:])]
    return pixels, header["shape"]


def picture(pixels, width, out):
    """Lines that show pixels of 0..1, a line a row: greys on a terminal, else shades."""
    rows = [pixels[i:i + width] for i in range(0, len(pixels), width)]
    utf8 = "utf" in (out.encoding or "").lower()
    if out.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb":
        # Two spaces on a grey of the 256-colour palette are about square.
        return ["".join(f"\033[48;5;{232 + round(min(max(value, 0.0), 1.0) * 23)}m  "
                        for value in row) + "\033[0m" for row in rows]
    shades = " ░▒▓█" if utf8 else " .:=#"
    top = len(shades) - 1
    return ["".join(shades[round(min(max(value, 0.0), 1.0) * top)] * 2 for value in row)
            for row in rows]


def port_is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
    return True


class Server:
    """A torchere-server of our own; leaving the context ends it and no other."""

    def __init__(self, build, log_path):
        self.binary = os.path.join(build, "server", "torchere-server")
        self.log_path = log_path
        self.process = None
        self.address = ""

    def __enter__(self):
        return self

    def serve(self):
        """Starts it, on the default port or else a free one, and waits until it serves."""
        port = DEFAULT_PORT
        if not port_is_free(port):
            port = 0
        if not self.start(port) and port and not port_is_free(port):
            port = 0  # somebody took it in between
            self.start(port)
        if not self.address:
            raise Failure(f"{self.binary} did not start. Its log, {self.log_path}, ends:\n"
                          f"{self.last_lines()}")
        if port == 0:
            print(f"Port {DEFAULT_PORT} is in use, so this takes a free one: {self.address}")

    def start(self, port):
        """Whether it now serves, at self.address."""
        if os.path.exists(self.log_path):
            os.unlink(self.log_path)  # another demo's server may still write to that one
        with open(self.log_path, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [self.binary, "--models=models", f"--listen=127.0.0.1:{port}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                start_new_session=True)  # Ctrl-C is for this program, which then ends it
        deadline = time.monotonic() + START_LIMIT_S
        while select.select([self.process.stdout], [], [], deadline - time.monotonic())[0]:
            line = self.process.stdout.readline()
            words = line.split()
            if words[:2] == ["torchere-server", "ready"]:
                self.address = dict(word.split("=", 1) for word in words[2:])["grpc"]
                return True
            if not line:
                break
        self.stop()
        return False

    def last_lines(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-20:]).rstrip()

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __exit__(self, *_):
        self.stop()


class Client:
    """The command line client, as a person would type it."""

    def __init__(self, build, address):
        self.command = [os.path.join(build, "client", "cpp", "torchere"), f"--server={address}"]

    def show(self, *arguments):
        """Lets it print its answer."""
        sys.stdout.flush()
        self.run(arguments, None)

    def ask(self, *arguments):
        """Its answer as JSON."""
        return json.loads(self.run([*arguments, "--output=json"], subprocess.PIPE).stdout)

    def run(self, arguments, stdout):
        done = subprocess.run([*self.command, *arguments], stdout=stdout, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"{shlex.join(done.args)} ended with exit status {done.returncode}")
        return done


def sample_of(digit):
    """The path of a sample that shows a digit, and the class that it truly is."""
    found = sorted(glob.glob(f"models/digits/samples/digit_*_is_{digit}.npy"))
    if not found:
        raise Failure(f"models/digits/samples holds no digit_*_is_{digit}.npy")
    with open("models/digits/samples/expected.json", encoding="utf-8") as file:
        (true_class,) = json.load(file)[os.path.basename(found[0])]["true_class"]
    return found[0], true_class


def read_digit(client, digit):
    """Shows a digit and the server's answer; whether that was right."""
    path, true_class = sample_of(digit)
    pixels, shape = read_npy(path)
    print(f"\nA scanned digit, {path}:\n")
    for line in picture(pixels, shape[-1], sys.stdout):
        print(f"    {line.rstrip()}")
    predict = ("predict", "digits", f"--input=pixels=@{path}")
    print(f"\n$ torchere {shlex.join(predict)}\n")
    client.show(*predict)
    best = client.ask(*predict)["classes"]["probabilities"][0][0]["index"]
    right = best == true_class
    print(f"\n{'Right' if right else 'Wrong'}: it was written as a {true_class}, "
          f"the model read a {best}.")
    print("\n$ torchere status\n")
    client.show("status")
    return right


def print_next(client, address, log_path):
    wine = "models/wine/samples/wine_barolo.npy"
    torchere = shlex.join(client.command)
    python = ("import numpy, torchere; print(torchere.Client('%s').predict('wine', "
              "{'features': numpy.load('%s')}))" % (address, wine))
    print("\nIt goes on serving. In another terminal, in this folder:\n\n"
          f"  {torchere} predict wine --input=features=@{wine}\n"
          f"  {torchere} signature digits\n"
          f"  .deps/venv/bin/python -c \"{python}\"\n\n"
          f"The server's log is {log_path}. Ctrl-C ends it.", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/dev", help="where the programs were built")
    parser.add_argument("--digit", type=int, choices=range(10), default=3, metavar="0..9")
    parser.add_argument("--once", action="store_true", help="end after the answer")
    arguments = parser.parse_args()
    log_path = os.path.join(arguments.build, "demo-server.log")
    # So that the server is ended, too, when the terminal closes or something ends this program.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _: sys.exit(128 + got))
    begin = time.monotonic()
    try:
        with Server(arguments.build, log_path) as server:
            server.serve()
            print(f"torchere-server serves at {server.address}, "
                  f"{time.monotonic() - begin:.2f} s after its start.")
            client = Client(arguments.build, server.address)
            right = read_digit(client, arguments.digit)
            print(f"\nFrom the server's start to here: {time.monotonic() - begin:.2f} s.")
            if not arguments.once:
                print_next(client, server.address, log_path)
                if (status := server.process.wait()) != 0:
                    raise Failure(f"the server ended with status {status}:\n{server.last_lines()}")
            return 0 if right else 1
    except Failure as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
        return 0


if __name__ == "__main__":
    sys.exit(main())
