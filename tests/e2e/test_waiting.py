"""Two models that do not fit together: who waits is told so, is served when the other's turn is over, and may leave."""
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools/make_probe"))

import families
import filled
from harness import HearthTest, needs_llama

MIB = 1 << 20
OPTIONS = {"num_ctx": 4096, "num_parallel": 1, "kv_type": "q8_0"}


def quarter_gibibyte(folder, layers):
    """Some 200 MB with 4096 tokens and a q8_0 cache."""
    probe = families.dense("llama", layers, 512, 512, 8, 8, 2048, 32768, file_type="Q8_0")
    path = Path(folder) / f"wait-{layers}.gguf"
    filled.write_filled(probe, str(path))
    return path


@needs_llama
class NotEnoughForTwo(HearthTest):
    service_environment = {"HEARTH_RAM_LIMIT": str(340 * MIB)}
    time_limit = 240

    def setUp(self):
        super().setUp()
        if not hasattr(type(self), "names"):
            with tempfile.TemporaryDirectory(prefix="hearth-wait-") as folder:
                type(self).names = [self.service.add_model(quarter_gibibyte(folder, layers)) for layers in (24, 22)]
        self.first, self.second = self.names
        self.service.unload_all()

    def keep_busy(self, name):
        """A long answer that nobody reads to the end."""
        body = {"model": name, "prompt": "hello", "options": OPTIONS | {"num_predict": 4000}}
        answer = self.client.stream("POST", "/api/generate", body)
        next(iter(answer))
        return answer

    def states(self):
        return {row["name"]: row["state"] for row in self.client.get("/api/ps").json()["models"]}

    def test_who_waits_is_told_and_served_when_the_other_is_done(self):
        busy = self.keep_busy(self.first)
        self.addCleanup(busy.close)
        lines = []
        waiting = self.client.open("POST", "/hearth/v1/load", {"model": self.second, "context": 4096, "parallel": 1, "kv_type": "q8_0"})
        self.addCleanup(waiting.close)
        reader = threading.Thread(target=lambda: lines.extend(waiting.begin()))
        reader.start()
        self.eventually(lambda: lines, what="the second model to be told that it waits")
        self.assertEqual(self.states(), {self.first: "ready", self.second: "waiting"})
        busy.close()
        reader.join(60)
        self.assertEqual(lines[-1]["status"], "success", lines)
        self.assertEqual(lines[0]["status"], "waiting", lines)
        self.assertEqual(lines[0]["ahead"], 0, lines)
        self.assertIn("in use by 1 request", lines[0]["reason"])
        self.assertEqual(self.states(), {self.second: "ready"})

    def test_an_idle_model_makes_room_without_waiting(self):
        for name in (self.first, self.second, self.first):
            _, last = self.service.generate(name, "hello", options=OPTIONS | {"num_predict": 2})
            self.assertTrue(last["done"])
            self.assertEqual(list(self.states()), [name])

    def test_who_gives_up_leaves_the_line(self):
        busy = self.keep_busy(self.first)
        self.addCleanup(busy.close)
        waiting = self.client.open("POST", "/hearth/v1/load", {"model": self.second, "context": 4096, "parallel": 1, "kv_type": "q8_0"})
        self.eventually(lambda: self.states().get(self.second) == "waiting", what="the second model to wait")
        waiting.close()
        self.eventually(lambda: self.second not in self.states(), what="the line to be empty")
        self.assertEqual(self.states(), {self.first: "ready"})

    def test_what_cannot_fit_alone_is_refused_at_once(self):
        busy = self.keep_busy(self.first)
        self.addCleanup(busy.close)
        body = {"model": self.second, "context": 32768, "parallel": 1, "kv_type": "f16", "stream": False}
        refused = self.client.post("/hearth/v1/load", body)
        self.assert_error(refused, 507, "memory.insufficient")
        self.assertEqual(self.states(), {self.first: "ready"})


if __name__ == "__main__":
    unittest.main()
