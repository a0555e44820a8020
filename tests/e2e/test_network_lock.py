"""No process that sees a prompt can open a network connection: checked from outside, by the kernel's own account of what was called."""
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import models
import processes
from harness import HAS_LLAMA, HearthTest, seconds
from sources import Origin

CALL = re.compile(r"^(?:\[pid +\d+\] |\d+ +)?(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+|\?)(?P<rest>.*)$")
RESUMED = re.compile(r"^(?:\[pid +\d+\] |\d+ +)?<\.\.\. (?P<name>\w+) resumed>(?P<arguments>.*)\) += (?P<result>-?\d+|\?)(?P<rest>.*)$")
OPENS_A_WAY_OUT = {"socket", "connect", "bind", "listen", "socketcall", "io_uring_setup"}


class Trace:
    """strace on a process and all that it starts."""

    def __init__(self, pid, path):
        self.path = path
        self.process = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=%network,io_uring_setup,execve", "-o", str(path), "-p", str(pid)],
                                        stderr=subprocess.PIPE)
        processes.wait_until(lambda: processes.status(pid).get("TracerPid", "0") != "0", seconds(10), "strace to attach")

    def stop(self):
        """@return [(name, arguments, result)] of every call that ended"""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(seconds(20))
        self.process.stderr.close()
        calls = []  # of a call that was interrupted in the listing the name and the result are enough
        for line in self.path.read_text(errors="replace").splitlines():
            match = CALL.match(line) or RESUMED.match(line)
            if match:
                calls.append((match["name"], match["arguments"], match["result"] + match["rest"]))
        return calls


def ways_out(calls):
    """Calls that succeeded and that a locked process must not be able to make."""
    found = []
    for name, arguments, result in calls:
        worked = not result.startswith(("-1", "?"))
        in_progress = "EINPROGRESS" in result
        addressed = name in ("sendto", "sendmsg", "sendmmsg") and re.search(r"sa_family=|MSG_FASTOPEN", arguments)
        if (worked or in_progress) and (name in OPENS_A_WAY_OUT or addressed):
            found.append((name, arguments, result))
    return found


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class NetworkLock(HearthTest):
    def prompt(self, model="m", words="hello world", **more):
        response = self.client.post("/api/generate", {"model": model, "prompt": words, "stream": False} | more)
        self.assertEqual(response.status, 200, response)
        return response.json()["response"]

    def test_status_files_say_locked(self):
        self.prompt(backend="echo")
        runner = self.service.runner_of("m")
        for role, pid in (("core", self.service.pid), ("runner", runner)):
            for thread in os.listdir(f"/proc/{pid}/task"):
                with self.subTest(role, thread=thread):
                    status = processes.status(f"{pid}/task/{thread}")
                    self.assertEqual((status["Seccomp"], status["NoNewPrivs"]), ("2", "1"))

    def test_fetch_is_confined_too(self):
        path = models.small_valid(self.service.home)
        with Origin({"slow.gguf": path}) as origin:
            origin.limit_rate(200_000)
            with self.client.stream("POST", "/api/pull", {"model": origin.url("slow.gguf")}) as pull:
                fetch = self.eventually(lambda: (self.service.family().fetches or [None])[0], 10, "hearth-fetch to run")
                self.eventually(lambda: processes.status(fetch)["Seccomp"] == "2", 5, "hearth-fetch to lock itself")
                self.assertNotEqual(processes.parents()[fetch], self.service.pid, "the launcher's child, not the core's")
                pull.close()

    def test_sockets_of_core_and_runner_are_unix_only(self):
        self.prompt(backend="echo")
        inet = set()
        for table in ("tcp", "tcp6", "udp", "udp6", "raw", "packet"):
            try:
                rows = open(f"/proc/net/{table}").read().splitlines()[1:]
            except OSError:
                continue
            inet |= {row.split()[9] for row in rows if len(row.split()) > 9}
        for pid in (self.service.pid, self.service.runner_of("m")):
            for name in os.listdir(f"/proc/{pid}/fd"):
                try:
                    target = os.readlink(f"/proc/{pid}/fd/{name}")
                except OSError:
                    continue
                match = re.match(r"socket:\[(\d+)\]", target)
                self.assertFalse(match and match[1] in inet, f"{pid} has an internet socket: {target}")

    def test_nothing_succeeds_over_pulls_and_chats(self):
        for fetch in self.service.family().fetches:  # a new one is traced from birth
            processes.end(fetch)
        core_trace = Trace(self.service.pid, self.service.home / "core.trace")
        launcher = self.service.family().launcher
        self.assertTrue(launcher, "the launcher is a child of the core")
        launcher_trace = Trace(launcher, self.service.home / "launcher.trace")
        path = models.small_valid(self.service.home)
        try:
            with Origin({"a.gguf": path}) as origin:
                self.service.pull_ok(origin.url("a.gguf"))
            self.service.pull_ok(path.as_uri())
            self.prompt(backend="echo")
            self.prompt("other", backend="echo")
            self.client.post("/v1/chat/completions", {"model": "m", "backend": "echo", "messages": [{"role": "user", "content": "x"}]})
            loaded = len(self.client.get("/api/ps").json()["models"])
            os.kill(self.service.family().runners[0], signal.SIGKILL)
            self.eventually(lambda: len(self.client.get("/api/ps").json()["models"]) < loaded, 10, "the core to notice the killed runner")
            self.prompt(backend="echo")
            if HAS_LLAMA:
                name = self.service.add_model(models.tiny())
                self.prompt(name, options={"num_predict": 8})
                self.client.post("/api/embed", {"model": name, "input": "x"}, timeout=seconds(60))
            self.assert_exit(self.service.cli("list"), 0)
        finally:
            core, outside = core_trace.stop(), launcher_trace.stop()
        self.assertEqual(ways_out(core), [])
        names = {name for name, _, result in core if not result.startswith("-1")}
        self.assertTrue(names & {"accept", "accept4"}, "the trace saw the core accept: it does see")
        self.assertIn("socketpair", names)
        self.assertTrue(any(name == "socket" and "EPERM" in result for name, _, result in core), "each runner probes its own lock")
        self.assertRegex(core_trace.path.read_text(), r'execve\("[^"]*hearth-runner"', "runners were traced from birth")
        self.assertTrue(any(name == "connect" for name, _, _ in ways_out(outside)), "control: fetch, outside the lock, does connect")

    def test_the_lock_says_eperm_and_never_kills(self):
        core_trace = Trace(self.service.pid, self.service.home / "eperm.trace")
        try:
            self.prompt("fresh", backend="echo")
        finally:
            calls = core_trace.stop()
        refused = [result for name, _, result in calls if name in OPENS_A_WAY_OUT and result.startswith("-1")]
        self.assertTrue(refused)
        self.assertTrue(all("EPERM" in result for result in refused), refused)
        self.assertNotIn("SIGSYS", (self.service.home / "eperm.trace").read_text())
