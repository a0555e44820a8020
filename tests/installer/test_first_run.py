"""installer/first_run, the end of quickstart, on a Hearth installed from this build: a new user, and whatever an older service left."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from harness import BIN, HAS_LLAMA, seconds  # noqa: E402


def install(prefix):
    subprocess.run(["cmake", "--install", BIN.parent, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)


@unittest.skipUnless(HAS_LLAMA, "Ember is run by llama.cpp")
class FirstRun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="hearth-first-run-")
        cls.addClassCleanup(folder.cleanup)
        cls.prefix = Path(folder.name) / "installed"
        install(cls.prefix)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-home-")
        self.addCleanup(folder.cleanup)
        # Nothing of the caller's: neither a service of theirs, nor a place that they named.
        self.environment = {"HOME": folder.name, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        self.addCleanup(self.stop, signal.SIGTERM)

    def first_run(self, prefix=None):
        result = subprocess.run([ROOT / "installer/first_run", prefix or self.prefix], env=self.environment, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=seconds(60))
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("is running", result.stdout)
        answer = result.stdout.split('"How do I get a model?"\n')[1]
        self.assertIn("hearth pull", answer)
        return result.stdout

    def pid(self):
        result = subprocess.run([self.prefix / "bin/hearth", "status", "--json"], env=self.environment, capture_output=True, text=True)
        return (json.loads(result.stdout)["service"] or {}).get("pid")

    def stop(self, how):
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, how)
        deadline = time.monotonic() + seconds(20)
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.02)  # it is not a child of ours: there is nothing to wait on

    def test_starts_the_service_of_a_new_user_and_keeps_it_the_second_time(self):
        self.first_run()
        service = self.pid()
        self.assertNotIn("restarting", self.first_run())
        self.assertEqual(self.pid(), service)

    def test_starts_a_service_where_a_killed_one_left_its_socket(self):
        self.first_run()
        killed = self.pid()
        self.stop(signal.SIGKILL)
        self.first_run()
        self.assertNotEqual(self.pid(), killed)

    def test_replaces_a_service_that_runs_another_program(self):
        self.first_run()
        with tempfile.TemporaryDirectory(prefix="hearth-first-run-") as other:
            install(other)
            self.assertIn("restarting the running service", self.first_run(other))
            self.assertEqual(os.readlink(f"/proc/{self.pid()}/exe"), f"{other}/bin/hearthd")
            self.stop(signal.SIGTERM)
