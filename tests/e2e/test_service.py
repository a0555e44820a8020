"""The service as systemd and `hearth service` see it: notify, watchdog, handed-over sockets, leaving when idle."""
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import unittest

import models
import processes
from harness import BIN, DONE, SOCKET_TAKEN, UNREACHABLE, HearthTest, Service, seconds


class Managed(HearthTest):
    """Started by us in place of systemd."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.destroy)

    def notified(self, limit=20):
        """Messages until the socket is silent for `limit`, one list a message."""
        self.notify.settimeout(seconds(limit))
        return self.notify.recv(4096).decode().splitlines()

    def start_watched(self, microseconds):
        path = self.service.home / "notify"
        path.unlink(missing_ok=True)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.notify.close)
        self.notify.bind(str(path))
        self.service.environment |= {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": str(microseconds)}
        self.service.start()
        self.addCleanup(self.service.stop)

    def test_feeds_the_watchdog_and_says_how_it_is(self):
        self.start_watched(200_000)
        self.assertEqual(self.notified(), ["READY=1"])
        for _ in range(3):
            self.assertEqual(self.notified(), ["WATCHDOG=1", "STATUS=0 models loaded, 0 requests"])
        self.service.process.terminate()
        while (said := self.notified()) != ["STOPPING=1"]:
            self.assertIn("WATCHDOG=1", said)

    def test_says_how_it_is_before_the_watchdog_asks(self):
        self.start_watched(3_600_000_000)
        self.assertEqual(self.notified(), ["READY=1"])
        self.assertIn("STATUS=0 models loaded, 0 requests", self.notified())

    def test_a_loop_that_stands_still_feeds_nobody(self):
        self.start_watched(200_000)
        self.assertEqual(self.notified(), ["READY=1"])
        self.notified()
        self.service.process.send_signal(signal.SIGSTOP)
        self.notify.settimeout(seconds(1))
        with self.assertRaises(TimeoutError):
            for _ in range(20):  # what was on its way when it was stopped
                self.notify.recv(4096)
        self.service.process.send_signal(signal.SIGCONT)
        self.assertIn("WATCHDOG=1", self.notified())


@unittest.skipUnless(shutil.which("systemd-socket-activate"), "needs systemd-socket-activate")
class HandedOver(HearthTest):
    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.destroy)

    def test_takes_both_sockets_from_systemd_and_leaves_them(self):
        run = self.service.home / "run"
        run.mkdir(mode=0o700)
        names = [run / "api.sock", run / "infer.sock"]
        environment = [f"--setenv={name}={value}" for name, value in self.service.environment.items()]
        with open(self.service.log, "ab") as log:
            process = subprocess.Popen(["systemd-socket-activate", *(f"--listen={name}" for name in names), *environment, BIN / "hearthd"],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.service.process = process
        self.eventually(lambda: all(name.exists() for name in names), what="the sockets")
        self.assertEqual(self.assert_json_output(self.service.cli("status", "--json"))["asleep"], True)
        self.assertTrue(self.service.cli("service").stdout.startswith("asleep: the first connection starts it\n"))
        self.assertFalse((run / "hearth.lock").exists(), "looking has started it")
        self.service.wait_ready()
        self.assertEqual(self.assert_json_output(self.service.cli("status", "--json"))["asleep"], False)
        self.assertEqual(self.service.client.get("/hearth/v1/status").json()["pid"], process.pid)
        second = subprocess.run([BIN / "hearthd"], env=self.service.environment, capture_output=True, text=True, timeout=seconds(20))
        self.assertEqual(second.returncode, SOCKET_TAKEN, second.stderr)
        self.assertEqual(self.service.client.get("/api/version").status, 200, "a live socket is not touched")
        self.assertEqual(self.service.stop(), 0)
        self.assertTrue(names[0].exists(), "it is systemd's")


class LeavesWhenIdle(HearthTest):
    @classmethod
    def setUpClass(cls):
        cls.service = Service(config="server.leave_after = '300ms'\n")
        cls.addClassCleanup(cls.service.destroy)

    def test_although_somebody_watches_its_events(self):
        self.service.start("--leave-when-idle")
        with self.service.client.stream("GET", "/hearth/v1/events") as events:
            self.assertEqual(self.service.process.wait(seconds(20)), 0, self.service.log_tail())
            del events
        self.service.process = None
        self.assertIn("nobody used the service", self.service.log_tail())
        self.assertFalse(self.service.socket.exists())

    def test_but_not_while_a_model_is_loaded(self):
        self.service.start("--leave-when-idle")
        self.service.client.post("/api/generate", {"model": "m", "backend": "echo", "keep_alive": -1})
        time.sleep(1)  # more than it takes to leave: there is no event for what must not happen
        self.assertIsNone(self.service.process.poll())
        self.service.client.post("/api/generate", {"model": "m", "backend": "echo", "keep_alive": 0})
        self.assertEqual(self.service.process.wait(seconds(20)), 0)
        self.service.process = None

    def test_nor_while_the_page_has_its_door(self):
        self.service.start("--leave-when-idle")
        self.service.client.post("/hearth/v1/open", {"idle_seconds": 60})
        time.sleep(1)  # as above
        self.assertIsNone(self.service.process.poll())
        self.assertEqual(len(self.service.client.get("/hearth/v1/status").json()["tcp"]), 1)
        self.service.stop()

    def test_only_when_it_was_started_so(self):
        self.service.start()
        time.sleep(1)  # as above
        self.assertIsNone(self.service.process.poll())
        self.service.stop()

    def test_and_the_command_starts_it_so(self):
        self.assert_exit(self.service.cli("list"), DONE)
        log = self.service.home / "home/.local/state/hearth/hearthd.log"
        self.eventually(lambda: "nobody used the service" in log.read_text(), 20, "it to leave")
        self.eventually(lambda: not self.service.socket.exists(), 20, "its socket to go")


class ServiceCommand(HearthTest):
    """`hearth service` where no service manager answers, as here."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.service.environment |= {"XDG_RUNTIME_DIR": str(cls.service.home / "no-manager")}
        cls.addClassCleanup(cls.service.destroy)

    def pid(self):
        return json.loads(self.service.cli("service", "--json").stdout)["pid"]

    def test_status_restart_stop_and_logs(self):
        absent = self.assert_json_output(self.service.cli("service", "status", "--json"))
        self.assertEqual((absent["running"], absent["pid"], absent["managed"]), (False, None, False))
        self.assertIn("no service runs", self.service.cli("service", "stop").stdout)
        self.assert_exit(self.service.cli("service", "restart"), DONE)
        first = self.pid()
        self.assert_exit(self.service.cli("service", "restart"), DONE)
        second = self.pid()
        self.assertNotEqual(first, second)
        self.assertFalse(processes.alive(first))
        text = self.service.cli("service").stdout
        self.assertIn(f"running by itself (process {second})", text)
        logs = self.assert_json_output(self.service.cli("service", "logs", "-n", "1", "--json"))
        self.assertEqual(len(logs["lines"]), 1)
        self.assertIn("ready", self.service.cli("service", "logs").stdout)
        self.assertIn("has ended", self.service.cli("service", "stop").stdout)
        self.assertEqual(self.service.cli("status").returncode, UNREACHABLE)

    def test_enable_says_why_it_cannot(self):
        result = self.service.cli("service", "enable")
        self.assertEqual(result.returncode, 1)
        self.assertIn("no service manager of this user answers", result.stderr)
        self.assertIn("hint: ", result.stderr)


