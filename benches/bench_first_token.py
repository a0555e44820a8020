#!/usr/bin/env python3
"""Seconds from `hearth run ember "hello"` to the first token on its output, the service not running before. Target: 1 s."""
import os
import subprocess
import sys
import time

from measure import PAIRS, median, report

from harness import BIN, ROOT, Service

os.environ.setdefault("HEARTH_MODELS", str(ROOT / "models/ember"))


def main():
    service = Service(environment={"HEARTH_MODELS": os.environ["HEARTH_MODELS"]})
    service.start()
    service.models()  # a first start, once before: Ember is in the store
    service.stop()

    def first_token():
        started = time.perf_counter()
        command = [BIN / "hearth", "run", "ember", "hello"]
        with subprocess.Popen(command, env=service.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=service.home) as process:
            process.stdout.read(1)
            took = time.perf_counter() - started
            process.stdout.read()
        subprocess.run([BIN / "hearth", "service", "stop"], env=service.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        return took

    try:
        samples = [first_token() for _ in range(PAIRS)]  # not by `quiet`, to which a service that starts looks like somebody else's work
    finally:
        service.destroy()
    return report("first_token", median(samples), 0, "s", PAIRS, median(samples) <= 1, target="<= 1 s", slowest=round(max(samples), 3))


if __name__ == "__main__":
    sys.exit(main())
