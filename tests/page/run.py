#!/usr/bin/env python3
"""Drives the page in Chromium, against a Hearth of its own with the real llama plugin and models that are made here.

The browser is Debian's (`chromium`); puppeteer-core and axe-core come from npm in exact versions (see tests/e2e/node.py). Where one of them is
missing the suite is skipped, which is said and counted. Ends with "N skipped" and "N passed, N failed".

    HEARTH_BIN_DIR      where the binaries are
    HEARTH_PAGE_SHOTS   a folder for pictures of every view, to look at
    HEARTH_CHROMIUM     another browser than the one in PATH
"""
import base64
import os
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for folder in (HERE.parent / "e2e", HERE.parent / "faults", ROOT / "tools/make_probe", ROOT / "tools/make_model"):
    sys.path.insert(0, str(folder))
sys.dont_write_bytecode = True

import families  # noqa: E402
import gguf_file  # noqa: E402
import hostile_model  # noqa: E402
import models  # noqa: E402
import node  # noqa: E402
from harness import HAS_LLAMA, SLOW, Service, seconds  # noqa: E402
from hub import Hub  # noqa: E402
from probe import write_probe  # noqa: E402
from sources import Origin  # noqa: E402
from test_images import STRIPES, write_seeing_model  # noqa: E402

VERSIONS = ("Q4_K_M", "Q8_0", "F16")
RATE = 1_500_000  # bytes a second of a slow download


def chromium():
    return os.environ.get("HEARTH_CHROMIUM") or shutil.which("chromium")


def missing():
    """@return why there is nothing to run; None when all is here"""
    if not HAS_LLAMA:
        return "this build has no llama plugin"
    return None if chromium() else "chromium is missing"


def seven_billion(hub, folder):
    """A repository with the versions of a model of 7B parameters: headers, and holes where the weights would be."""
    files = {}
    for version in VERSIONS:
        path = folder / f"m-{version}.gguf"
        write_probe(families.dense("qwen2", 28, 3584, 18944, 28, 4, 152064, 131072, bias=True, file_type=version), str(path))
        files[path.name] = path
    hub.add_repository("org/seven", files, unread=True)


def seeing(hub, folder):
    """A repository with a model that takes images: random weights, as its encoder's are."""
    weights, projector = folder / "seeing-Q8_0.gguf", folder / "mmproj-seeing-F16.gguf"
    write_seeing_model(weights, projector)
    hub.add_repository("org/seeing", {path.name: path for path in (weights, projector)})


def picture(path):
    path.write_bytes(base64.b64decode(STRIPES))
    return path


def prepare(service, hub, origin, folder):
    """Models in the store, and what the suite wants to know."""
    seven_billion(hub, folder)
    seeing(hub, folder)
    service.pull_ok("hf.co/org/seeing:Q8_0")
    hostile = service.add_model(hostile_model.write(folder / "hostile.gguf"))
    origin.limit_rate(RATE)
    return {
        "socket": str(service.socket), "chromium": chromium(), "slow": SLOW, "shots": os.environ.get("HEARTH_PAGE_SHOTS"),
        "tiny": service.add_model(models.tiny()), "steady": service.add_model(models.three_small()[0]), "tools": service.add_model(models.tools()), "hostile": hostile,
        "vision": next(name for name in service.models() if "seeing" in name), "picture": str(picture(folder / "picture.png")),
        "repository": "hf.co/org/seven", "versions": VERSIONS,
        "slow_url": origin.url("slow-model.gguf"), "slow_model": "slow-model:latest",
        "other_url": origin.url("other-model.gguf"), "other_model": "other-model:latest", "stuck_url": origin.url("stuck-model.gguf"),
    }


def run(kept):
    """@return (passed, failed)"""
    folder = Path(tempfile.mkdtemp(prefix="hearth-page-"))
    origin = Origin({"slow-model.gguf": gguf_file.write_ballast(folder / "slow.gguf", 6_000_000, seed=11),
                     "other-model.gguf": gguf_file.write_ballast(folder / "other.gguf", 4_000_000, seed=12),
                     "stuck-model.gguf": gguf_file.write_ballast(folder / "stuck.gguf", 60_000_000, seed=13)})
    with Hub(folder) as hub, origin:
        service = Service("[memory]\nram_limit = '8GiB'\n[runtime]\nparallel = 1\n", {"HF_ENDPOINT": hub.url})
        try:
            settings = prepare(service.start(), hub, origin, folder)
            done = node.run_program("page_suite.mjs", HERE, kept, settings, seconds(420))
            passed, failed = node.count_checks(done, "page")
            if failed:
                print(service.log_tail(30))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            service.destroy()
    return passed, failed


def main():
    reason = missing()
    kept = None if reason else node.packages(HERE, "page")
    if not kept:
        print(f"skip page: {reason}" if reason else "", end="\n" if reason else "")
        print("1 skipped\n0 passed, 0 failed")
        return 0
    try:
        passed, failed = run(kept)
    except AssertionError as complaint:
        passed, failed = 0, 1
        print(f"FAIL page: {complaint}")
    print(f"0 skipped\n{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
