"""A desktop without a display: a private message bus, a tray host, a notification service and hearth-tray itself."""
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import dbus_wire
from dbus_wire import BusError, Variant
from harness import BIN, SANITIZER_REPORT, seconds
from processes import wait_until

WATCHER, WATCHER_PATH = "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"
ITEM, ITEM_PATH = "org.kde.StatusNotifierItem", "/StatusNotifierItem"
MENU, MENU_PATH = "com.canonical.dbusmenu", "/StatusNotifierItem/Menu"
NOTIFICATIONS, NOTIFICATIONS_PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"

# Like a session bus, without services that would start by themselves.
BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
"""


def listens(path):
    """Whether a program takes connections there: a socket's file is there a moment before."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


class Bus:
    """A message bus of its own, in a folder of its own."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="hearth-bus-"))
        self.address = f"unix:path={self.folder}/bus"
        config = self.folder / "bus.conf"
        config.write_text(BUS_CONFIG.format(path=f"{self.folder}/bus"))
        self.process = subprocess.Popen(["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"], stdin=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_until(lambda: listens(self.folder / "bus"), seconds(10), "the message bus")

    def connect(self):
        return dbus_wire.Connection(self.address, timeout=seconds(20))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Host:
    """A panel that shows icons: the watcher and what a panel asks of an item. `forgetful`: drops so many registrations."""

    def __init__(self, bus, forgetful=0, gnome=False):
        self.connection = bus.connect()
        self.items, self.asked, self.forgetful = [], [], forgetful
        self.connection.serve(WATCHER_PATH, self._watcher)
        self.connection.listen("type='signal',interface='com.canonical.dbusmenu'")
        self.connection.listen("type='signal',interface='org.kde.StatusNotifierItem'")
        if gnome:
            assert self.connection.request_name("org.gnome.Shell")
        assert self.connection.request_name(WATCHER)

    def close(self):
        self.connection.close()

    def _watcher(self, call):
        if call.member == "RegisterStatusNotifierItem":
            self.asked.append(call.body[0])
            if self.forgetful > 0:
                self.forgetful -= 1
            else:
                self.items.append(call.body[0])
            return ("",)
        if call.member == "Get" and call.body[1] == "RegisteredStatusNotifierItems":
            return "v", Variant("as", [f"{item}{ITEM_PATH}" for item in self.items])
        raise BusError("org.freedesktop.DBus.Error.UnknownMethod", call.member)

    # ---- the item

    @property
    def item(self):
        """The bus name of the only item, once it is there."""
        wait_until(lambda: self.items, seconds(10), "an icon")
        return self.items[-1]

    def property(self, name):
        return self.connection.get(self.item, ITEM_PATH, ITEM, name)

    def tell_item(self, member, signature="", *body):
        return self.connection.call(self.item, ITEM_PATH, ITEM, member, signature, *body)

    def offer_token(self, token):
        """As GNOME does with a click in the menu: the click follows at once. @return for `token_answer`"""
        return self.connection.ask(self.item, ITEM_PATH, ITEM, "ProvideXdgActivationToken", "s", token)

    def token_answer(self, asked):
        """@raise BusError when the item gives the token back"""
        return self.connection.answer(asked)

    # ---- the menu

    def ask_menu(self, member, signature, *body):
        return self.connection.call(self.item, MENU_PATH, MENU, member, signature, *body)

    def layout(self, parent=0, depth=-1, names=()):
        """@return (revision, Node)"""
        revision, tree = self.ask_menu("GetLayout", "iias", parent, depth, list(names))
        return revision, Node(tree)

    def menu(self):
        return self.layout()[1]

    def find(self, label):
        """The item of that label, or whose label starts so: first of the menu, then of what is below. None: there is none."""
        return next((node for node in self.menu().all() if node.shown.startswith(label)), None)

    def wait_for(self, label, deadline=10):
        return wait_until(lambda: self.find(label), seconds(deadline), f"the item {label!r}")

    def wait_gone(self, label, deadline=10):
        wait_until(lambda: self.find(label) is None, seconds(deadline), f"the item {label!r} to go")

    def menu_label(self, number):
        """Of one item; empty when it is gone."""
        try:
            return self.ask_menu("GetProperty", "is", number, "label")[0]
        except BusError:
            return ""

    def click(self, item):
        number = item.id if isinstance(item, Node) else item
        self.ask_menu("Event", "isvu", number, "clicked", Variant("s", ""), 0)

    def choose(self, label):
        self.click(self.wait_for(label))

    # ---- signals

    def forget_signals(self):
        while not self.connection.signals.empty():
            self.connection.signals.get()

    def signals(self, member):
        """Those that have come, in order; others are dropped."""
        found = []
        while not self.connection.signals.empty():
            message = self.connection.signals.get()
            if message.member == member:
                found.append(message)
        return found


class Node:
    """An item of a layout."""

    def __init__(self, tree):
        self.id, self.properties, children = tree
        self.children = [Node(child) for child in children]

    @property
    def label(self):
        return self.properties.get("label", "")

    @property
    def shown(self):
        """As a host that follows the specification shows it."""
        return self.label.replace("__", "\0").replace("_", "").replace("\0", "_")

    def all(self):
        yield self
        for child in self.children:
            yield from child.all()


class NotificationService:
    def __init__(self, bus):
        self.connection, self.shown = bus.connect(), []
        self.connection.serve(NOTIFICATIONS_PATH, self._notify)
        assert self.connection.request_name(NOTIFICATIONS)

    def close(self):
        self.connection.close()

    def _notify(self, call):
        names = ("app", "replaces", "icon", "summary", "body", "actions", "hints", "expires")
        self.shown.append(dict(zip(names, call.body, strict=True)))
        return "u", len(self.shown)

    def wait_for(self, summary):
        found = lambda: next((notice for notice in self.shown if notice["summary"].startswith(summary)), None)  # noqa: E731
        return wait_until(found, seconds(20), f"the notification {summary!r}, among {[notice['summary'] for notice in self.shown]}")


class Tray:
    """hearth-tray as a user of a service's folders, on a bus."""

    def __init__(self, service, bus, environment=None):
        self.log = service.home / f"tray-{time.monotonic_ns()}.log"
        self.environment = service.environment | {"DBUS_SESSION_BUS_ADDRESS": bus.address} | (environment or {})
        self.environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "")  # it does not lock itself: leaks are looked for
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([BIN / "hearth-tray"], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=service.home)

    @property
    def pid(self):
        return self.process.pid

    def wait_end(self):
        """@return the exit code"""
        return self.process.wait(seconds(20))

    def text(self):
        return self.log.read_text(errors="replace")

    def end(self):
        """SIGTERM where it runs. @raise AssertionError when it ended badly, or a sanitizer complains"""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.wait_end()
        text = self.text()
        if code != 0 or SANITIZER_REPORT.search(text):
            raise AssertionError(f"hearth-tray ended with {code}:\n{text[-6000:]}")
