#!/usr/bin/env python3
"""What clients of simulated clusters were told is linearizable; and not, where records are stale.

    simulated_test.py --sim SIM_PODS --work DIRECTORY
"""
import argparse
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SEEDS = range(2001, 2011)
PLANTED = range(1, 31)  # within so many a planted bug shows


def judge(seed, *options):
    """The exit code of check.py for the clients of this seed."""
    history = ARGUMENTS.work / f"seed-{seed}.jsonl"
    command = [ARGUMENTS.sim, "--seed", str(seed), "--histories", history, *options]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    checked = subprocess.run([sys.executable, HERE / "check.py", history], capture_output=True,
                             text=True, check=False)
    return checked.returncode, checked.stdout + checked.stderr


class Simulated(unittest.TestCase):
    def test_clients_are_told_what_one_order_explains(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                code, said = judge(seed)
                self.assertEqual(code, 0, said)

    def test_stale_records_are_found(self):
        found = any(judge(seed, "--plant", "stale-records")[0] == 1 for seed in PLANTED)
        self.assertTrue(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--sim", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    ARGUMENTS, rest = parser.parse_known_args()
    ARGUMENTS.work.mkdir(parents=True, exist_ok=True)
    unittest.main(argv=[sys.argv[0], *rest])
