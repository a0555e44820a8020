#!/usr/bin/env python3
"""Wall milliseconds of `hearth list` with ten models in the store, against curl on the same endpoint. Target: 15 ms."""
import subprocess
import sys
import time

from measure import interleave, median, report

import gguf_file
from harness import BIN, Service

RUNS = 31


def main():
    service = Service().start()
    try:
        for number in range(10):
            service.add_model(gguf_file.write_ballast(service.home / f"model{number}.gguf", 100_000, seed=number))

        def run(*command):
            started = time.perf_counter()
            subprocess.run(command, env=service.environment, check=True, stdout=subprocess.DEVNULL)
            return (time.perf_counter() - started) * 1000

        curl = ("curl", "-s", "--unix-socket", str(service.socket), "http://localhost/api/tags")
        mine, peers = interleave(lambda: run(BIN / "hearth", "list"), lambda: run(*curl), RUNS)
    finally:
        service.destroy()
    return report("cli_list", median(mine), median(peers), "ms", RUNS, median(mine) <= 15, target="<= 15 ms; peer is curl")


if __name__ == "__main__":
    sys.exit(main())
