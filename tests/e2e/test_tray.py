"""hearth-tray's registration, icon and life, what it notifies of, and each trap that tray icons on Linux are known for."""
import fcntl
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import gguf_file
import models
from harness import BIN, needs_llama, seconds
from processes import wait_until
from sources import Origin
from tray_case import HAS_BUS, UNDERSCORES, TrayTest
from fake_service import FakeService

if HAS_BUS:
    from desk import ITEM_PATH, MENU_PATH, Tray


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
            opener = self.opener()
            host = self.host()
            self.tray(HEARTH_SOCKET=str(fake.socket), PATH=opener.path)
            host.wait_for("Open the chat page")
            host.tell_item("ProvideXdgActivationToken", "s", "token-7")
            host.tell_item("Activate", "ii", 0, 0)
            self.assertEqual(opener.wait(), [["http://127.0.0.1:4000/#t=once", "token-7"]])

    def test_a_click_says_what_is_on_where_there_is_no_page(self):
        """Trap 7."""
        with FakeService(self.service.home / "bare", []) as fake:
            notices = self.notifications()
            host = self.host()
            self.tray(HEARTH_SOCKET=str(fake.socket))
            host.wait_for("Hearth: no model loaded")
            host.tell_item("Activate", "ii", 0, 0)
            notices.wait_for("Hearth: no model loaded")


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
