# SPDX-License-Identifier: Apache-2.0
"""Tests of what `peers` does beside measuring."""

import base64
import json
import os
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from suite import messages, peers, rival_server, rival_setup
from suite.rivals import FOLDERS, RIVALS

SCORES = [0.25, 0.125, 0.0625, 0.0625, 0.5, 0, 0, 0, 0, 0]
TEN_FLOATS = struct.pack("<10f", *SCORES)


class Messages(unittest.TestCase):
    def test_fields_are_written_as_protobuf_defines(self):
        # The examples of protobuf's documentation of its encoding.
        self.assertEqual(messages.varint(150), b"\x96\x01")
        self.assertEqual(messages.field(2, "testing"), b"\x12\x07testing")

    def test_every_rival_is_asked_with_the_same_row(self):
        text = base64.b64encode(messages.ROW)
        for rival in RIVALS:
            body = rival.message.body
            if rival.message is messages.KSERVE_JSON:
                self.assertEqual(json.loads(body)["inputs"][0]["data"],
                                 messages.floats(messages.ROW))
            else:
                self.assertTrue(messages.ROW in body or text in body, rival.name)

    def test_scores_are_found_behind_other_fields_of_a_message(self):
        reply = messages.field(1, "digits") + messages.field(6, TEN_FLOATS) + b"\x08\x01"
        self.assertEqual(messages.scores_in_message(reply), SCORES)

    def test_a_message_without_scores_is_an_error(self):
        with self.assertRaises(ValueError):
            messages.scores_in_message(messages.field(1, bytes(40)))

    def test_scores_are_read_from_every_form_of_reply(self):
        text = base64.b64encode(TEN_FLOATS).decode()
        for message, reply in (
                (messages.RAW, TEN_FLOATS), (messages.KSERVE_BINARY, b"{}" + TEN_FLOATS),
                (messages.KSERVE_JSON, json.dumps({"outputs": [{"data": SCORES}]})),
                (messages.LITSERVE, json.dumps({"scores": text})),
                (messages.BENTOML, json.dumps([text]))):
            self.assertEqual(message.scores(reply), SCORES)

    def test_the_length_of_a_binary_requests_head_is_told(self):
        name, length = messages.KSERVE_BINARY.headers[-1].split(": ")
        self.assertEqual(name, "Inference-Header-Content-Length")
        json.loads(messages.KSERVE_BINARY.body[:int(length)])


class SetUp(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)
        self.enterContext(mock.patch.object(rival_setup, "HOME", self.home))

    def made(self, *names):
        for name in names:
            (self.home / name).mkdir()
            (self.home / name / "made-of").write_text(rival_setup.stamp(name))

    def test_each_rival_has_a_start_and_only_pinned_packages(self):
        for folder in (*FOLDERS, rival_setup.SHARED):
            for line in rival_setup.requirements(folder).read_text().splitlines():
                self.assertRegex(line, r"^(#.*|[\w\[\],.-]+==[\w.]+)$")
        for folder in FOLDERS:
            self.assertTrue(os.access(rival_setup.PEERS / folder / "start", os.X_OK), folder)

    def test_what_is_not_installed_is_named_with_what_to_do(self):
        self.made(rival_setup.SHARED)
        self.assertIn("--setup", rival_setup.why_missing("flask"))
        self.made("flask")
        self.assertIsNone(rival_setup.why_missing("flask"))

    def test_other_requirements_ask_for_another_set_up(self):
        self.made(rival_setup.SHARED, "flask")
        (self.home / "flask/made-of").write_text("older")
        self.assertIn("--setup", rival_setup.why_missing("flask"))

    def test_what_cannot_be_installed_is_named_with_its_reason_later_too(self):
        self.made(rival_setup.SHARED)

        def fails(name, *_command):
            (self.home / name).mkdir(exist_ok=True)
            raise rival_setup.Failed("no such package")

        with mock.patch.object(rival_setup, "run_shown", fails), \
                mock.patch.object(rival_setup, "say"):
            self.assertEqual(rival_setup.set_up(["flask"]), {"flask": "no such package"})
        self.assertEqual(rival_setup.why_missing("flask"),
                         "could not be installed: no such package")

    def test_an_installation_that_fails_says_its_last_error(self):
        with self.assertRaisesRegex(rival_setup.Failed, "exit code 3: ERROR: two"):
            rival_setup.run_shown("x", "sh", "-c", "echo ERROR: one; echo ERROR: two; exit 3")


class Table(unittest.TestCase):
    def test_a_rival_that_does_not_run_keeps_its_row_with_the_reason(self):
        with tempfile.TemporaryDirectory() as home, \
                mock.patch.object(rival_setup, "HOME", Path(home)):
            row, seen = peers.measured(None, RIVALS[0], 16, SCORES, quick=True)
        self.assertEqual((row["server"], row["batch"]), (RIVALS[0].name, 16))
        self.assertIn("not installed", row["note"])
        self.assertIsNone(seen)

    def test_each_rival_is_measured_alone_and_with_batches_where_it_can(self):
        batches = {}
        for rival, batch in peers.settings():
            batches.setdefault(rival, []).append(batch)
        for rival in RIVALS:
            self.assertEqual(batches[rival], [1, peers.BATCH] if rival.batches else [1])
        self.assertEqual({rival.folder for rival, _ in peers.settings(["ray"])}, {"ray"})

    def test_a_factor_is_the_rivals_cpu_by_ours(self):
        self.assertEqual(peers.factor({"server_cpu_us": 300}, {"server_cpu_us": 60}), 5)
        self.assertIsNone(peers.factor({}, {"server_cpu_us": 60}))

    def test_scores_that_differ_are_found(self):
        self.assertTrue(peers.agree(SCORES, [score + 1e-6 for score in SCORES]))
        self.assertFalse(peers.agree(SCORES, SCORES[::-1]))
        self.assertFalse(peers.agree(SCORES, SCORES[:9]))


class Processes(unittest.TestCase):
    def started(self, script):
        process = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE,
                                   start_new_session=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(rival_server.end, process)
        return process

    def test_a_servers_children_belong_to_it_in_other_sessions_too(self):
        process = self.started("setsid sleep 1000 & echo $!; wait")
        child = int(process.stdout.readline())
        self.assertEqual(rival_server.processes_of(process.pid), sorted([process.pid, child]))

    def test_orphans_of_its_session_belong_to_it(self):
        process = self.started("(sleep 1000 & echo $!); exec sleep 1000")
        orphan = int(process.stdout.readline())
        self.assertIn(orphan, rival_server.processes_of(process.pid))

    def test_all_of_them_end_with_it(self):
        process = self.started("sleep 1000 & echo $!; wait")
        child = int(process.stdout.readline())
        rival_server.end(process)
        self.assertFalse(rival_server.is_running(child))
        self.assertIsNotNone(process.returncode)

    def test_free_ports_are_all_different(self):
        self.assertEqual(len(set(rival_server.free_ports(6))), 6)


if __name__ == "__main__":
    unittest.main()
