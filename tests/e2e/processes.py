"""What /proc says about the service's processes."""
import os
import signal
import time
from pathlib import Path


def _read(path):
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def status(pid):
    """/proc/PID/status as a dictionary; empty when the process is gone."""
    fields = {}
    for line in _read(f"/proc/{pid}/status").decode(errors="replace").splitlines():
        name, _, value = line.partition(":")
        fields[name] = value.strip()
    return fields


def alive(pid):
    return status(pid).get("State", "Z")[0] not in "ZX"


def program(pid):
    """Name of the program, from its command line (the core and the launcher are told apart by their place in the tree)."""
    command = _read(f"/proc/{pid}/cmdline").split(b"\0")[0].decode(errors="replace")
    return os.path.basename(command) or status(pid).get("Name", "")


def parents():
    """{pid: parent} of everything that runs."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = status(entry)
            if fields and fields.get("State", "Z")[0] not in "ZX":
                found[int(entry)] = int(fields["PPid"])
    return found


def descendants(pid):
    tree = parents()
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        children = [child for child, its_parent in tree.items() if its_parent == parent]
        found += children
        waiting += children
    return sorted(found)


def of_folder(folder):
    """Processes whose environment names `folder`: those of one test, however they were started."""
    needle = str(folder).encode()
    mine = os.getpid()
    return [pid for pid in parents() if pid != mine and needle in _read(f"/proc/{pid}/environ")]


class Family:
    """The processes of one service, by role."""

    def __init__(self, core):
        self.core = core
        self.launcher = None
        self.fetches, self.runners, self.others = [], [], []
        tree = parents()
        for pid in descendants(core):
            name = program(pid)
            if "hearth-runner" in name:
                self.runners.append(pid)
            elif "hearth-fetch" in name:
                self.fetches.append(pid)
            elif tree.get(pid) == core and ("hearthd" in name or "launcher" in name):
                self.launcher = pid
            else:
                self.others.append(pid)

    def all(self):
        return [pid for pid in [self.core, self.launcher, *self.fetches, *self.runners, *self.others] if pid]


def pss_bytes(pid):
    """Proportional set size: shared pages are counted by share, so that the sum over processes is the real cost."""
    for line in _read(f"/proc/{pid}/smaps_rollup").decode().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def end(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def wait_until(condition, seconds, what, step=0.02):
    """The first true value of `condition()`; AssertionError after `seconds`."""
    limit = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > limit:
            raise AssertionError(f"waited {seconds:.0f} s for {what}")
        time.sleep(step)
