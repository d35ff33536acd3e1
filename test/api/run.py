#!/usr/bin/env python3
"""Runs test files of this folder against the mas binary.

    run.py --mas build/bin/mas [--work DIR] [-k PATTERN] [NAME...]

NAME is a file NAME_test.py; without any, all of them run. DIR holds the daemons' data while the
tests run: on a real disk, as the store writes past the page cache.
"""
import argparse
import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import harness  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mas", required=True)
    parser.add_argument("--work", default=".")
    parser.add_argument("-k", action="append", default=None, help="only tests that match")
    parser.add_argument("-f", "--failfast", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    harness.configure(args.mas, args.work)

    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{k}*" for k in args.k] if args.k else None
    names = args.names or sorted(f.stem[: -len("_test")] for f in HERE.glob("*_test.py"))
    suite = unittest.TestSuite(loader.loadTestsFromName(name + "_test") for name in names)
    began = time.monotonic()
    result = unittest.TextTestRunner(verbosity=2, failfast=args.failfast).run(suite)
    print(f"{result.testsRun} tests took {time.monotonic() - began:.1f} s")
    return 0 if result.wasSuccessful() and result.testsRun > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
