"""Many requests at once on one model, two models at once, clients that leave, runners that die."""
import os
import signal
import threading
import time

import models
import processes
from harness import HearthTest, needs_llama, seconds

WORDS = " ".join(f"w{n}" for n in range(40))


class Reader(threading.Thread):
    """Reads one answer in a thread and notes when each chunk came."""

    def __init__(self, client, target, body):
        super().__init__(daemon=True)
        self.stream = client.open("POST", target, body)
        self.times, self.lines, self.error = [], [], None
        self.start()

    def run(self):
        try:
            self.stream.begin()
            for at, line in self.stream.events():
                self.times.append(at)
                self.lines.append(line)
        except Exception as error:  # the test that dropped the connection looks at it, or does not care
            self.error = error

    def text(self):
        return "".join(line.get("response", "") for line in self.lines)

    def wait(self, limit=120):
        self.join(seconds(limit))
        if self.is_alive():
            raise AssertionError("the answer does not end")
        return self


def interleaved(readers):
    """How often the next chunk came from another stream than the one before."""
    order = sorted((at, number) for number, reader in enumerate(readers) for at in reader.times)
    return sum(a[1] != b[1] for a, b in zip(order, order[1:]))


class EchoBatching(HearthTest):
    service_config = "[runtime]\nparallel = 4\n"

    def tearDown(self):
        self.service.unload_all()

    def read(self, model="m:latest", prompt=WORDS, **options):
        body = {"model": model, "prompt": prompt, "backend": "echo", "options": {"echo_delay_ms": 20} | options}
        return Reader(self.client, "/api/generate", body)

    def test_four_streams_interleave(self):
        readers = [self.read(prompt=f"s{n} {WORDS}") for n in range(4)]
        for n, reader in enumerate(readers):
            self.assertEqual(reader.wait().text(), f"s{n} {WORDS}")
        self.assertGreater(interleaved(readers), 40)
        self.assertEqual(len(self.service.family().runners), 1, "one runner serves all four")

    def test_two_models_answer_at_once(self):
        first, second = self.read("one:latest"), self.read("two:latest")
        self.assertEqual(first.wait().text(), WORDS)
        self.assertEqual(second.wait().text(), WORDS)
        self.assertLess(max(first.times[0], second.times[0]), min(first.times[-1], second.times[-1]), "they overlap in time")
        self.assertEqual(len(self.service.family().runners), 2)

    def test_a_client_that_leaves_frees_its_slot_while_the_others_go_on(self):
        readers = [self.read(prompt=f"s{n} {WORDS}", echo_repeat=6) for n in range(4)]  # 246 words, 5 s
        for reader in readers:
            self.eventually(lambda r=reader: len(r.times) > 3, what="a first chunk")
        waiting = self.read(prompt="fifth")
        time.sleep(0.3)
        self.assertEqual(waiting.times, [], "all four slots are taken")
        left = time.monotonic()
        readers[0].stream.close()
        waiting.wait(10)
        self.assertEqual(waiting.text(), "fifth")
        self.assertLess(waiting.times[0] - left, seconds(0.5), "the slot is free within one batch")
        for n, reader in enumerate(readers[1:], 1):
            self.assertIs(reader.wait().lines[-1]["done"], True, "the others go on to their end")
            self.assertTrue(reader.text().startswith(f"s{n} "))

    def test_a_client_that_leaves_before_its_turn_takes_no_slot(self):
        readers = [self.read(prompt=WORDS, echo_repeat=3) for _ in range(4)]
        for reader in readers:
            self.eventually(lambda r=reader: r.times, what="a first chunk")
        gone = self.read(prompt="never")
        gone.stream.close()
        for reader in readers:
            reader.wait()
        self.assertEqual(self.read(prompt="next").wait(10).text(), "next")

    def test_a_slow_reader_does_not_hold_up_the_others(self):
        body = {"model": "m:latest", "prompt": "x" * 2000, "backend": "echo", "options": {"echo_repeat": 20000}}
        slow = self.client.stream("POST", "/api/generate", body)  # 40 MB that nobody reads
        try:
            self.assertEqual(self.read(prompt="quick").wait(20).text(), "quick")
            resident = int(processes.status(self.service.pid)["VmRSS"].split()[0])
            self.assertLess(resident, 300_000 * max(1, seconds(1)), "what a client does not read is not piled up in the core")
        finally:
            slow.close()
        self.eventually(lambda: self.client.get("/api/ps").json(), what="ps")

    def check_after_loss(self, kill):
        pid = self.service.pid
        reader = self.read(prompt=WORDS, echo_repeat=5)
        self.eventually(lambda: len(reader.times) > 3, what="a first chunk")
        kill()
        reader.wait(20)
        self.assertIsNone(reader.error, "the stream ends in order, it is not cut")
        self.assert_error_body(reader.lines[-1], "runner.lost")
        self.assertNotIn("done", reader.lines[-1])
        self.assertEqual(self.read(prompt="again").wait(20).text(), "again", "the next request loads again")
        self.assertEqual(self.service.pid, pid)
        self.assertTrue(processes.alive(pid), "the daemon never restarts")

    def test_a_runner_killed_in_mid_stream(self):
        self.check_after_loss(lambda: os.kill(self.service.runner_of("m"), signal.SIGKILL))

    def test_a_runner_that_is_killed_ends_an_openai_stream_with_an_error_event(self):
        body = {"model": "m:latest", "backend": "echo", "stream": True, "echo_delay_ms": 20, "messages": [{"role": "user", "content": WORDS}]}
        reader = Reader(self.client, "/v1/chat/completions", body)
        self.eventually(lambda: len(reader.times) > 3, what="a first chunk")
        os.kill(self.service.runner_of("m"), signal.SIGKILL)
        reader.wait(20)
        self.assertIsNone(reader.error)
        errors = [line for line in reader.lines if isinstance(line, dict) and "error" in line]
        self.assertEqual([error["error"]["code"] for error in errors], ["runner.lost"])

    def test_a_runner_that_crashes_by_itself(self):
        reader = self.read(echo_crash_after=5)
        reader.wait(20)
        self.assert_error_body(reader.lines[-1], "runner.lost")
        self.assertEqual(self.read(prompt="again").wait(20).text(), "again")

    def test_a_crash_of_one_runner_touches_no_other(self):
        safe = self.read("safe:latest", echo_repeat=3)
        self.eventually(lambda: safe.times, what="a first chunk")
        self.read("crash:latest", echo_crash_after=2).wait(20)
        self.assertIs(safe.wait().lines[-1].get("done"), True)


