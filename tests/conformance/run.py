# SPDX-License-Identifier: Apache-2.0
"""Lets each client library run the conformance cases against the real server; says what failed.

What tools/conformance runs once everything is built; README.md says what cases and runners are.
Exit status: 0 where every language named, or without a name every one whose tools are there, passed
every case that is possible for it; else 1; 2 for wrong usage.
"""

import argparse
import json
import signal
import sys
from pathlib import Path

from driver.answers import RunnerFailed, answers
from driver.languages import LANGUAGES, NotBuilt
from driver.results import Results
from driver.server import Server, ServerFailed

HERE = Path(__file__).resolve().parent


def language(name):
    """An argument that names a language."""
    if name not in LANGUAGES:
        raise argparse.ArgumentTypeError(f"no {name}; there are {', '.join(LANGUAGES)}")
    return name


def parse():
    parser = argparse.ArgumentParser(
        prog="tools/conformance", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("languages", nargs="*", metavar="LANG", type=language,
                        help=f"{', '.join(LANGUAGES)}; none: all whose tools are there")
    parser.add_argument("--build", type=Path, default=Path("build/dev"), metavar="DIR",
                        help="where the programs were built (default: build/dev)")
    parser.add_argument("--output", choices=("text", "json"), default="text",
                        help="json: for programs (default: text)")
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS",
                        help="how long a runner may take (default: 300)")
    return parser.parse_args()


def read_cases(folder):
    """{(file, case): {language: why it is impossible}}, in the order in which they run."""
    return {(path.stem, case["name"]): case.get("impossible", {})
            for path in sorted(folder.glob("*.json"))
            for case in json.loads(path.read_text())["cases"]}


def say(text, stays=True):
    """On standard error. What does not stay is for a terminal, where a line is redrawn."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}" + "\n" * stays)
    elif stays:
        sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def run_language(name, arguments, results):
    """Runs the cases, and then those that are wrong on purpose, on a server of its own."""
    build = arguments.build.resolve()
    command = LANGUAGES[name].prepare(build)
    for folder in (HERE / "cases", HERE / "wrong"):
        cases = read_cases(folder)
        results.begin(name, cases)
        with Server(build / "server/torchere-server", HERE / "models") as server:
            for number, answer in enumerate(answers(command, folder, server, arguments.timeout), 1):
                say(f"{name}: {number} of {len(cases)}: {answer['file']}, {answer['case']}",
                    stays=False)
                results.add(name, answer, fails=folder.name == "wrong")


def run_all(arguments):
    results = Results()
    for name in arguments.languages or LANGUAGES:
        missing = LANGUAGES[name].missing(arguments.build.resolve())
        if missing:
            results.leave_out(name, missing)
            if arguments.languages:
                results.fail(name, missing)
            say(f"{name}: left out: {missing}")
            continue
        say(f"{name}: running", stays=not sys.stderr.isatty())
        try:
            run_language(name, arguments, results)
        except (NotBuilt, RunnerFailed, ServerFailed) as failure:
            results.fail(name, str(failure))
        say(f"{name}: {results.summary(name)}")
    return results


def end(number, _frame):
    """By an exception, so that what was started is ended too."""
    sys.exit(128 + number)


def main():
    arguments = parse()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    results = run_all(arguments)
    if arguments.output == "json":
        print(json.dumps(results.as_json(), ensure_ascii=False, indent=1))
    else:
        print(results.as_text(colour=sys.stdout.isatty()))
    return 0 if results.whole() else 1


if __name__ == "__main__":
    sys.exit(main())
