"""`hearth backend install` and a signal that comes while npm is at work."""
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from harness import BIN, INTERRUPTED, Service, seconds  # noqa: E402
from processes import wait_until  # noqa: E402


class Stopped(unittest.TestCase):
    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.destroy)
        self.mark = self.service.home / "npm-runs"
        programs = self.service.home / "programs"
        programs.mkdir()
        (programs / "npm").write_text(f"#!/bin/sh\necho $$ >'{self.mark}.new' && mv '{self.mark}.new' '{self.mark}'\nexec sleep 1000\n")
        (programs / "npm").chmod(0o700)
        self.environment = self.service.environment | {"HEARTH_BACKEND_SCOPE": "@hearth-test", "PATH": f"{programs}:{os.environ['PATH']}"}

    def check(self, number):
        """The signal goes to the command alone, as kill(1) sends it; Ctrl-C would go to npm too."""
        with subprocess.Popen([BIN / "hearth", "backend", "install", "parrot"], env=self.environment, cwd=self.service.home,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as command:
            self.addCleanup(command.kill)
            wait_until(self.mark.exists, seconds(20), "npm")
            npm = int(self.mark.read_text())
            command.send_signal(number)
            self.assertEqual(command.wait(seconds(20)), INTERRUPTED, command.stderr.read())
        self.assertFalse(Path(f"/proc/{npm}").exists(), "npm goes with it")
        self.assertEqual(list((self.service.home / "data/plugins").iterdir()), [])

    def test_sigterm_ends_it(self):
        self.check(signal.SIGTERM)

    def test_sigint_ends_it(self):
        self.check(signal.SIGINT)


if __name__ == "__main__":
    unittest.main()
