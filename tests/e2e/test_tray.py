"""hearth-tray on a private message bus, without a display, against the real service: registration, the menu, what is told to
panels and how, actions, and each trap that tray icons on Linux are known for."""
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tray"))

import gguf_file
import models
from harness import BIN, HearthTest, Service, needs_llama, seconds
from processes import wait_until
from sources import Origin

HAS_BUS = shutil.which("dbus-daemon") is not None
if HAS_BUS:
    from desk import ITEM_PATH, MENU_PATH, Bus, Host, NotificationService, Tray
    from dbus_wire import BusError, Variant

ECHO = '[runtime]\nbackend = "echo"\n'
UNDERSCORES = "my_tiny_q4_K_M"


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


class Registration(TrayTest):
    def test_by_its_unique_name(self):
        """Trap 2: a well-known name is looked up too early by some hosts."""
        host, _ = self.connected()
        self.assertRegex(host.item, r"^:\d+\.\d+$")
        self.assertEqual(host.asked, [host.item])

    def test_again_when_the_host_lost_it(self):
        """Trap 2: GNOME's extension drops some registrations."""
        host = self.host(forgetful=2)
        self.tray()
        host.wait_for("Hearth:")
        self.assertEqual(len(host.asked), 3)

    def test_when_the_panel_comes_late(self):
        """Trap 3: the tray often starts before the panel."""
        tray = self.tray()
        watching = self.bus.connect()
        self.addCleanup(watching.close)
        self.eventually(lambda: watching.owner("org.hearth.Tray"), what="the tray to run")
        host = self.host()
        host.wait_for("Hearth: no model loaded")
        self.assertIsNone(tray.process.poll())

    def test_again_when_the_panel_restarts(self):
        """Trap 3."""
        host, _ = self.connected()
        first = host.item
        for _ in range(3):
            host.close()
            host = self.host()
            host.wait_for("Hearth: no model loaded")
            self.assertEqual(host.item, first, "the same program, the same connection")

    def test_only_one_tray(self):
        """Trap 11."""
        host, _ = self.connected()
        second = Tray(self.service, self.bus)
        self.assertEqual(second.wait_end(), 0)
        self.assertEqual(len(host.items), 1)

    def test_ends_with_the_session(self):
        _, tray = self.connected()
        self.bus.stop()
        tray.process.wait(seconds(20))
        tray.process.returncode = 0  # how it ends without a bus is its own affair

    def test_says_so_without_a_session(self):
        result = subprocess.run([BIN / "hearth-tray"], env=self.service.environment | {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"},
                                capture_output=True, text=True, timeout=seconds(20))
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("desktop session", result.stderr)


class Item(TrayTest):
    def test_has_what_hosts_demand(self):
        """Traps 6 and 7: GNOME drops items without Id or Menu and reads IconAccessibleDesc; a name and pixels."""
        host, _ = self.connected()
        self.assertEqual(host.property("Id"), "hearth")
        self.assertEqual(host.property("Menu"), MENU_PATH)
        self.assertEqual(host.property("Category"), "ApplicationStatus")
        self.assertEqual(host.property("Status"), "Active")
        self.assertIs(host.property("ItemIsMenu"), True)
        for name in ("Title", "IconAccessibleDesc", "AttentionAccessibleDesc"):
            self.assertEqual(host.property(name), "Hearth: no model loaded")
        sizes = [(width, height, len(pixels)) for width, height, pixels in host.property("IconPixmap")]
        self.assertEqual(sizes, [(size, size, 4 * size * size) for size in (22, 32, 48)])
        self.assertEqual(host.property("ToolTip")[2], "Hearth: no model loaded")
        everything = host.connection.call(host.item, ITEM_PATH, "org.freedesktop.DBus.Properties", "GetAll", "s", "org.kde.StatusNotifierItem")[0]
        self.assertLessEqual({"IconName", "IconThemePath", "OverlayIconName", "AttentionIconName", "WindowId"}, set(everything))

    def test_names_an_icon_where_it_is_installed(self):
        """Trap 7."""
        prefix = self.service.home / "prefix"
        icons = prefix / "share/icons/hicolor/scalable/apps"
        icons.mkdir(parents=True)
        (prefix / "bin").mkdir()
        for icon in (Path(__file__).resolve().parents[2] / "tray/icons").glob("*.svg"):
            shutil.copy(icon, icons)
        shutil.copy(BIN / "hearth-tray", prefix / "bin")
        host = self.host()
        tray = subprocess.Popen([prefix / "bin/hearth-tray"], env=self.service.environment | {"DBUS_SESSION_BUS_ADDRESS": self.bus.address})
        self.addCleanup(tray.wait)
        self.addCleanup(tray.terminate)
        host.wait_for("Hearth: no model loaded")
        self.assertEqual(host.property("IconName"), "hearth-tray-idle")
        self.assertEqual(host.property("IconThemePath"), str(prefix / "share/icons"))
        self.assertTrue((icons / (host.property("IconName") + ".svg")).exists())

    def test_gets_another_icon_when_a_model_is_loaded(self):
        host, _ = self.connected()
        before = host.property("IconPixmap")
        host.forget_signals()
        self.client.post("/hearth/v1/load", {"model": self.name, "stream": False})
        host.wait_for("Hearth: 1 model loaded")
        self.assertNotEqual(host.property("IconPixmap"), before)
        self.assertTrue(host.signals("NewIcon"))

    def test_a_click_opens_the_page(self):
        """Traps 7 and 9: LXQt calls Activate at a left click; a Wayland desktop gives a token to pass on."""
        with FakeService(self.service.home / "fake", ["POST /hearth/v1/open"]) as fake:
            opened = self.service.home / "opened"
            program = self.service.home / "programs/xdg-open"
            program.parent.mkdir(exist_ok=True)
            program.write_text(f'#!/bin/sh\necho "$1 $XDG_ACTIVATION_TOKEN" >>{opened}\n')
            program.chmod(0o755)
            host = self.host()
            self.tray(HEARTH_SOCKET=str(fake.socket), PATH=f"{program.parent}:{os.environ['PATH']}")
            host.wait_for("Open the chat page")
            host.tell_item("ProvideXdgActivationToken", "s", "token-7")
            host.tell_item("Activate", "ii", 0, 0)
            wait_until(lambda: opened.exists() and opened.read_text(), seconds(10), "xdg-open")
            self.assertEqual(opened.read_text(), "http://127.0.0.1:4000/#t=once token-7\n")

    def test_a_click_says_what_is_on_where_there_is_no_page(self):
        """Trap 7."""
        with FakeService(self.service.home / "bare", []) as fake:
            notices = self.notifications()
            host = self.host()
            self.tray(HEARTH_SOCKET=str(fake.socket))
            host.wait_for("Hearth: no model loaded")
            host.tell_item("Activate", "ii", 0, 0)
            notices.wait_for("Hearth: no model loaded")


class Menu(TrayTest):
    def test_shows_underscores_as_they_are(self):
        """Trap 1: doubled for hosts that follow the specification."""
        host, _ = self.connected()
        load = host.wait_for(f"{self.name} —")
        self.assertTrue(load.label.startswith("my__tiny__q4__K__M:latest —"), load.label)

    def test_shows_underscores_as_they_are_on_gnome(self):
        """Trap 1: GNOME's extension replaces the first one alone."""
        host = self.host(gnome=True)
        self.tray()
        self.eventually(lambda: any(node.label.startswith("my__tiny_q4_K_M:latest —") for node in host.menu().all()), what="the label")

    def test_changes_the_rule_with_the_panel(self):
        """Trap 1: another panel, another rule; hosts must read the labels again."""
        host, _ = self.connected()
        host.wait_for(f"{self.name} —")
        host.close()
        host = self.host(gnome=True)
        self.eventually(lambda: any(node.label.startswith("my__tiny_q4_K_M:latest —") for node in host.menu().all()), what="the label")

    def test_loads_and_unloads_at_a_click(self):
        host, _ = self.connected()
        host.choose(f"{self.name} —")
        host.wait_for("Hearth: 1 model loaded")
        self.assertEqual(self.loaded(), [self.name])
        host.choose("Unload")
        host.wait_for("Hearth: no model loaded")
        self.assertEqual(self.loaded(), [])

    def test_a_late_click_does_nothing(self):
        """Trap 4: the item is gone, and its number means nothing else."""
        host, tray = self.connected()
        host.choose(f"{self.name} —")
        unload = host.wait_for("Unload")  # stands there while the model is being loaded, too: who asked for it would load it after all
        self.eventually(lambda: self.client.get("/api/ps").json()["models"][0]["state"] == "ready", what="the model to be loaded")
        self.service.unload_all()
        host.wait_gone("Unload")
        self.client.post("/hearth/v1/load", {"model": "another", "backend": "echo", "stream": False})
        host.wait_for("another")
        self.assertNotIn(unload.id, [node.id for node in host.menu().all()], "numbers are not given twice")
        host.click(unload)
        host.click(4711)
        host.find("Hearth:")  # answered after the clicks
        self.assertEqual(self.loaded(), ["another"])
        self.assertIsNone(tray.process.poll())

    def test_an_item_keeps_its_number(self):
        """Trap 4: the same item has the same number when it comes back."""
        host, _ = self.connected()
        before = {node.label: node.id for node in host.menu().all()}
        self.client.post("/hearth/v1/load", {"model": "other_1", "backend": "echo", "stream": False})
        host.wait_for("other_1")
        self.service.unload_all()
        host.wait_gone("other_1")
        self.assertEqual({node.label: node.id for node in host.menu().all()}, before)

    def test_a_label_is_told_as_a_property_that_changed(self):
        """Trap 5: ItemsPropertiesUpdated, with nothing but what changed, and no LayoutUpdated."""
        host, _ = self.connected()
        source = gguf_file.write_ballast(self.service.home / "slow.gguf", 4_000_000, seed=4)
        with Origin({"slow.gguf": source}) as origin:
            origin.limit_rate(1_000_000)
            pull = self.client.open("POST", "/api/pull", {"model": origin.url("slow.gguf"), "insecure": True})
            self.addCleanup(pull.close)
            lines = iter(pull.begin())
            item = host.wait_for("Downloading", 20)
            self.eventually(lambda: "%" in host.menu_label(item.id), what="progress")
            host.forget_signals()
            label = host.menu_label(item.id)
            self.eventually(lambda: host.menu_label(item.id) != label, what="more progress")
            messages = []
            while not host.connection.signals.empty():
                messages.append(host.connection.signals.get())
            menu = [message for message in messages if message.interface == "com.canonical.dbusmenu"]
            self.assertEqual({message.member for message in menu}, {"ItemsPropertiesUpdated"})
            for message in menu:
                updated, removed = message.body
                self.assertEqual([(number, set(properties)) for number, properties in updated], [(item.id, {"label"})])
                self.assertEqual(removed, [])
            list(lines)
        host.wait_gone("Downloading")

    def test_the_icon_is_not_drawn_at_every_step(self):
        """Trap 7: every NewIcon costs the panel a round trip."""
        host, _ = self.connected()
        host.forget_signals()
        source = gguf_file.write_ballast(self.service.home / "steps.gguf", 6_000_000, seed=5)
        with Origin({"steps.gguf": source}) as origin:
            origin.limit_rate(3_000_000)
            self.service.pull_ok(origin.url("steps.gguf"), insecure=True)
        host.wait_for("steps:latest")
        icons = host.signals("NewIcon")
        self.assertGreaterEqual(len(icons), 2)
        self.assertLessEqual(len(icons), 23, "at most one for each twentieth, and for the start and the end")

    def test_another_structure_is_told_with_a_new_revision(self):
        """Trap 5."""
        host, _ = self.connected()
        revision, _ = host.layout()
        host.forget_signals()
        self.client.post("/hearth/v1/load", {"model": "fresh", "backend": "echo", "stream": False})
        host.wait_for("fresh")
        told = [message.body for message in host.signals("LayoutUpdated")]
        self.assertTrue(told)
        self.assertGreater(told[-1][0], revision)
        self.assertEqual(host.layout()[0], told[-1][0])

    def test_has_no_lazy_submenus(self):
        """Trap 5: everything is in the first layout, and nothing needs an update before it is shown."""
        host, _ = self.connected()
        load = next(node for node in host.menu().children if node.shown == "Load")
        self.assertTrue(load.children)
        self.assertEqual(load.properties["children-display"], "submenu")
        self.assertEqual(host.ask_menu("AboutToShow", "i", load.id), (False,))
        self.assertEqual(host.ask_menu("AboutToShowGroup", "ai", [load.id, 4711]), ([], [4711]))

    def test_answers_every_question_of_the_protocol(self):
        host, _ = self.connected()
        quit_item = host.wait_for("Quit")
        login = host.wait_for("Start at login")
        self.assertEqual(host.ask_menu("GetProperty", "is", quit_item.id, "label"), ("Quit",))
        self.assertEqual(host.ask_menu("GetGroupProperties", "aias", [quit_item.id, 4711], ["label"]), ([(quit_item.id, {"label": "Quit"})],))
        self.assertEqual(login.properties["toggle-type"], "checkmark")
        _, shallow = host.layout(depth=1, names=["label"])
        self.assertTrue(all(not child.children for child in shallow.children))
        self.assertTrue(all(set(child.properties) <= {"label"} for child in shallow.children))
        with self.assertRaises(BusError):
            host.layout(parent=4711)
        self.assertEqual(host.connection.get(host.item, MENU_PATH, "com.canonical.dbusmenu", "Version"), 3)
        self.assertEqual(host.ask_menu("EventGroup", "a(isvu)", [(4711, "clicked", Variant("i", 0), 0), (quit_item.id, "hovered", Variant("i", 0), 0)]),
                         ([4711],))

    def test_chooses_the_default_model(self):
        host, _ = self.connected()
        self.client.request("DELETE", "/hearth/v1/default", {})
        default = lambda: next(node for node in host.menu().children if node.shown == "Default model")  # noqa: E731
        choice = lambda: next(node for node in default().children if node.shown == self.name)  # noqa: E731
        self.assertEqual(choice().properties["toggle-type"], "radio")
        self.eventually(lambda: choice().properties["toggle-state"] == 0, what="nothing to be chosen")
        host.click(choice())
        self.eventually(lambda: choice().properties["toggle-state"] == 1, what="the choice")
        self.assertEqual(self.client.get("/hearth/v1/default").json()["model"], self.name)
        self.client.request("DELETE", "/hearth/v1/default", {})  # by somebody else
        self.eventually(lambda: choice().properties["toggle-state"] == 0, what="the choice to be taken back")

    def test_follows_what_others_delete(self):
        path = gguf_file.write_ballast(self.service.home / "short_lived.gguf", 200_000, seed=9)
        host, _ = self.connected()
        name = self.service.add_model(path)
        host.wait_for(f"{name} —")
        self.client.request("DELETE", "/api/delete", {"model": name})
        host.wait_gone(f"{name} —")

    def test_starts_at_login_when_the_user_says_so(self):
        """Trap 11: a desktop file in the autostart folder."""
        host, _ = self.connected()
        entry = self.service.home / "home/.config/autostart/hearth-tray.desktop"
        login = host.wait_for("Start at login")
        self.assertEqual(login.properties["toggle-state"], 0)
        host.click(login)
        self.eventually(lambda: host.find("Start at login").properties["toggle-state"] == 1, what="the check mark")
        self.assertIn(f'Exec="{(BIN / "hearth-tray").resolve()}"', entry.read_text())
        if shutil.which("desktop-file-validate"):
            checked = subprocess.run(["desktop-file-validate", entry], capture_output=True, text=True)
            self.assertEqual((checked.returncode, checked.stdout), (0, ""))
        host.click(login)
        self.eventually(lambda: host.find("Start at login").properties["toggle-state"] == 0, what="no check mark")
        self.assertFalse(entry.exists())

    def test_opens_the_log(self):
        log = self.service.home / "home/.local/state/hearth/hearthd.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("")
        self.addCleanup(log.unlink)
        opened = self.service.home / "opened-log"
        program = self.service.home / "log-programs/xdg-open"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho "$1" >{opened}\n')
        program.chmod(0o755)
        host = self.host()
        self.tray(PATH=f"{program.parent}:{os.environ['PATH']}")
        host.choose("Open the log")
        wait_until(lambda: opened.exists() and opened.read_text(), seconds(10), "xdg-open")
        self.assertEqual(opened.read_text().strip(), str(log))

    def test_quits(self):
        host, tray = self.connected()
        host.choose("Quit")
        self.assertEqual(tray.wait_end(), 0)


class Life(TrayTest):
    """The service comes and goes; the tray stays (trap 8)."""

    def test_starts_the_service_when_the_user_says_so(self):
        service = self.other_service()
        host = self.host()
        self.tray(service)
        host.wait_for("Hearth: service not running")
        self.assertFalse(service.socket.exists(), "not started by itself")
        host.choose("Start the service")
        host.wait_for("Hearth: no model loaded", 20)
        pid = service.client.get("/hearth/v1/status").json()["pid"]
        self.addCleanup(self.end_pid, pid)

    @staticmethod
    def end_pid(pid):
        os.kill(pid, 15)
        wait_until(lambda: not Path(f"/proc/{pid}/exe").exists(), seconds(20), "hearthd to end")

    def test_follows_a_service_that_ends_dies_and_comes_back(self):
        service = self.other_service().start()
        host = self.host()
        tray = self.tray(service)
        host.wait_for("Hearth: no model loaded")
        service.stop()
        host.wait_for("Hearth: service not running")
        self.assertIsNotNone(host.find("Start the service"))
        service.start()
        host.wait_for("Hearth: no model loaded", 20)
        service.kill()
        host.wait_for("Hearth: service not running", 20)
        service.start()
        host.wait_for("Hearth: no model loaded", 20)
        self.assertIsNone(tray.process.poll())

    def test_is_there_before_the_services_folder(self):
        service = self.other_service()
        host = self.host()
        self.tray(service)
        host.wait_for("Hearth: service not running")
        shutil.rmtree(service.home / "run")
        service.start()
        host.wait_for("Hearth: no model loaded", 20)

    def test_lets_a_sleeping_service_sleep(self):
        """The system listens for a service that does not run: a connection would start it."""
        service = self.other_service()
        (service.home / "run").mkdir(mode=0o700)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(service.socket))
            listener.listen()
            listener.setblocking(False)
            host = self.host()
            self.tray(service)
            host.wait_for("Hearth: asleep, starts on use")
            once = json.loads(subprocess.run([BIN / "hearth-tray", "--once", "--json"], env=service.environment, capture_output=True,
                                             check=True).stdout)
            self.assertEqual(once["service"]["phase"], "asleep")
            self.assertEqual(once["icon"], "hearth-tray-asleep")
            with self.assertRaises(BlockingIOError, msg="somebody connected"):
                listener.accept()
            # Somebody uses it: the system starts the service with the socket, and the tray follows.
            child = subprocess.Popen(["sh", "-c", 'LISTEN_PID=$$ exec "$0"', BIN / "hearthd"], env=service.environment | {"LISTEN_FDS": "1"},
                                     preexec_fn=lambda: os.dup2(listener.fileno(), 3), pass_fds=(3,), stderr=subprocess.DEVNULL)
            self.addCleanup(child.wait)
            self.addCleanup(child.terminate)
            host.wait_for("Hearth: no model loaded", 20)
            child.terminate()
            child.wait()
            host.wait_for("Hearth: asleep, starts on use", 20)
            with self.assertRaises(BlockingIOError, msg="somebody connected while the service was ending: it would start again"):
                listener.accept()
            host.choose("Start it now")
            self.eventually(lambda: self.has_connection(listener), what="the tray to connect")

    def test_does_not_call_back_a_service_that_ends(self):
        """A service that ends closes our connection before it lets its lock go; on a socket of the system's, another connection would
        start it again."""
        with FakeService(self.service.home / "ending", []) as fake, open(fake.socket.parent / "hearth.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            host = self.host()
            self.tray(HEARTH_SOCKET=str(fake.socket))
            host.wait_for("Hearth: no model loaded")
            fake.end_streams()
            host.wait_for("Hearth: the service does not answer")
            time.sleep(1)  # it looked several times: there is no event for what must not happen
            self.assertEqual(fake.followed, 1)
            lock.close()
            host.wait_for("Hearth: asleep, starts on use")
            self.assertEqual(fake.followed, 1)

    @staticmethod
    def has_connection(listener):
        try:
            listener.accept()[0].close()
            return True
        except BlockingIOError:
            return False

    def test_prints_once_what_it_would_show(self):
        """No desktop is needed for that."""
        self.client.post("/hearth/v1/load", {"model": self.name, "stream": False})
        result = subprocess.run([BIN / "hearth-tray", "--once", "--json"], env=self.service.environment, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        shown = json.loads(result.stdout)
        self.assertEqual(shown["version"], 1)
        self.assertEqual(shown["service"]["phase"], "connected")
        self.assertEqual([row["name"] for row in shown["loaded"]], [self.name])
        host = self.host()
        self.tray()
        host.wait_for("Hearth: 1 model loaded")
        self.assertEqual([item.get("label", "") for item in shown["menu"]], [node.shown for node in host.menu().children])

    def test_tells_of_downloads(self):
        """Trap 10: desktop notifications."""
        notices = self.notifications()
        host, _ = self.connected()
        source = gguf_file.write_ballast(self.service.home / "told.gguf", 300_000, seed=6)
        with Origin({"told.gguf": source}) as origin:
            self.service.pull_ok(origin.url("told.gguf"), insecure=True)
            self.service.pull(origin.url("absent<b>.gguf"), insecure=True)
        done = notices.wait_for("Downloaded told:latest")
        self.assertEqual(done["app"], "Hearth")
        failed = notices.wait_for("Downloading ")
        self.assertIn("failed", failed["summary"])
        self.assertNotIn("<b>", failed["body"], "no markup")
        host.wait_gone("Downloading")

    def test_tells_what_did_not_work(self):
        notices = self.notifications()
        service = self.other_service(config='[runtime]\nbackend = "absent"\n').start()
        name = service.add_model(self.service.home / f"{UNDERSCORES}.gguf")
        host = self.host()
        self.tray(service)
        host.choose(f"{name} —")
        self.assertIn("there is no backend absent", notices.wait_for(f"Loading {name} failed")["body"])


@needs_llama
class LowMemory(TrayTest):
    service_config = ""
    service_environment = {"HEARTH_RAM_LIMIT": "1000000"}

    def test_is_told(self):
        notices = self.notifications()
        name = self.service.add_model(models.small_valid(self.service.home))
        host, _ = self.connected()
        answer = self.client.post("/hearth/v1/load", {"model": name, "stream": False})
        self.assertEqual(answer.json().get("code"), "memory.insufficient", answer)
        notice = notices.wait_for(f"Not enough memory for {name}")
        self.assertEqual(notice["hints"]["urgency"], 2)
        host.wait_for("Memory: ")


class FakeService:
    """Serves the routes that a test names, for what the real service of this build may not serve."""

    def __init__(self, folder, routes):
        folder.mkdir()
        self.socket = folder / "api.sock"
        self.followed = 0  # how often somebody began to read events
        self.routes = [dict(zip(("method", "path"), route.split())) for route in [*routes, "GET /api/ps", "GET /api/tags"]]

    def __enter__(self):
        import http.server
        import socketserver
        import threading
        fake, routes = self, self.routes
        done = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path.startswith("/hearth/v1/events"):
                    fake.followed += 1
                    self.send_response(200)
                    self.send_header("Content-Type", "text/event-stream")
                    self.end_headers()
                    self.wfile.write(b'event: hello\ndata: {"type": "hello"}\n\n')
                    self.wfile.flush()
                    done.wait()
                    return
                self.answer({"routes": routes, "version": "9", "models": []})

            def do_POST(self):
                self.answer({"url": "http://127.0.0.1:4000/#t=once"})

            def answer(self, value):
                data = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def address_string(self):
                return "unix"

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self.server, self.done = Server(str(self.socket), Handler), done
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def end_streams(self):
        self.done.set()

    def __exit__(self, *_):
        self.done.set()
        self.server.shutdown()
        self.server.server_close()
