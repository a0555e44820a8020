"""GET /hearth/v1/events: what clients that follow the service are told."""
import gguf_file
from harness import HearthTest, seconds
from sources import Origin


class Events(HearthTest):
    service_config = '[runtime]\nbackend = "echo"\n'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.name = cls.service.add_model(gguf_file.write_ballast(cls.service.home / "kept.gguf", 200_000, seed=1))

    def follow(self, query=""):
        stream = self.client.stream("GET", f"/hearth/v1/events{query}", timeout=seconds(30))
        self.addCleanup(stream.close)
        return stream

    def until(self, events, wanted):
        """The next event of that type."""
        return next(event for event in events if event["type"] == wanted)

    def test_begin_with_hello(self):
        hello = next(iter(self.follow()))
        self.assertEqual((hello["type"], hello["pid"]), ("hello", self.service.pid))

    def test_tell_of_models_that_come_by_copying_and_go(self):
        events = iter(self.follow())
        self.until(events, "hello")
        self.client.post("/api/copy", {"source": self.name, "destination": "copied"})
        self.assertEqual(self.until(events, "models.changed")["change"], "copied")
        self.client.request("DELETE", "/api/delete", {"model": "copied"})
        data = self.until(events, "models.changed")
        self.assertEqual((data["model"], data["change"]), ("copied:latest", "deleted"))

    def test_tell_of_the_choice_of_a_default(self):
        events = iter(self.follow())
        self.until(events, "hello")
        self.client.request("PUT", "/hearth/v1/default", {"model": self.name, "app": "open-webui"})
        data = self.until(events, "default.changed")
        self.assertEqual((data["model"], data["app"]), (self.name, "open-webui"))
        self.client.request("DELETE", "/hearth/v1/default", {"app": "open-webui"})
        self.assertIsNone(self.until(events, "default.changed")["model"])

    def test_tell_of_a_pull_by_the_name_that_was_asked_for(self):
        source = gguf_file.write_ballast(self.service.home / "pulled.gguf", 200_000, seed=2)
        events = iter(self.follow())
        self.until(events, "hello")
        with Origin({"pulled.gguf": source}) as origin:
            address = origin.url("pulled.gguf")
            self.service.pull_ok(address, insecure=True)
            self.assertEqual(self.until(events, "pull.progress")["pull"], address)
            data = self.until(events, "pull.done")
            self.assertEqual((data["pull"], data["model"]), (address, "pulled:latest"))
            self.service.pull(origin.url("absent.gguf"), insecure=True)
            self.assertEqual(self.until(events, "pull.failed")["pull"], origin.url("absent.gguf"))

    def test_send_a_heartbeat_as_often_as_asked(self):
        lines = self.follow("?heartbeat=1").raw_lines()
        self.assertTrue(any(line.startswith(b": heartbeat") for line in lines))

    def test_refuse_another_heartbeat(self):
        for wrong in ("0", "3601", "-1", "x", "1x", ""):
            self.assert_error(self.client.get(f"/hearth/v1/events?heartbeat={wrong}"), 400, "argument.invalid")
