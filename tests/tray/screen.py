"""A display for the real panels: an X server and a message bus of their own, and what the panel on it knows of the tray."""
import os
import shlex
import subprocess
from pathlib import Path

from desk import MENU, MENU_PATH, WATCHER, WATCHER_PATH, Bus, Node
from processes import wait_until

WIDTH, HEIGHT = 900, 520
AWAY = (600, 400)  # where the mouse is over nothing


class Screen:
    """`prefix` is where the tray's icons are installed. `panel` puts itself, and what it needs, on the screen when that is opened."""

    def __init__(self, panel, home, prefix):
        self.panel, self.home, self.processes, self.buses = panel, home, [], []
        self.config, self.runtime, self.logs = home / "config", home / "runtime", home / "logs"
        self.bare = home / "bare.png"  # the picture before the panel
        self.desk = None
        self.config.mkdir()
        self.logs.mkdir()
        self.runtime.mkdir(mode=0o700)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CONFIG_HOME": str(self.config), "LANG": "C.UTF-8",
                            "XDG_RUNTIME_DIR": str(self.runtime), "NO_AT_BRIDGE": "1", "GTK_A11Y": "none", "QT_QPA_PLATFORMTHEME": "",
                            "XDG_DATA_DIRS": f"{prefix}/share:/usr/local/share:/usr/share"}

    def open(self):
        """Until the panel has told the message bus that it shows icons."""
        read, write = os.pipe()
        self.start(["Xvfb", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"], pass_fds=(write,))
        os.close(write)
        with os.fdopen(read) as numbers:
            self.environment["DISPLAY"] = f":{numbers.readline().strip()}"
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = self.add_bus().address
        self.desk = self.buses[0].connect()
        self.move_mouse(AWAY)
        self.panel.open(self)
        wait_until(lambda: self.desk.owner(WATCHER), 60, f"{self.panel.name} to show icons")

    # ---- programs

    def add_bus(self):
        self.buses.append(Bus())
        return self.buses[-1]

    def start(self, command, environment=None, **more):
        with open(self.logs / f"{Path(command[0]).name}.log", "ab") as log:
            self.processes.append(subprocess.Popen(command, env=environment or self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                                   stderr=log, **more))
        return self.processes[-1]

    def start_openbox(self):
        """A window that comes up while the window manager takes over may be lost, and stay unseen: here it has done so."""
        done = self.home / "openbox-is-up"
        self.start(["openbox", "--sm-disable", "--startup", f"touch {shlex.quote(str(done))}"])
        wait_until(done.exists, 60, "openbox")

    def start_panel(self, *command):
        self.shot(self.bare)
        self.start(command)

    def run(self, *command):
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout

    def end(self):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for bus in self.buses:
            bus.stop()

    # ---- eyes and hands

    def shot(self, path):
        self.run("import", "-window", "root", str(path))

    def move_mouse(self, place):
        self.run("xdotool", "mousemove", *map(str, place))

    def mouse(self):
        """Where it is."""
        found = dict(line.split("=") for line in self.run("xdotool", "getmouselocation", "--shell").split())
        return int(found["X"]), int(found["Y"])

    def click(self, place, button):
        self.move_mouse(place)
        self.run("xdotool", "click", str(button))

    def keys(self, *names):
        self.run("xdotool", "key", *names)

    # ---- the icon and its menu, as the message bus has them

    def item(self):
        """The tray's name on the bus. None: the panel has no icon."""
        items = self.desk.get(WATCHER, WATCHER_PATH, WATCHER, "RegisteredStatusNotifierItems")
        return items[0].split("/")[0].split("@")[0] if items else None

    def labels(self):
        _, tree = self.desk.call(self.item(), MENU_PATH, MENU, "GetLayout", "iias", 0, -1, [])
        return [node.shown for node in Node(tree).all()]

    def wait_for(self, label):
        wait_until(lambda: any(shown.startswith(label) for shown in self.labels()), 60, f"{label!r} in the menu")
