#!/usr/bin/env python3
"""The page: milliseconds from the address to its first paint in headless Chromium, from a service that runs; and its weight in bytes. Targets:
200 ms (median of fresh tabs), 60 000 bytes uncompressed. Prints one JSON line."""
import json
import sys

from measure import PAIRS, ROOT, report

sys.path.insert(0, str(ROOT / "tests/page"))
sys.path.insert(0, str(ROOT / "tests/faults"))
sys.path.insert(0, str(ROOT / "tools/make_probe"))

import models  # noqa: E402  (of tests/e2e)
import node  # noqa: E402
from harness import SLOW, Service  # noqa: E402
from run import HERE, chromium, missing  # noqa: E402  (of tests/page)

MOST_MILLISECONDS, MOST_BYTES = 200, 60_000


def main():
    reason = missing()
    kept = None if reason else node.packages(HERE, "page")
    if not kept:
        print(f"page: {reason or 'no packages'}", file=sys.stderr)
        return 1
    service = Service().start()
    try:
        settings = {"socket": str(service.socket), "chromium": chromium(), "slow": SLOW, "tiny": service.add_model(models.tiny()), "samples": max(PAIRS, 10)}
        done = node.run_program("page_paint.mjs", HERE, kept, settings, 300)
        if done.returncode != 0:
            raise AssertionError(done.stderr[-2000:])
    finally:
        service.destroy()
    found = json.loads(done.stdout)
    good = found["median_ms"] <= MOST_MILLISECONDS and found["bytes"] <= MOST_BYTES
    return report("page", found["median_ms"], None, "ms to the first paint", settings["samples"], good, worst=found["worst_ms"], usable=found["usable_ms"],
                  bytes=found["bytes"], files=found["files"], target=f"<= {MOST_MILLISECONDS} ms, <= {MOST_BYTES} bytes")


if __name__ == "__main__":
    sys.exit(main())
