#!/usr/bin/env python3
"""Runs the official clients of Ollama, OpenAI and Anthropic against a Hearth of its own, through its doors, with generated models and Ember.

Ollama's client comes in over TCP without a token (for what needs more rights it sends one) and over the Unix socket; OpenAI's and
Anthropic's over TCP with a token as their API key, and over TLS.

The packages (tests/clients/package-lock.json, exact versions and hashes) are installed with npm into a cache outside the repository; without
npm or network the suites are skipped, which is said and counted. Ends with "N skipped" and "N passed, N failed".

    HEARTH_BIN_DIR   where the binaries are
    HEARTH_PRESET    how they were built: asan and tsan leave out what measures memory
    HEARTH_CACHE     the cache (see tests/e2e/node.py)
"""
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
sys.dont_write_bytecode = True

import many_apps  # noqa: E402
import models  # noqa: E402
import node  # noqa: E402
from door import ports  # noqa: E402
from harness import FULL, HAS_LLAMA, ROOT, Service, seconds  # noqa: E402
from test_tls import make_certificate  # noqa: E402

RUNS = 7


def run_node(program, folder, settings, limit=300):
    """@param limit  seconds. @return what came of it; its output is text"""
    return node.run_program(program, HERE, folder, settings, seconds(limit),
                            {"NO_PROXY": "*", "NODE_EXTRA_CA_CERTS": settings.get("certificate", "")})


def run_suite(suite, name, folder, settings):
    """@return (passed, failed)"""
    return node.count_checks(run_node(suite, folder, settings), name)


def run_many_apps(folder):
    """@return (passed, failed)"""
    def run(settings):
        done = run_node("many_apps.mjs", folder, settings, limit=1200)
        if done.returncode != 0:
            raise AssertionError(f"many_apps.mjs ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout.splitlines()
    return many_apps.run(run)


def run_all(service, folder):
    """@return (passed, failed) of each run"""
    service.start("--listen", "127.0.0.1:0", "--compat-no-token")
    settings = {"tiny": service.add_model(models.tiny()), "tools": service.add_model(models.tools()),
                "embedder": service.add_model(models.embedder()), "file": str(models.small_valid(service.home)),
                "pullable": models.other().as_uri()}
    full = service.cli("token", "create", "manager", "--scope", "full").stdout.strip()
    token = service.cli("token", "create", "app").stdout.strip()
    port, = ports(service)
    yield run_suite("ollama_suite.mjs", "ollama", folder, settings | {"address": f"http://127.0.0.1:{port}", "token": full})
    yield run_suite("ollama_suite.mjs", "ollama, socket", folder, settings | {"address": "http://localhost", "socket": str(service.socket)})
    service.stop()
    certificate, key = make_certificate(service.home)
    service.start("--listen", "127.0.0.1:0", "--listen", "0.0.0.0:0", "--tls-cert", certificate, "--tls-key", key)
    near, far = ports(service)
    settings |= {"token": token, "ember": service.add_model(ROOT / "models/ember/ember.gguf")}
    plain, tls = {"address": f"http://127.0.0.1:{near}"}, {"address": f"https://localhost:{far}", "certificate": str(certificate)}
    for name in ("openai", "anthropic"):
        yield run_suite(f"{name}_suite.mjs", name, folder, settings | plain)
        yield run_suite(f"{name}_suite.mjs", f"{name}, TLS", folder, settings | tls)


def main():
    folder = node.packages(HERE, "clients") if HAS_LLAMA else None
    if not HAS_LLAMA:
        print("skip clients: this build has no llama plugin")
    if not folder:
        print(f"{RUNS} skipped\n0 passed, 0 failed")
        return 0
    service = Service()
    passed = failed = 0
    try:
        for good, bad in run_all(service, folder):
            passed, failed = passed + good, failed + bad
        if failed:
            print(service.log_tail(30))
    finally:
        try:
            service.destroy()
        except AssertionError as complaint:
            failed += 1
            print(f"FAIL clients: {complaint}")
    skipped = 0
    if os.environ.get("HEARTH_PRESET", "dev") == "dev" and FULL:
        good, bad = run_many_apps(folder)
        passed, failed = passed + good, failed + bad
    else:
        skipped = 1
        print("skip many apps: takes minutes (--full), and a sanitizer needs memory of its own")
    print(f"{skipped} skipped\n{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
