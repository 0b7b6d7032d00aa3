# SPDX-License-Identifier: Apache-2.0
"""The driver finds every hole, and waits for no runner for ever."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from driver.answers import RunnerFailed, answers
from driver.languages import LANGUAGES
from driver.results import Results

CASES = {("values", "text"): {}, ("values", "int"): {"elixir": "it has no ints"}}


def said(case, ok=True, **more):
    return {"file": "values", "case": case, "ok": ok, **more}


def results(*said_of_python, fails=False):
    table = Results()
    table.begin("python", CASES)
    for answer in said_of_python:
        table.add("python", answer, fails=fails)
    return table


class ResultsTest(unittest.TestCase):
    def test_all_passed_is_whole(self):
        self.assertTrue(results(said("text"), said("int")).whole())

    def test_nothing_run_is_not_whole(self):
        self.assertFalse(Results().whole())

    def test_a_case_that_failed_is_a_hole_and_its_reason_is_shown(self):
        table = results(said("text"), said("int", ok=False, detail="expected 1, got 2"))
        self.assertFalse(table.whole())
        self.assertIn("python: values, int: failed: expected 1, got 2", table.as_text(colour=False))
        self.assertIn("1 of 2", table.as_text(colour=False))

    def test_a_case_without_an_answer_is_a_hole(self):
        table = results(said("text"))
        self.assertFalse(table.whole())
        self.assertIn("python: values, int: no answer", table.as_text(colour=False))

    def test_what_a_language_did_not_come_to_is_a_hole_but_has_no_lines(self):
        table = results(said("text"))
        table.fail("python", "the runner ended with status 1")
        self.assertFalse(table.whole())
        self.assertNotIn("no answer", table.as_text(colour=False))
        self.assertIn("1 of 2", table.as_text(colour=False))

    def test_a_case_that_is_impossible_is_none_and_its_reason_is_shown(self):
        table = Results()
        table.begin("elixir", CASES)
        table.add("elixir", said("text"))
        self.assertTrue(table.whole())
        self.assertIn("impossible: it has no ints", table.as_text(colour=False))

    def test_an_answer_nobody_asked_for_or_a_second_one_is_a_failure(self):
        self.assertFalse(results(said("text"), said("int"), said("float")).whole())
        self.assertFalse(results(said("text"), said("int"), said("int")).whole())

    def test_a_wrong_case_that_passes_is_a_hole(self):
        self.assertTrue(results(said("text", ok=False), said("int", ok=False), fails=True).whole())
        self.assertFalse(results(said("text", ok=False), said("int"), fails=True).whole())

    def test_a_language_that_is_left_out_is_named(self):
        table = results(said("text"), said("int"))
        table.leave_out("go", "go is not installed")
        self.assertTrue(table.whole())
        self.assertIn("go: left out: go is not installed", table.as_text(colour=False))
        self.assertEqual(table.as_json()["left_out"], {"go": "go is not installed"})

    def test_only_a_terminal_gets_colours(self):
        table = results(said("text"), said("int"))
        self.assertNotIn("\033", table.as_text(colour=False))
        self.assertIn("\033[32m", table.as_text(colour=True))


class FakeServer:
    address = "127.0.0.1:1"

    def __init__(self):
        self.told = []

    def stop(self):
        self.told.append("stop")

    def start(self):
        self.told.append("start")


class AnswersTest(unittest.TestCase):
    def ask(self, program, seconds=60):
        self.server = FakeServer()
        command = [sys.executable, "-c", program]
        return list(answers(command, Path("cases"), self.server, seconds))

    def test_a_runner_gets_target_and_folder_and_its_answers_are_given_on(self):
        program = ("import json, sys\n"
                   "print(json.dumps({'file': sys.argv[1], 'case': sys.argv[2], 'ok': True}))")
        self.assertEqual(self.ask(program),
                         [{"file": "127.0.0.1:1", "case": "cases", "ok": True}])

    def test_a_runner_waits_until_the_server_is_stopped_and_started(self):
        program = ("for what in ('stop', 'start'):\n"
                   "    print('{\"server\": \"%s\"}' % what, flush=True)\n"
                   "    input()\n"
                   "print('{\"file\": \"f\", \"case\": \"c\", \"ok\": true}')")
        self.assertEqual(self.ask(program), [{"file": "f", "case": "c", "ok": True}])
        self.assertEqual(self.server.told, ["stop", "start"])

    def test_a_runner_that_fails_is_named_with_what_it_said(self):
        with self.assertRaisesRegex(RunnerFailed, "status 1.*no such library"):
            self.ask("import sys; sys.exit('no such library')")

    def test_a_runner_that_says_something_else_is_named(self):
        for said_instead in ("hello", '{"case": "c"}', "[]"):
            with self.assertRaisesRegex(RunnerFailed, "the runner said"):
                self.ask(f"print({said_instead!r})")

    def test_a_runner_that_does_not_end_is_ended(self):
        with self.assertRaisesRegex(RunnerFailed, "not done after 0.1 s"):
            self.ask("input()", seconds=0.1)


class LanguagesTest(unittest.TestCase):
    def missing(self, language, program=None, script=""):
        """What is missing where no program but this script is found."""
        with tempfile.TemporaryDirectory() as folder, \
                mock.patch.dict(os.environ, {"PATH": folder}):
            if program:
                path = Path(folder, program)
                path.write_text(f"#!/bin/sh\n{script}\n")
                path.chmod(0o755)
            return LANGUAGES[language].missing(Path(folder))

    def test_tools_that_are_not_there_are_missing_by_name(self):
        self.assertEqual(self.missing("go"), "go is not installed")
        self.assertEqual(self.missing("elixir"), "mix is not installed")

    def test_tools_that_do_not_take_the_runner_are_missing_with_what_they_say(self):
        for language, program in (("go", "go"), ("elixir", "mix")):
            too_old = self.missing(language, program, "echo 'needs >= 1.18' >&2; exit 1")
            self.assertEqual(too_old, "needs >= 1.18")

    def test_tools_that_take_the_runner_are_there(self):
        for language, program in (("go", "go"), ("elixir", "mix")):
            self.assertIsNone(self.missing(language, program, "echo a warning >&2"))


class CommandLineTest(unittest.TestCase):
    def run_it(self, *arguments):
        program = Path(__file__).resolve().parents[1] / "run.py"
        return subprocess.run([sys.executable, str(program), *arguments], text=True, check=False,
                              capture_output=True, timeout=60)

    def test_a_language_that_there_is_not_is_wrong_usage_and_those_there_are_are_named(self):
        done = self.run_it("perl")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no perl; there are python, cpp, go, elixir", done.stderr)

    def test_a_language_that_was_asked_for_and_is_missing_fails_by_name(self):
        with tempfile.TemporaryDirectory() as build:
            done = self.run_it("cpp", f"--build={build}", "--output=json")
        self.assertEqual(done.returncode, 1)
        seen = json.loads(done.stdout)
        self.assertFalse(seen["whole"])
        self.assertIn("is not built", seen["left_out"]["cpp"])
        self.assertIn("cpp: left out:", done.stderr)

    def test_a_server_that_does_not_start_is_a_failure(self):
        with tempfile.TemporaryDirectory() as build:
            server = Path(build, "server/torchere-server")
            server.parent.mkdir()
            server.write_text("#!/bin/sh\necho no model >&2\nexit 1\n")
            server.chmod(0o755)
            done = self.run_it("python", f"--build={build}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("python: the server did not start: no model", done.stdout)


if __name__ == "__main__":
    unittest.main()
