"""Three apps, three models, memory for one and a half of them: every answer right, the limit kept, no model loaded twice for one run of requests."""
import json
import threading
import time
from itertools import groupby
from pathlib import Path

import models
import processes
from harness import FULL, Service, seconds

ROUNDS = 60 if FULL else 30
CONFIG = "[runtime]\ncontext = 1024\nparallel = 1\nthreads = 1\n"  # one thread: two that spin for each other are slow beside other programs


class MemoryWatch:
    """The most memory that all runners of a service had together, looked at again and again: shared pages are counted by share.

    Runners are read one after the other, and one may leave and the next one load before its turn: each look reads all of them twice, and what a
    runner has in both readings it had at the moment between them."""

    def __init__(self, core):
        self.core, self.peak, self.runners, self.samples, self.done = core, 0, {}, 0, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _runners(self):
        for task in Path(f"/proc/{self.core}/task").iterdir():
            for child in (task / "children").read_text().split():
                if "hearth-runner" in processes.program(child):
                    yield child

    def _at_once(self):
        first = {pid: processes.pss_bytes(pid) for pid in self._runners()}
        return {pid: min(size, processes.pss_bytes(pid)) for pid, size in first.items()}

    def _watch(self):
        while not self.done.is_set():
            runners = self._at_once()
            if sum(runners.values()) > self.peak:
                self.peak, self.runners = sum(runners.values()), runners
            self.samples += 1
            time.sleep(0.01)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


class LoadWatch:
    """The loads that the event stream tells of: [(time, model)]."""

    def __init__(self, client):
        self.loads = []
        self.stream = client.stream("GET", "/hearth/v1/events", timeout=seconds(600))
        self.thread = threading.Thread(target=self._read, daemon=True)

    def _read(self):
        try:
            for _, event in self.stream.events():
                if event.get("type") == "model.loading":
                    self.loads.append(event["model"])
        except (OSError, ValueError, AttributeError):
            pass  # closed

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.thread.join()


def groups(answers):
    """How many runs of answers of one model there are, in the order in which they ended."""
    ordered = sorted(answers, key=lambda answer: answer["ended"])
    return sum(1 for _ in groupby(ordered, key=lambda answer: answer["model"]))


class ManyApps:
    def __init__(self, node):
        """@param node  node(settings) runs many_apps.mjs. @return its lines"""
        self.node = node
        self.service = Service(CONFIG)
        self.failed = []
        self.passed = 0

    def check(self, good, name, story):
        print(f"{'ok  ' if good else 'FAIL'} many apps: {name} ({story})", flush=True)
        self.passed += bool(good)
        self.failed += [] if good else [name]

    def run(self):
        """@return (passed, failed)"""
        service = self.service
        service.start()
        self.models = [service.add_model(path) for path in models.three_small()]
        limit = 3 * max(self.size_alone(model) for model in self.models) // 2
        self.tokens = [service.cli("token", "create", name).stdout.strip() for name in ("first", "second", "third")]
        service.stop()
        service.environment["HEARTH_RAM_LIMIT"] = str(limit)
        service.start("--listen", "127.0.0.1:0")
        with MemoryWatch(service.pid) as memory:
            self.right = {(answer["model"], answer["prompt"]): answer["text"] for answer in self.answers("alone")}
            self.check(len(set(self.right.values())) > 10, "the models say different things", f"{len(self.right)} questions")
            for mode in ("alternate", "together", "wandering"):
                self.compare(mode)
        self.check(0 < memory.peak <= limit, "all runners together keep the limit",
                   f"peak {memory.peak / 1e6:.0f} MB of {limit / 1e6:.0f} MB, {memory.samples} samples, "
                   f"at the peak {[size // 1_000_000 for size in memory.runners.values()]} MB")
        return self.passed, len(self.failed)

    def size_alone(self, model):
        self.service.client.post("/api/generate", {"model": model, "keep_alive": -1})
        size = self.service.client.get("/api/ps").json()["models"][0]["size"]
        self.service.unload_all()
        return size

    def answers(self, mode):
        port = self.service.client.get("/hearth/v1/status").json()["tcp"][0]["address"].rpartition(":")[2]
        settings = {"mode": mode, "address": f"http://127.0.0.1:{port}", "socket": str(self.service.socket), "tokens": self.tokens,
                    "models": self.models, "rounds": ROUNDS}
        return [json.loads(line) for line in self.node(settings)]

    def compare(self, mode):
        self.service.unload_all()
        began = time.monotonic()
        with LoadWatch(self.service.client) as watch:
            answers = self.answers(mode)
        took = time.monotonic() - began
        wrong = [answer for answer in answers if self.right[answer["model"], answer["prompt"]] != answer["text"]]
        self.check(len(answers) == ROUNDS and not wrong, f"{mode}: every answer is the one of the model alone",
                   f"{len(answers)} answers, {len(wrong)} wrong, {took:.1f} s" + (f": {wrong[:2]}" if wrong else ""))
        self.check(len(watch.loads) <= groups(answers), f"{mode}: at most one load for each group of requests",
                   f"{len(watch.loads)} loads, {groups(answers)} groups")
        if mode != "alternate":
            self.check(len(watch.loads) <= ROUNDS // 2, f"{mode}: requests are served in groups",
                       f"{len(watch.loads)} loads for {ROUNDS} requests")


def run(node):
    """@return (passed, failed)"""
    apps = ManyApps(node)
    passed, failed = 0, 0
    try:
        passed, failed = apps.run()
        if failed:
            print(apps.service.log_tail(30))
    finally:
        try:
            apps.service.destroy()
        except AssertionError as complaint:
            failed += 1
            print(f"FAIL many apps: {complaint}")
    return passed, failed
