#!/usr/bin/env python3
"""The checker finds every planted wrong history, passes the right ones, and refuses what is none."""
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent


def check(*arguments):
    return subprocess.run([sys.executable, HERE / "check.py", *map(str, arguments)],
                          capture_output=True, text=True, check=False)


def histories(kind):
    found = sorted((HERE / "histories" / kind).glob("*.jsonl"))
    assert len(found) > 5, kind
    return found


class CheckerTest(unittest.TestCase):
    def test_right_histories_pass(self):
        done = check("--stale", "5s", *histories("right"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_planted_wrong_history_is_found(self):
        for history in histories("wrong"):
            done = check("--stale", "5s", history)
            self.assertEqual(done.returncode, 1, f"{history}: {done.stdout}{done.stderr}")
            self.assertIn(" 1 files not linearizable", done.stdout)
        done = check("--stale", "5s", *histories("right"), *histories("wrong"))
        self.assertEqual(done.returncode, 1)

    def test_without_kept_records_what_they_explain_is_wrong(self):
        history = "another_pod_answers_from_a_record_of_before_the_delete"
        done = check(HERE / "histories" / "right" / f"{history}.jsonl")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)

    def test_what_is_no_history_is_refused(self):
        for history in histories("malformed"):
            done = check(history)
            self.assertEqual(done.returncode, 2, f"{history}: {done.stdout}{done.stderr}")
        self.assertEqual(check().returncode, 2)
        self.assertEqual(check(HERE / "nothing.jsonl").returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
