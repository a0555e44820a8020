"""What every end-to-end test stands on: a service of its own per test class, on the real binaries.

HEARTH_BIN_DIR    where the binaries are (default: build/dev/bin)
HEARTH_TEST_SLOW  factor on every deadline, for sanitizer builds
HEARTH_TEST_FULL  1: also the tests that take minutes
"""
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import processes
from unix_http import Client

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("HEARTH_BIN_DIR") or ROOT / "build/dev/bin").resolve()
SLOW = float(os.environ.get("HEARTH_TEST_SLOW", "1"))
FULL = os.environ.get("HEARTH_TEST_FULL") == "1"
PLUGINS = BIN.parent / "lib/hearth/plugins"
HAS_LLAMA = (PLUGINS / "llama/backend-llama.json").exists()

# Exit codes of the design, section 4.
DONE, FAILED, USAGE, NOT_FOUND, DOES_NOT_FIT, UNREACHABLE, NOT_ALLOWED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 130
SOCKET_TAKEN = 75

SANITIZER_REPORT = re.compile(r"(ERROR: AddressSanitizer|WARNING: ThreadSanitizer|runtime error:|SUMMARY: \w+Sanitizer)")

needs_llama = unittest.skipUnless(HAS_LLAMA, "this build has no llama plugin")
full = unittest.skipUnless(FULL, "takes minutes: run with --full")


def seconds(value):
    """A deadline, longer for slow builds."""
    return value * SLOW


def test_environment(home):
    """A clean environment that points at `home` and nowhere else."""
    keep = {name: value for name, value in os.environ.items()
            if name in ("PATH", "TMPDIR", "ASAN_SYMBOLIZER_PATH") or name.endswith("SAN_OPTIONS")}
    # A process under seccomp cannot run the leak checker's tracer thread.
    keep["ASAN_OPTIONS"] = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "detect_leaks=0"]))
    return keep | {
        "HOME": f"{home}/home", "LANG": "C.UTF-8", "HEARTH_DATA": f"{home}/data", "HEARTH_RUNTIME": f"{home}/run",
        "HEARTH_CONFIG": f"{home}/config.toml", "XDG_STATE_HOME": f"{home}/home/.local/state", "NO_COLOR": "1", "TERM": "xterm",
    }


