#!/usr/bin/env python3
"""The tray at rest, with a panel that has read its icon and menu: memory (RSS) and how often it wakes in a minute, by voluntary context
switches of all its threads; connected to an idle service, and where no service runs. Targets: 10 MB, 4 wake-ups a minute."""
import sys
import time
from pathlib import Path

from measure import ROOT, report, rounded

sys.path.insert(0, str(ROOT / "tests/tray"))

import processes
from desk import ITEM_PATH, Bus, Host, Tray
from harness import Service

TARGET_MB, TARGET_WAKE_UPS, SECONDS = 10, 4, 60


def resident_mb(pid):
    return int(processes.status(pid)["VmRSS"].split()[0]) * 1024 / 1e6


def wake_ups(pid):
    count = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        lines = (task / "status").read_text().splitlines()
        count += next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
    return count


class Resting:
    """A tray that a panel has read."""

    def __init__(self, service, headline):
        self.bus = Bus()
        self.host = Host(self.bus)
        self.tray = Tray(service, self.bus)
        self.host.wait_for(headline)
        self.host.property("IconPixmap")
        self.host.connection.call(self.host.item, ITEM_PATH, "org.freedesktop.DBus.Properties", "GetAll", "s", "org.kde.StatusNotifierItem")

    def end(self):
        self.tray.end()
        self.host.close()
        self.bus.stop()


def measure(resting):
    """After what the start and the panel's questions set off has settled."""
    time.sleep(20)
    before = [wake_ups(one.tray.pid) for one in resting]
    time.sleep(SECONDS)
    woken = [wake_ups(one.tray.pid) - earlier for one, earlier in zip(resting, before)]
    return woken, [resident_mb(one.tray.pid) for one in resting]


def main():
    service, nowhere = Service('[runtime]\nbackend = "echo"\n').start(), Service()
    resting = []
    try:
        service.client.post("/hearth/v1/load", {"model": "m", "backend": "echo", "stream": False, "keep_alive": -1})
        resting = [Resting(service, "Hearth: 1 model loaded"), Resting(nowhere, "Hearth: service not running")]
        woken, memory = measure(resting)
    finally:
        for one in resting:
            one.end()
        service.destroy()
        nowhere.destroy()
    return report("tray", max(memory), None, "MB RSS", 1, max(memory) <= TARGET_MB and max(woken) <= TARGET_WAKE_UPS, target=f"<= {TARGET_MB} MB",
                  connected_mb=rounded(memory[0]), without_service_mb=rounded(memory[1]), wake_ups_per_minute=woken[0],
                  wake_ups_per_minute_without_service=woken[1], wake_ups_target=f"<= {TARGET_WAKE_UPS}")


if __name__ == "__main__":
    sys.exit(main())
