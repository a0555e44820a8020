#!/usr/bin/env python3
"""Memory of all processes of an idle service together (Pss), against llama-server's router. Target: 17 MB.
`after_use` is the same after a model was loaded, used and unloaded and a pull has been made."""
import sys
import time

from measure import median, report, rounded

import judges
import models
import processes
from harness import HAS_LLAMA, Service
from sources import Origin


def total(pids):
    return sum(processes.pss_bytes(pid) for pid in pids) / 1e6


def ours():
    service = Service().start()
    try:
        service.client.get("/api/tags")
        time.sleep(1)
        idle = total(service.family().all())
        path = models.small_valid(service.home)
        with Origin({"small.gguf": path}) as origin:
            service.pull_ok(origin.url("small.gguf"))
        if HAS_LLAMA:
            name = service.add_model(models.tiny())
            service.generate(name, "hello", keep_alive=0, options={"num_predict": 8})
        processes.wait_until(lambda: not service.family().runners, 10, "the runner to end")
        time.sleep(2)
        family = service.family()
        return idle, total(family.all()), {processes.program(pid): rounded(total([pid])) for pid in family.all()}
    finally:
        service.destroy()


def theirs():
    with judges.LlamaServer(None) as router:
        time.sleep(1)
        return total([router.process.pid, *processes.descendants(router.process.pid)])


def main():
    mine = [ours() for _ in range(3)]
    peers = [theirs() for _ in range(3)] if judges.AVAILABLE else [0]
    idle = median([sample[0] for sample in mine])
    return report("idle", idle, median(peers), "MB Pss", 3, idle <= 17, target="<= 17 MB", after_use=rounded(median([s[1] for s in mine])),
                  processes_after_use=mine[-1][2])


if __name__ == "__main__":
    sys.exit(main())