class Service:
    """One hearthd with folders of its own. Folders outlive restarts; `destroy` ends everything and checks that nothing is left."""

    def __init__(self, config="", environment=None):
        self.home = Path(tempfile.mkdtemp(prefix="hearth-e2e-"))
        for name in ("home", "data"):
            (self.home / name).mkdir(mode=0o700)
        (self.home / "config.toml").write_text(config)
        self.environment = test_environment(self.home) | (environment or {})
        self.socket = self.home / "run/api.sock"
        self.log = self.home / "hearthd.log"
        self.client = Client(self.socket, timeout=seconds(60))
        self.process = None

    # ---- life

    def start(self, *arguments, wait=True):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([BIN / "hearthd", *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd=self.home, start_new_session=True)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        def answers():
            if self.process and self.process.poll() is not None:
                raise AssertionError(f"hearthd ended with {self.process.returncode}:\n{self.log_tail()}")
            try:
                return self.client.get("/api/version").status == 200
            except OSError:
                return False
        processes.wait_until(answers, seconds(20), "hearthd to answer")

    def kill(self):
        """SIGKILL, as a crash or the kernel does it."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self):
        """SIGTERM; @return the exit code."""
        if not self.process:
            return None
        self.process.terminate()
        try:
            code = self.process.wait(seconds(20))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"hearthd did not stop within {seconds(20):.0f} s of SIGTERM:\n{self.log_tail()}") from None
        finally:
            self.process = None
        return code

    def restart(self):
        self.stop()
        return self.start()

    def destroy(self):
        """Stops, checks for orphans and for what the sanitizers wrote, removes the folders. @raise AssertionError"""
        complaints = []
        try:
            code = self.stop()
            if code not in (None, 0):
                complaints.append(f"hearthd ended with {code} on SIGTERM:\n{self.log_tail()}")
        except AssertionError as slow:
            complaints.append(str(slow))
        try:  # children see the end of their socket and go by themselves, soon
            processes.wait_until(lambda: not processes.of_folder(self.home), seconds(5), "children to end")
        except AssertionError:
            for pid in processes.of_folder(self.home):
                complaints.append(f"orphan: {pid} {processes.program(pid)}")
                processes.end(pid)
        for log in [self.log, *self.home.glob("home/.local/state/hearth/*.log")]:
            text = log.read_text(errors="replace") if log.exists() else ""
            if SANITIZER_REPORT.search(text):
                complaints.append("a sanitizer complains:\n" + text[max(0, SANITIZER_REPORT.search(text).start() - 200):][:6000])
        if os.environ.get("HEARTH_TEST_KEEP") != "1":
            shutil.rmtree(self.home, ignore_errors=True)
        if complaints:
            raise AssertionError("\n".join(complaints))

    def log_tail(self, lines=40):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    # ---- looking

    @property
    def pid(self):
        return self.process.pid

    def family(self):
        return processes.Family(self.pid)

    def runner_of(self, name):
        """Pid of the only runner, once it is there."""
        return processes.wait_until(lambda: (self.family().runners or [None])[0], seconds(10), f"a runner for {name}")

    def blobs(self):
        return sorted(path for path in (self.home / "data/blobs").rglob("*") if path.is_file())

    def partial_bytes(self):
        return sum(path.stat().st_size for path in (self.home / "data/tmp").glob("*.part"))

    def models(self):
        return [model["name"] for model in self.client.get("/api/tags").json()["models"]]

    def loaded(self):
        return [model["name"] for model in self.client.get("/api/ps").json()["models"]]

    # ---- acting

    def unload_all(self):
        self.client.post("/hearth/v1/unload", {"all": True})
        processes.wait_until(lambda: not self.family().runners, seconds(20), "runners to end")

    def cli(self, *arguments, stdin=None, timeout=60, environment=None):
        """Runs `hearth ARGUMENTS`. @return CompletedProcess with text output"""
        return subprocess.run([BIN / "hearth", *map(str, arguments)], env=self.environment | (environment or {}), input=stdin,
                              stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, text=True,
                              timeout=seconds(timeout), cwd=self.home)

    def pull(self, reference, timeout=120, **more):
        """Pulls over HTTP. @return the progress lines; the last says success or holds the error"""
        with self.client.stream("POST", "/api/pull", {"model": str(reference)} | more, timeout=seconds(timeout)) as stream:
            return list(stream)

    def pull_ok(self, reference, **more):
        lines = self.pull(reference, **more)
        if not lines or lines[-1].get("status") != "success":
            raise AssertionError(f"pulling {reference} ended with {lines[-1:]}\n{self.log_tail(15)}")
        return lines

    def add_model(self, path):
        """Takes a local GGUF file into the store. @return its short name"""
        self.pull_ok(Path(path).as_uri())
        return f"{Path(path).stem}:latest"

    def generate(self, model, prompt, **more):
        """Streams /api/generate. @return (joined text, last line)"""
        body = {"model": model, "prompt": prompt} | more
        with self.client.stream("POST", "/api/generate", body, timeout=seconds(120)) as stream:
            lines = list(stream)
        return "".join(line.get("response", "") for line in lines), lines[-1]


class HearthTest(unittest.TestCase):
    """A class of tests that share one service. `service_config` is its config.toml."""

    service_config = ""
    service_environment = {}
    time_limit = 180  # seconds per test, before HEARTH_TEST_SLOW
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.service = Service(cls.service_config, cls.service_environment)
        cls.addClassCleanup(cls.service.destroy)
        cls.service.start()
        cls.client = cls.service.client

    def setUp(self):
        signal.signal(signal.SIGALRM, self._too_long)
        signal.alarm(int(seconds(self.time_limit)))
        self.addCleanup(signal.alarm, 0)
        if self.service.process:
            self.addCleanup(self._check_alive, self.service.process)

    def _check_alive(self, process):
        """A daemon that ended by itself fails this test; the next one gets a new daemon."""
        if self.service.process is process and process.poll() is not None:
            tail = self.service.log_tail(60)
            self.service.start()
            self.fail(f"hearthd ended by itself with {process.returncode}:\n{tail}")

    def _too_long(self, *_):
        raise AssertionError(f"the test took longer than {seconds(self.time_limit):.0f} s\n{self.service.log_tail()}")

    # ---- assertions of the contract

    def assert_error(self, response, status, code):
        """The typed error of the design: text, dotted code, perhaps a hint. `code` may be a tuple of what is allowed."""
        statuses = status if isinstance(status, tuple) else (status,)
        self.assertIn(response.status, statuses, response)
        self.assertIn("json", response.headers.get("content-type", ""), response)
        self.assert_error_body(response.json(), code)

    def assert_error_body(self, body, code):
        codes = code if isinstance(code, tuple) else (code,)
        self.assertIsInstance(body, dict)
        self.assertIsInstance(body.get("error"), str, body)
        self.assertTrue(body["error"].strip(), body)
        self.assertIn(body.get("code"), codes, body)
        if "hint" in body:
            self.assertTrue(body["hint"].strip(), body)
        self.assertNotIn("/proc/self", body["error"], "a descriptor's path leaked")

    def assert_openai_error(self, response, status, code):
        self.assertEqual(response.status, status, response)
        error = response.json()["error"]
        self.assertTrue(error["message"].strip(), error)
        self.assertIn(error["type"], ("invalid_request_error", "not_found_error", "api_error"), error)
        self.assertIn("param", error)
        self.assertIn(error["code"], code if isinstance(code, tuple) else (code,), error)

    def assert_exit(self, result, code):
        self.assertEqual(result.returncode, code, f"stdout: {result.stdout[-1500:]}\nstderr: {result.stderr[-1500:]}")
        if code not in (DONE, INTERRUPTED):
            self.assertTrue(result.stderr.strip(), "a failure says why on stderr")

    def assert_json_output(self, result):
        """`--json` of a command that worked: one object with version 1. @return it"""
        self.assert_exit(result, DONE)
        value = json.loads(result.stdout)
        self.assertEqual(value.get("version"), 1, value)
        return value

    def eventually(self, condition, deadline=10, what="it"):
        return processes.wait_until(condition, seconds(deadline), what)


def timed(work):
    """(seconds, result) of a call."""
    started = time.monotonic()
    result = work()
    return time.monotonic() - started, result


def cached(function):
    """One result per process; for things that are expensive to make."""
    return functools.lru_cache(maxsize=None)(function)
