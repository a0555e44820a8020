#!/usr/bin/env python3
"""Milliseconds from starting the service to its first answer, against llama-server's router. Target: 50 ms."""
import sys
import time

from measure import PAIRS, interleave, median, report

import judges
from harness import Service


def until_it_answers(client, target):
    while True:
        try:
            if client.get(target).status == 200:
                return
        except OSError:
            time.sleep(0.0005)


def main():
    service = Service()
    service.start()  # once before, so that the store exists: a first start is not what people wait for
    service.stop()

    def ours():
        started = time.perf_counter()
        service.start(wait=False)
        until_it_answers(service.client, "/api/version")
        took = time.perf_counter() - started
        service.stop()
        return took * 1000

    def theirs():
        started = time.perf_counter()
        with judges.LlamaServer(None, wait=False) as router:
            until_it_answers(router.client, "/health")
            return (time.perf_counter() - started) * 1000

    try:
        mine, peers = interleave(ours, theirs) if judges.AVAILABLE else ([ours() for _ in range(PAIRS)], [0])
    finally:
        service.destroy()
    return report("start", median(mine), median(peers), "ms", PAIRS, median(mine) <= 50, target="<= 50 ms")


if __name__ == "__main__":
    sys.exit(main())