@needs_llama
class LlamaBatching(HearthTest):
    """The same on llama.cpp: its own slots and batches."""

    service_config = "[runtime]\nparallel = 4\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.service.add_model(models.tiny())
        cls.other = cls.service.add_model(models.other())

    def read(self, model=None, tokens=1000, **options):
        wishes = {"num_predict": tokens, "seed": 1, "temperature": 0.9, "num_ctx": 2048} | options
        return Reader(self.client, "/api/generate", {"model": model or self.model, "prompt": "Once upon", "options": wishes})

    def test_four_streams_interleave(self):
        self.read(tokens=1).wait()
        readers = [self.read(tokens=1500, seed=n) for n in range(4)]
        for reader in readers:
            self.assertIs(reader.wait().lines[-1].get("done"), True, reader.lines[-1])
        self.assertGreater(interleaved(readers), 30)  # this reader's threads take chunks by the handful
        self.assertLess(max(reader.times[0] for reader in readers), min(reader.times[-1] for reader in readers))

    def test_two_models_answer_at_once(self):
        for model in (self.model, self.other):
            self.read(model, tokens=1).wait()
        first, second = self.read(self.model, tokens=600), self.read(self.other, tokens=100)
        self.assertIs(second.wait().lines[-1].get("done"), True)
        self.assertIs(first.wait().lines[-1].get("done"), True)
        self.assertEqual(sorted(self.service.loaded()), sorted([self.model, self.other]))
        self.assertEqual(len(self.service.family().runners), 2)

    def test_a_client_that_leaves_frees_its_slot(self):
        self.read(tokens=1).wait()
        readers = [self.read(tokens=1800, seed=n) for n in range(4)]
        for reader in readers:
            self.eventually(lambda r=reader: len(r.times) > 2, 30, "a first chunk")
        readers[0].stream.close()
        left = time.monotonic()
        fifth = self.read(tokens=3).wait(30)
        self.assertLess(fifth.times[0] - left, seconds(1.0), "free within one batch")
        for reader in readers[1:]:
            self.assertIs(reader.wait().lines[-1].get("done"), True)

    def test_a_runner_killed_in_mid_stream(self):
        pid = self.service.pid
        reader = self.read(tokens=1800)
        self.eventually(lambda: len(reader.times) > 2, 30, "a first chunk")
        for runner in self.service.family().runners:
            os.kill(runner, signal.SIGKILL)
        reader.wait(20)
        self.assertIsNone(reader.error)
        self.assert_error_body(reader.lines[-1], "runner.lost")
        self.assertIs(self.read(tokens=2).wait(30).lines[-1].get("done"), True)
        self.assertEqual(self.service.pid, pid)
