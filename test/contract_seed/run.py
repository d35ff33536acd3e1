#!/usr/bin/env python3
"""Plays the recorded client of the predecessor against real daemons. See README.md.

    run.py --mas FILE --work DIR lone|three|frozen
"""
import argparse
import hashlib
import json
import os
import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("api", "cluster"):
    sys.path.insert(0, str(HERE.parent / folder))

import harness  # noqa: E402
import pods  # noqa: E402
from player import Mismatch, Player  # noqa: E402

LIBFAKETIME = "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1".format(os.uname().machine)
# What stands in SHA256SUMS since 0.1.0: its first lines, and the sum over them.
FIRST_LINES = 35
FIRST_SUM = "1837456984f848b721abe82e2b5a3a036fb7be94f61b66ea800fb77712a36f0f"


def checks():
    return [json.loads(file.read_text()) for file in sorted((HERE / "checks").glob("*.json"))]


class FrozenTest(unittest.TestCase):
    def test_no_recorded_file_was_edited(self):
        lines = (HERE / "SHA256SUMS").read_text().splitlines(keepends=True)
        first = hashlib.sha256("".join(lines[:FIRST_LINES]).encode()).hexdigest()
        self.assertEqual(first, FIRST_SUM, "SHA256SUMS: lines that stand there may not change")
        listed = dict(reversed(line.split()) for line in lines)
        self.assertEqual(len(listed), len(lines), "a file is listed twice")
        present = {"player.py", *(f"checks/{file.name}" for file in (HERE / "checks").iterdir())}
        self.assertEqual(set(listed), present)
        for name, digest in listed.items():
            self.assertEqual(hashlib.sha256((HERE / name).read_bytes()).hexdigest(), digest,
                             f"{name} is frozen; see README.md")


class SeedTest(unittest.TestCase):
    advance = None

    def play_all(self, addresses, system):
        played = 0
        for check in checks():
            if check.get("needs") == "clock" and self.advance is None:
                continue
            with self.subTest(check["name"]):
                Player(check, addresses, system, self.advance).play()
            played += 1
        self.assertGreaterEqual(played, 33)

    def check_notices(self, addresses, system):
        """The player does not let everything pass."""
        check = next(check for check in checks() if check["name"].startswith("05_"))
        for change in (lambda answer: answer.update(status=201),
                       lambda answer: answer["json"].update(msg="fine"),
                       lambda answer: answer["json"]["data"].pop("server_ip"),
                       lambda answer: answer["headers"].update({"Mas-Durable": "9/9"})):
            spoiled = json.loads(json.dumps(check))
            change(spoiled["steps"][1]["answer"])
            with self.assertRaises(Mismatch):
                Player(spoiled, addresses, system, self.advance).play()


class LoneTest(SeedTest):
    def setUp(self):
        clock = pathlib.Path(harness.WORK) / "contract-seed-clock"
        clock.write_text("+0")
        faked = {"LD_PRELOAD": LIBFAKETIME, "FAKETIME_TIMESTAMP_FILE": str(clock),
                 "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.assertTrue(os.path.exists(LIBFAKETIME), "install the package faketime")
        os.environ.update(faked)
        self.addCleanup(lambda: [os.environ.pop(name, None) for name in faked])
        self.mas = harness.Daemon()
        for name in faked:
            os.environ.pop(name)
        self.addCleanup(self.mas.close)
        self.moved = 0

        def advance(seconds):
            self.moved += seconds
            clock.write_text(f"+{self.moved}")
        self.advance = advance

    def test_against_a_pod_alone(self):
        where = [f"{self.mas.host}:{self.mas.port}"], self.mas.system
        self.play_all(*where)
        self.check_notices(*where)


class ThreeTest(SeedTest):
    def test_against_three_pods_in_turn(self):
        mas = pods.Cluster()
        self.addCleanup(mas.close)
        mas.up(3)
        system = pathlib.Path(mas.facts["system_token_file"]).read_text().strip()
        self.play_all([pod["api"] for pod in mas.pods], system)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mas", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("which", choices=("lone", "three", "frozen"))
    args = parser.parse_args()
    harness.configure(args.mas, args.work)
    pods.MAS, pods.WORK = harness.BINARY, harness.WORK
    suite = unittest.TestLoader().loadTestsFromTestCase(
        {"lone": LoneTest, "three": ThreeTest, "frozen": FrozenTest}[args.which])
    began = time.monotonic()
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    print(f"{result.testsRun} tests took {time.monotonic() - began:.1f} s")
    return 0 if result.wasSuccessful() and result.testsRun > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