class Doctor(HearthTest):
    """Real faults under a real service; what needs another machine is in tests/cli/doctor_checks_test.cpp."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.name = cls.service.add_model(models.small_valid(cls.service.home))

    def check(self, name, environment=None):
        result = self.service.cli("doctor", "--json", environment=environment)
        answer = json.loads(result.stdout)
        self.assertEqual(result.returncode, 0 if answer["ok"] else 1)
        return next((row for row in answer["checks"] if row["check"] == name), None)

    def test_every_line_has_a_status_and_every_fault_a_fix(self):
        answer = json.loads(self.service.cli("doctor", "--json").stdout)
        self.assertGreaterEqual(len(answer["checks"]), 17)
        for row in answer["checks"]:
            self.assertIn(row["status"], ("ok", "warn", "fail"))
            self.assertTrue(row["text"])
            self.assertEqual(bool(row.get("fix")), row["status"] != "ok", row)

    def test_names_an_open_store(self):
        data = self.service.home / "data"
        data.chmod(0o755)
        self.addCleanup(data.chmod, 0o700)
        row = self.check("store.owner")
        self.assertEqual((row["status"], row["fix"]), ("fail", f"chmod 700 {data}"))

    def test_names_a_backend_of_an_old_abi(self):
        folder = self.service.home / "data/plugins/old"
        folder.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, folder.parent)
        manifest = {"manifest": 1, "name": "old", "abi": 0, "version": "1", "library": "x.so", "sha256": "a" * 64, "operations": ["chat"],
                    "formats": ["gguf"], "description": ""}
        (folder / "backend-old.json").write_text(json.dumps(manifest))
        (folder / "backend-old.json").chmod(0o644)
        row = self.check("backends.left_out")
        self.assertEqual(row["status"], "fail")
        self.assertIn("it speaks plugin ABI 0", row["text"])
        self.assertTrue(row["fix"].startswith(f"rm -r {folder}"), row)

    def test_names_a_model_whose_file_is_gone(self):
        self.assertEqual(self.check("store.index")["status"], "ok")
        blob = max(self.service.blobs(), key=lambda path: path.stat().st_size)
        aside = self.service.home / "aside"
        blob.rename(aside)
        try:
            row = self.check("store.index")
        finally:
            aside.rename(blob)
        self.assertEqual((row["status"], row["fix"]), ("fail", f"hearth pull {self.name}"))

    def test_names_a_broken_configuration_and_the_service_goes_on(self):
        config = self.service.home / "config.toml"
        config.write_text("runtime.paralel = 2\n")
        self.addCleanup(config.write_text, "")
        row = self.check("configuration")
        self.assertEqual(row["status"], "fail")
        self.assertIn("config.toml:1: runtime.paralel is not a setting; did you mean runtime.parallel?", row["text"])
        self.assertEqual(self.check("service")["status"], "ok")

    def test_names_a_dead_proxy(self):
        service = Service(environment={"https_proxy": "http://user:secret@127.0.0.1:9"})
        self.addCleanup(service.destroy)
        service.start()
        answer = json.loads(service.cli("doctor", "--json").stdout)
        row = next(row for row in answer["checks"] if row["check"] == "proxy")
        self.assertEqual(row["status"], "fail")
        self.assertIn("127.0.0.1:9", row["text"])
        self.assertNotIn("secret", json.dumps(answer))

    def test_names_a_second_program_on_path(self):
        folder = self.service.home / "other"
        folder.mkdir()
        shutil.copy("/bin/true", folder / "hearth")
        row = self.check("path", {"PATH": f"{BIN}:{folder}:{os.environ['PATH']}"})
        self.assertEqual((row["status"], row["fix"].split()[:2]), ("warn", ["rm", str(folder / "hearth")]))


class DamagedIndex(HearthTest):
    def test_is_named_with_what_makes_it_anew(self):
        self.service.stop()
        index = self.service.home / "data/index.db"
        index.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
        index.chmod(0o600)
        self.service.start()
        answer = json.loads(self.service.cli("doctor", "--json").stdout)
        row = next(row for row in answer["checks"] if row["check"] == "store.index")
        self.assertEqual(row["status"], "fail")
        self.assertIn(f"mv {index} {index}.damaged", row["fix"])
