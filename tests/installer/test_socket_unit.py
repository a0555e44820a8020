"""What installer/systemd/hearthd.socket does before systemd binds, which unlinks whatever lies there: the same commands, as a shell would run
them. tests/installer/boot tries them under a real systemd."""
import http.server
import os
import shlex
import socketserver
import subprocess
import sys
import threading
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from harness import BIN, DONE, Service, seconds  # noqa: E402


def before_binding(folder):
    """What the unit runs before it binds, in the environment that a user's systemd gives. @param folder  %t. @return CompletedProcess"""
    lines = (ROOT / "installer/systemd/hearthd.socket.in").read_text().replace("%t", str(folder)).replace("@HEARTH@", str(BIN / "hearth")).splitlines()
    values = [line.partition("=")[2] for line in lines if line.startswith("Environment=")]
    commands = [line.partition("=")[2] for line in lines if line.startswith("ExecStartPre=")]
    assert len(commands) == 1, commands
    environment = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "PATH": os.environ["PATH"]} | dict(value.split("=", 1) for value in values)
    return subprocess.run(shlex.split(commands[0]), env=environment, capture_output=True, text=True, timeout=seconds(90))


class Refusing(http.server.BaseHTTPRequestHandler):
    """A service that answers, and not what it is asked."""

    def do_GET(self):
        self.send_error(503)

    def address_string(self):
        return "a client"

    def log_message(self, *_):
        pass


class SocketUnit(unittest.TestCase):
    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.destroy)
        (self.service.home / "hearth").symlink_to(self.service.home / "run")
        self.socket = self.service.home / "run/api.sock"

    def before_binding(self):
        return before_binding(self.service.home)

    def test_a_service_that_runs_by_itself_has_ended_before_systemd_binds(self):
        daemon = self.service.start().process
        result = self.before_binding()
        self.assertEqual((result.returncode, result.stdout, result.stderr), (DONE, "", ""))
        self.assertEqual(daemon.wait(seconds(5)), 0, "it was asked, not killed")
        self.assertFalse(self.socket.exists())

    def test_where_nobody_listens_there_is_nothing_to_do(self):
        self.assertEqual(self.before_binding().returncode, DONE)
        self.assertFalse(self.socket.exists(), "and it starts none")

    def test_what_does_not_leave_keeps_its_socket(self):
        self.socket.parent.mkdir(mode=0o700)
        with socketserver.ThreadingUnixStreamServer(str(self.socket), Refusing) as other:
            threading.Thread(target=other.serve_forever, daemon=True).start()
            result = self.before_binding()
            other.shutdown()
        self.assertNotEqual(result.returncode, DONE, "systemd binds when this succeeds")
        self.assertTrue(self.socket.exists())


if __name__ == "__main__":
    unittest.main()
