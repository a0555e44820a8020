"""hearth-tray on a private message bus, without a display, against the real service."""
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tray"))

import gguf_file
from harness import BIN, HearthTest, Service, seconds
from processes import wait_until

HAS_BUS = shutil.which("dbus-daemon") is not None
if HAS_BUS:
    from desk import Bus, Host, NotificationService, Tray

ECHO = '[runtime]\nbackend = "echo"\n'
UNDERSCORES = "my_tiny_q4_K_M"


class Opener:
    """Stands for xdg-open: notes what it is told to open, and with which activation token."""

    def __init__(self, folder):
        self.opened = folder / "opened"
        self.path = f"{folder}:{os.environ['PATH']}"
        program = folder / "xdg-open"
        program.write_text(f'#!/bin/sh\necho "$1 $XDG_ACTIVATION_TOKEN" >>{self.opened}\n')
        program.chmod(0o755)

    def wait(self):
        """@return what was opened, as lists of the place and, where there was one, the token"""
        wait_until(lambda: self.opened.exists() and self.opened.read_text().endswith("\n"), seconds(10), "xdg-open")
        return [line.split() for line in self.opened.read_text().splitlines()]


@unittest.skipUnless(HAS_BUS and (BIN / "hearth-tray").exists(), "there is no dbus-daemon or no hearth-tray")
class TrayTest(HearthTest):
    """A service, and for each test a bus of its own."""

    service_config = ECHO

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.name = cls.service.add_model(gguf_file.write_ballast(cls.service.home / f"{UNDERSCORES}.gguf", 300_000, seed=1))

    def setUp(self):
        super().setUp()
        self.bus = Bus()
        self.addCleanup(self.bus.stop)
        if self.service.process:
            self.service.unload_all()

    def host(self, **how):
        host = Host(self.bus, **how)
        self.addCleanup(host.close)
        return host

    def notifications(self):
        service = NotificationService(self.bus)
        self.addCleanup(service.close)
        return service

    def tray(self, service=None, **environment):
        tray = Tray(service or self.service, self.bus, environment)
        self.addCleanup(tray.end)
        return tray

    def opener(self):
        return Opener(Path(tempfile.mkdtemp(dir=self.service.home)))

    def connected(self, **how):
        """A host and a tray that is connected to the service."""
        host = self.host(**how)
        tray = self.tray()
        host.wait_for("Hearth: no model loaded")
        return host, tray

    def other_service(self, config=ECHO, **environment):
        service = Service(config, environment)
        self.addCleanup(service.destroy)
        return service

    def loaded(self):
        return self.service.loaded()
