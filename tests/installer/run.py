#!/usr/bin/env python3
"""Runs the tests of what is installed: a line per test, "N passed, N failed" at the end.

Usage: tests/installer/run.py [PATTERN]      HEARTH_BIN_DIR is where the binaries are (default: build/dev/bin)
"""
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Printer(unittest.TextTestResult):
    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def main():
    loader = unittest.TestLoader()
    if len(sys.argv) > 1:
        loader.testNamePatterns = [f"*{sys.argv[1]}*"]
    suite = loader.discover(str(HERE), pattern="test_*.py")
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Printer).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"{result.passed} passed, {failed} failed")
    return 1 if failed or not result.passed else 0


if __name__ == "__main__":
    sys.exit(main())
