#!/usr/bin/env python3
"""Milliseconds from a request for the model that is not loaded to its whole answer of one token, where memory is for one model: A, B, A, …,
against llama-server's router with one model allowed and the same settings. Usage: bench_switch.py [half_billion|tiny|cold]   (default: all;
cold: as half_billion, with files that are not in the kernel's cache)"""
import os
import statistics
import sys
import time

from measure import PAIRS, interleave, median, report, rounded

import judges
import models
from harness import Service
from unix_http import Client

THREADS, PARALLEL, CONTEXT = 2, 1, 4096
CONFIG = f"[runtime]\nparallel = {PARALLEL}\nthreads = {THREADS}\ncontext = {CONTEXT}\nkeep_alive = \"1h\"\n"
TARGET = 0.9
PAIRS_OF_MODELS = {"half_billion": (models.half_billion, models.other_half_billion), "tiny": (models.tiny, models.other),
                   "cold": (models.half_billion, models.other_half_billion)}


class Target:
    """A chat endpoint that has two models and room for one."""

    def __init__(self, client, names, cold_files=()):
        self.client, self.names = client, names
        self.cold_files = cold_files  # leave the kernel's cache before each request, but for those in use
        self.answers = {}  # name: its only answer

    def ask(self, name):
        """@return milliseconds to the whole answer of one token"""
        body = {"model": name, "max_tokens": 1, "temperature": 0, "messages": [{"role": "user", "content": "How do I store firewood?"}]}
        evict(self.cold_files)
        started = time.perf_counter()
        response = self.client.post("/v1/chat/completions", body, timeout=300)
        took = time.perf_counter() - started
        if response.status != 200:
            raise SystemExit(f"{name}: {response.status} {response.body[:500]}")
        text = response.json()["choices"][0]["message"]["content"]
        if self.answers.setdefault(name, text) != text:
            raise SystemExit(f"{name}: said {self.answers[name]!r} and then {text!r}")
        return took * 1000

    def switch(self):
        """To the second model and back. @return milliseconds of one switch"""
        return statistics.mean([self.ask(self.names[1]), self.ask(self.names[0])])


def evict(paths):
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def limit_to_one(service, names):
    """Starts the service again with memory for one and a half of the models, as measured."""
    for name in names:
        Target(service.client, []).ask(name)
    plans = [service.client.post("/hearth/v1/plan", {"model": name}).json()["pick"]["memory"] for name in names]
    service.environment["HEARTH_RAM_LIMIT"] = str(max(plan["total_bytes"] + plan["fixed_bytes"] for plan in plans) * 3 // 2)
    service.restart()


def measure(kind):
    paths = [make() for make in PAIRS_OF_MODELS[kind]]
    service = Service(CONFIG).start()
    try:
        ours = Target(Client(service.socket, timeout=300), [service.add_model(path) for path in paths])
        limit_to_one(service, ours.names)
        with judges.LlamaServer(None, CONTEXT, PARALLEL, THREADS, models=dict(zip("ab", paths))) as router:
            theirs = Target(router.client, "ab", paths if kind == "cold" else ())
            ours.cold_files = service.blobs() if kind == "cold" else ()
            for target in (theirs, ours):
                target.ask(target.names[0])
                target.switch()  # what a first load learns is there for the next
                target.switch()
            mine, peers = interleave(ours.switch, theirs.switch)
        if service.loaded() != ours.names[:1]:
            raise SystemExit(f"{service.loaded()} are loaded: the limit was for one")
    finally:
        service.destroy()
    ratio = median(mine) / median(peers)
    same = [ours.answers[a] == theirs.answers[b] for a, b in zip(ours.names, theirs.names)]
    return report(f"switch_{kind}", median(mine), median(peers), "ms", PAIRS, ratio <= TARGET and all(same), target=f"ratio <= {TARGET}",
                  spread=[rounded(statistics.pstdev(mine)), rounded(statistics.pstdev(peers))], same_answers=all(same))


def main():
    return max([measure(kind) for kind in sys.argv[1:] or PAIRS_OF_MODELS])


if __name__ == "__main__":
    sys.exit(main())
