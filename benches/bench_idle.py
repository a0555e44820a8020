#!/usr/bin/env python3
"""Memory of all processes of an idle service together (Pss), against llama-server's router: once before anything was asked, and
once `after_use`: a pull, a plan, a model that was loaded, used and unloaded. Both are taken when the helpers that the work
started have ended. Target of both: 17 MB."""
import collections
import sys
import time

from measure import median, report, rounded

import judges
import models
import processes
from harness import HAS_LLAMA, Service
from sources import Origin

TARGET_MB = 17


def megabytes(pids):
    return sum(processes.pss_bytes(pid) for pid in pids) / 1e6


def by_role(family):
    """Every process of the service with its own share: several of one role are numbered."""
    roles = [("core", [family.core]), ("launcher", [family.launcher]), ("fetch", family.fetches), ("runner", family.runners), ("other", family.others)]
    found = collections.OrderedDict()
    for role, pids in roles:
        for number, pid in enumerate(pid for pid in pids if pid):
            found[role if number == 0 else f"{role}-{number + 1}"] = rounded(megabytes([pid]))
    return found


def rest(service):
    """Waits until no helper is left. @return the family"""
    processes.wait_until(lambda: not service.family().runners and not service.family().fetches, 30, "the helpers to end", step=0.2)
    time.sleep(1)
    return service.family()


def ours():
    service = Service().start()
    try:
        service.client.get("/api/tags")
        before = by_role(rest(service))
        path = models.small_valid(service.home)
        with Origin({"small.gguf": path}) as origin:
            service.pull_ok(origin.url("small.gguf"))
        if HAS_LLAMA:
            name = service.add_model(models.tiny())
            service.client.post("/hearth/v1/plan", {"model": name})
            service.generate(name, "hello", keep_alive=0, options={"num_predict": 8})
        return before, by_role(rest(service))
    finally:
        service.destroy()


def theirs():
    with judges.LlamaServer(None) as router:
        time.sleep(1)
        return megabytes([router.process.pid, *processes.descendants(router.process.pid)])


def main():
    mine = [ours() for _ in range(3)]
    peers = [theirs() for _ in range(3)] if judges.AVAILABLE else [0]
    idle, after = (median([sum(sample[moment].values()) for sample in mine]) for moment in (0, 1))
    return report("idle", idle, median(peers), "MB Pss", 3, max(idle, after) <= TARGET_MB, target=f"<= {TARGET_MB} MB", processes=mine[-1][0],
                  after_use=rounded(after), after_use_target=f"<= {TARGET_MB} MB", processes_after_use=mine[-1][1])


if __name__ == "__main__":
    sys.exit(main())
