#!/usr/bin/env python3
"""Runs the end-to-end tests: a line per test, "N passed, N failed" at the end.

Usage: tests/e2e/run.py [--full] [--list] [PATTERN]     PATTERN is part of a test's name: "resume", "test_cli.Chat"
"""
import argparse
import os
import sys
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
MOST_RETRIED = 5  # more than that is not noise


class Printer(unittest.TestResult):
    """One line per test as it ends; the story of a failure right below it."""

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()
        self.problem = None

    def _line(self, mark, test, story=""):
        took = time.monotonic() - getattr(self, "started", time.monotonic())
        print(f"{mark:4} {test.id()}  [{took:.1f} s]{'  ' + story if story else ''}", flush=True)

    def _bad(self, test, error):
        self.failed_now = True
        self._line("FAIL", test)
        print("     " + self._exc_info_to_string(error, test).rstrip().replace("\n", "\n     "), flush=True)

    def addSuccess(self, test):
        self.passed = getattr(self, "passed", 0) + 1
        self._line("ok", test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._bad(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self._bad(test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self._bad(subtest, error)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line("skip", test, reason)


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def names_of_failed(result):
    """Each failed test once, subtests under their test's name."""
    tests = [getattr(test, "test_case", test) for test, _ in result.failures + result.errors]
    return list(dict.fromkeys(test.id() for test in tests))


def main():
    parser = argparse.ArgumentParser(description="end-to-end tests on the real binaries")
    parser.add_argument("--full", action="store_true", help="also what takes minutes")
    parser.add_argument("--list", action="store_true", help="names only")
    parser.add_argument("--retry", action="store_true", help="run up to 5 failed tests once more, and say so")
    parser.add_argument("pattern", nargs="?", default="", help="part of the test's name")
    wanted = parser.parse_args()
    if wanted.full:
        os.environ["HEARTH_TEST_FULL"] = "1"
    sys.path.insert(0, str(HERE))
    sys.dont_write_bytecode = True
    sys.stdout.reconfigure(line_buffering=True)

    found = unittest.defaultTestLoader.discover(str(HERE), pattern="test_*.py")
    tests = [test for test in flatten(found) if wanted.pattern in test.id()]
    if wanted.list:
        print("\n".join(test.id() for test in tests))
        return 0
    result = Printer()
    unittest.TestSuite(tests).run(result)
    passed = getattr(result, "passed", 0)
    failed_names = names_of_failed(result)
    if wanted.retry and 0 < len(failed_names) <= MOST_RETRIED:
        print(f"once more, as the machine may have been busy: {', '.join(failed_names)}")
        again = Printer()
        unittest.defaultTestLoader.loadTestsFromNames(failed_names).run(again)
        passed += getattr(again, "passed", 0)
        failed_names = names_of_failed(again)
    failed = len(failed_names)
    for name in failed_names:
        print(f"failed: {name}")
    print(f"{len(result.skipped)} skipped")
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
