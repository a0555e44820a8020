#!/usr/bin/env python3
"""Throughput of a pull from docker-registry on loopback, hashed and durable when it ends, against `curl -o` and fsync, which checks nothing.
Target: half of curl's."""
import os
import subprocess
import sys
import time

from measure import PAIRS, interleave, median, report

import gguf_file
from harness import Service
from sources import Registry, digest_of, ollama_layers

SIZE = 300_000_000


def main():
    service = Service().start()
    registry = Registry()
    try:
        path = gguf_file.write_ballast(service.home / "ballast.gguf", SIZE)
        registry.push("library/ballast", "latest", ollama_layers(path))
        blob = f"http://{registry.host}/v2/library/ballast/blobs/{digest_of(path.read_bytes())}"
        copy = service.home / "copy"

        def ours():
            started = time.perf_counter()
            service.pull_ok(f"{registry.host}/library/ballast")
            took = time.perf_counter() - started
            service.client.request("DELETE", "/api/delete", {"model": f"{registry.host}/library/ballast"})
            return SIZE / took / 1e6

        def theirs():
            started = time.perf_counter()
            subprocess.run(["curl", "-sSf", "-o", copy, blob], check=True)
            with open(copy, "rb") as written:
                os.fsync(written.fileno())
            took = time.perf_counter() - started
            copy.unlink()
            return SIZE / took / 1e6

        ours(), theirs()  # warms the page cache of the registry's file
        mine, peers = interleave(ours, theirs)
    finally:
        registry.stop()
        service.destroy()
    return report("pull", median(mine), median(peers), "MB/s", PAIRS, median(mine) / median(peers) >= 0.5, target="ratio >= 0.5")


if __name__ == "__main__":
    sys.exit(main())
