"""Every command as people and as scripts use it: text, --json, pipes, a terminal, Ctrl-C, and the service that starts by itself."""
import json
import os
import re
import signal
import subprocess
import time

import gguf_file
import models
import processes
from harness import BIN, DONE, INTERRUPTED, UNREACHABLE, HearthTest, Service, needs_llama, seconds
from sources import Origin
from terminal import Terminal


class Commands(HearthTest):
    """On a service that runs, with one model in the store."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.path = models.small_valid(cls.service.home)
        cls.name = cls.service.add_model(cls.path)

    def test_list_for_people(self):
        result = self.service.cli("list")
        self.assert_exit(result, DONE)
        head, row = result.stdout.splitlines()[:2]
        for column in ("NAME", "ID", "SIZE", "MODIFIED"):
            self.assertIn(column, head)
        self.assertIn(self.name, row)
        self.assertNotIn("\x1b", result.stdout, "no colour without a terminal")

    def test_list_as_json_holds_what_the_api_says(self):
        value = self.assert_json_output(self.service.cli("list", "--json"))
        self.assertEqual(value["models"], self.client.get("/api/tags").json()["models"])
        row = value["models"][0]
        self.assertEqual((row["name"], row["model"]), (self.name, self.name))
        self.assertEqual(row["size"] > 0, True)
        self.assertRegex(row["digest"], "^[0-9a-f]{64}$")
        for name in ("format", "family", "parameter_size", "quantization_level"):
            self.assertIn(name, row["details"])

    def test_show(self):
        text = self.service.cli("show", self.name)
        self.assert_exit(text, DONE)
        self.assertIn("llama", text.stdout)
        value = self.assert_json_output(self.service.cli("show", self.name, "--json"))
        self.assertIn("model_info", value)
        self.assertEqual(value["model_info"]["general.architecture"], "llama")
        self.assertIn("capabilities", value)
        self.assertIn("details", value)

    def test_ps_and_stop(self):
        self.service.unload_all()
        self.assert_exit(self.service.cli("ps"), DONE)
        self.client.post("/api/generate", {"model": "m", "backend": "echo"})
        text = self.service.cli("ps")
        self.assert_exit(text, DONE)
        self.assertIn("m", text.stdout)
        self.assertIn("NAME", text.stdout.splitlines()[0])
        value = self.assert_json_output(self.service.cli("ps", "--json"))
        self.assertEqual([row["name"] for row in value["models"]], ["m"])
        self.assert_exit(self.service.cli("stop", "m"), DONE)
        self.assertEqual(self.service.loaded(), [])
        self.assertEqual(self.service.family().runners, [], "stop returns when the memory is free")

    def test_status(self):
        self.assert_exit(self.service.cli("status"), DONE)
        value = self.assert_json_output(self.service.cli("status", "--json"))
        self.assertIn(f'"pid": {self.service.pid}'.replace(" ", ""), json.dumps(value).replace(" ", ""))

    def test_version_and_help(self):
        for arguments in (["version"], ["--version"]):
            result = self.service.cli(*arguments)
            self.assert_exit(result, DONE)
            self.assertRegex(result.stdout, r"\d+\.\d+\.\d+")
        self.assert_json_output(self.service.cli("version", "--json"))
        for arguments in (["help"], ["--help"], []):
            result = self.service.cli(*arguments)
            text = result.stdout + result.stderr
            for command in ("pull", "run", "list", "show", "ps", "stop", "rm", "status"):
                self.assertIn(command, text, arguments)
        for command in ("pull", "run", "list", "show", "ps", "stop", "rm", "status", "version"):
            result = self.service.cli(command, "--help")
            self.assert_exit(result, DONE)
            self.assertIn("--json", result.stdout)

    def test_pull_and_rm(self):
        copy = gguf_file.write_ballast(self.service.home / "second.gguf", 1_000_000, seed=2)
        pulled = self.service.cli("pull", copy)
        self.assert_exit(pulled, DONE)
        self.assertIn("second:latest", pulled.stdout + pulled.stderr, "the name is always printed")
        self.assertIn("second:latest", self.service.models())
        removed = self.service.cli("rm", "second")
        self.assert_exit(removed, DONE)
        self.assertRegex(removed.stdout + removed.stderr, r"\d.*[kKM]?B", "rm says how much came free")
        self.assertNotIn("second:latest", self.service.models())

    def test_pull_as_json(self):
        copy = gguf_file.write_ballast(self.service.home / "third.gguf", 1_000_000, seed=3)
        result = self.service.cli("pull", copy, "--json")
        self.assert_exit(result, DONE)
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertTrue(all(line.get("version") == 1 for line in lines[-1:]), lines[-1])
        self.assertEqual(lines[-1].get("status"), "success", lines[-1])
        self.assert_json_output(self.service.cli("rm", "third", "--json"))

    def test_run_one_shot(self):
        result = self.service.cli("run", "--backend", "echo", "x", "hello world")
        self.assert_exit(result, DONE)
        self.assertEqual(result.stdout, "hello world\n")
        self.assertEqual(result.stderr, "", "nothing but the answer in a pipe")

    def test_run_reads_a_pipe(self):
        piped = self.service.cli("run", "--backend", "echo", "x", stdin="from the pipe")
        self.assert_exit(piped, DONE)
        self.assertEqual(piped.stdout.strip(), "from the pipe")
        both = self.service.cli("run", "--backend", "echo", "x", "first:", stdin="then the pipe")
        self.assert_exit(both, DONE)
        self.assertRegex(both.stdout, r"(?s)^first:\s+then the pipe\s*$")

    def test_run_as_json(self):
        result = self.service.cli("run", "--json", "--backend", "echo", "x", "hello world")
        self.assert_exit(result, DONE)
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual({line["version"] for line in lines}, {1})
        self.assertEqual("".join(line["response"] for line in lines), "hello world")
        self.assertIs(lines[-1]["done"], True)

    def test_run_streams(self):
        environment = self.service.environment
        with subprocess.Popen([BIN / "hearth", "run", "--backend", "echo", "slow", "word " * 400], env=environment, stdout=subprocess.PIPE) as run:
            first = run.stdout.read(5)
            self.assertEqual(first, b"word ")
            run.stdout.read()
        self.assertEqual(run.returncode, 0)

    def test_a_reader_that_leaves_is_no_crash(self):
        run = subprocess.run(f"'{BIN}/hearth' run --backend echo x \"$(seq 1 20000 | tr '\\n' ' ')\" | head -c 10; echo ${{PIPESTATUS[0]}}",
                             shell=True, executable="/bin/bash", env=self.service.environment, capture_output=True, text=True, timeout=30)
        self.assertIn(run.stdout.splitlines()[-1].split()[-1], ("0", "1", "141"), run.stdout[-200:] + run.stderr[-500:])

    def test_commands_do_not_wait_for_a_terminal(self):
        for command in (["list"], ["ps"], ["status"]):
            self.assert_exit(self.service.cli(*command, stdin=""), DONE)


class Terminals(HearthTest):
    """What needs a terminal: the chat, the colours, Ctrl-C."""

    def chat(self, *arguments):
        terminal = Terminal([BIN / "hearth", "run", "--backend", "echo", *arguments], self.service.environment, self.service.home)
        self.addCleanup(terminal.close)
        return terminal

    def test_chat_answers_and_remembers_until_control_d(self):
        chat = self.chat("talk")
        chat.expect(">>>")
        chat.type("hello there\r")
        after = chat.expect("hello there")  # the line as typed
        after = chat.expect("hello there", after=after)  # the answer
        after = chat.expect(">>>", after=after)
        chat.type("second question\r")
        after = chat.expect("second question", after=chat.expect("second question", after=after))
        chat.expect(">>>", after=after)
        chat.press_control("D")
        self.assertEqual(chat.wait(), DONE)

    def test_bye_leaves(self):
        chat = self.chat("talk")
        chat.expect(">>>")
        chat.type("/bye\r")
        self.assertEqual(chat.wait(), DONE)

    def test_unknown_slash_command_is_named(self):
        chat = self.chat("talk")
        after = chat.expect(">>>")
        chat.type("/nonsense\r")
        after = chat.expect("/nonsense is not a command", after=after)
        chat.expect(">>>", after=chat.expect("hint:", after=after))
        chat.press_control("D")
        self.assertEqual(chat.wait(), DONE)

    def test_control_c_at_the_prompt_clears_the_line(self):
        chat = self.chat("talk")
        after = chat.expect(">>>")
        chat.type("never sent")
        chat.expect("never sent", after=after)
        chat.press_control("C")
        after = chat.expect(">>>", after=len(chat.seen) - 3 if chat.seen.endswith(">>>") else after)
        chat.type("sent\r")
        chat.expect(">>>", after=chat.expect("sent", after=chat.expect("sent", after=after)))
        self.assertNotIn("never sentsent", chat.seen)
        chat.press_control("D")
        self.assertEqual(chat.wait(), DONE)

    def test_pasted_unicode_comes_back_whole(self):
        chat = self.chat("talk")
        after = chat.expect(">>>")
        chat.type("grüße 日本\r")
        chat.expect(">>>", after=chat.expect("grüße 日本", after=chat.expect("grüße 日本", after=after)))
        chat.press_control("D")
        self.assertEqual(chat.wait(), DONE)

    def test_pull_draws_a_bar_on_a_terminal_only(self):
        path = gguf_file.write_ballast(self.service.home / "bar.gguf", 30_000_000)
        with Origin({"bar.gguf": path}) as origin:
            origin.limit_rate(20_000_000)
            pull = Terminal([BIN / "hearth", "pull", origin.url("bar.gguf")], self.service.environment, self.service.home)
            self.addCleanup(pull.close)
            self.assertEqual(pull.wait(60), DONE, pull.seen[-800:])
        self.assertRegex(pull.seen, r"\d+%")
        self.assertIn("30 MB", pull.seen)
        path2 = gguf_file.write_ballast(self.service.home / "plain.gguf", 30_000_000, seed=2)
        plain = self.service.cli("pull", path2)
        self.assertNotIn("\r", plain.stderr + plain.stdout, "no redrawing without a terminal")


class Interrupts(HearthTest):
    """Ctrl-C of commands that run without a chat."""

    def test_interrupting_a_one_shot_answer_ends_with_130_and_frees_the_slot(self):
        command = [BIN / "hearth", "run", "--backend", "echo", "--ctx", "2000000", "m"]
        with subprocess.Popen(command, env=self.service.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
            run.stdin.write(b"word " * 1_000_000)
            run.stdin.close()
            self.assertTrue(run.stdout.read(10))
            run.send_signal(signal.SIGINT)  # the pipe is full and the answer far from its end
            time.sleep(0.2)
            run.stdout.read()
            self.assertEqual(run.wait(seconds(10)), INTERRUPTED)
        self.eventually(lambda: not any(row.get("active_requests") for row in self.client.get("/api/ps").json()["models"]), what="the request to end")

    def test_interrupting_a_pull_leaves_130_and_a_hint(self):
        path = gguf_file.write_ballast(self.service.home / "slow.gguf", 40_000_000)
        with Origin({"slow.gguf": path}) as origin:
            origin.limit_rate(4_000_000)
            with subprocess.Popen([BIN / "hearth", "pull", origin.url("slow.gguf")], env=self.service.environment,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as pull:
                self.eventually(lambda: origin.served > 4_000_000, 20, "bytes to flow")
                pull.send_signal(signal.SIGINT)
                _, said = pull.communicate(timeout=seconds(20))
            self.assertEqual(pull.returncode, INTERRUPTED, said)
            self.eventually(lambda: origin.active == 0, 10, "the transfer to end when its last listener left")
            self.assertGreater(self.service.partial_bytes(), 0, "what arrived stays for the next try")


class AutoStart(HearthTest):
    """Without a service: the command starts one, and says so."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.destroy)
        cls.client = cls.service.client

    def service_pid(self):
        found = [pid for pid in processes.of_folder(self.service.home) if processes.program(pid) == "hearthd"]
        roots = [pid for pid in found if processes.parents().get(pid) not in found]
        return roots[0] if roots else None

    def tearDown(self):
        pid = self.service_pid()
        if pid:
            processes.end(pid, signal.SIGTERM)
            self.eventually(lambda: not processes.alive(pid), 15, "the service to end")

    def test_list_starts_the_service_and_says_so(self):
        first = self.service.cli("list")
        self.assert_exit(first, DONE)
        self.assertRegex(first.stderr, r"(?i)start")
        self.assertNotRegex(first.stdout, r"(?i)start", "results only on stdout")
        pid = self.service_pid()
        self.assertTrue(pid, "the service lives on")
        again = self.service.cli("list")
        self.assert_exit(again, DONE)
        self.assertEqual(again.stderr, "", "nothing to say the second time")
        self.assertEqual(self.service_pid(), pid)
        self.assertTrue((self.service.home / "home/.local/state/hearth/hearthd.log").exists(), "its log is where the design says")

    def test_json_stays_clean_when_the_service_is_started(self):
        self.assert_json_output(self.service.cli("list", "--json"))

    def test_many_commands_at_once_start_one_service(self):
        started = [subprocess.Popen([BIN / "hearth", "list"], env=self.service.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                   for _ in range(6)]
        for command in started:
            _, said = command.communicate(timeout=seconds(30))
            self.assertEqual(command.returncode, DONE, said)

        def services():
            found = [pid for pid in processes.of_folder(self.service.home) if processes.program(pid) == "hearthd"]
            parents = processes.parents()
            return [pid for pid in found if parents.get(pid) not in found]

        self.eventually(lambda: len(services()) == 1, 15, "one service: those that found the socket taken leave")

    def test_the_service_survives_the_terminal_that_started_it(self):
        run = Terminal([BIN / "hearth", "list"], self.service.environment, self.service.home)
        self.assertEqual(run.wait(), DONE)
        run.close()
        time.sleep(0.3)
        self.assertTrue(self.service_pid())

    def test_a_service_that_cannot_start_is_quoted(self):
        runtime = self.service.home / "run"
        runtime.mkdir(mode=0o700, exist_ok=True)
        self.addCleanup(runtime.chmod, 0o700)
        runtime.chmod(0o755)
        result = self.service.cli("list")
        self.assert_exit(result, UNREACHABLE)
        self.assertIn(f"{runtime} is open to other users; chmod 700 {runtime}", result.stderr)

    def test_status_tells_that_nothing_runs_and_starts_nothing(self):
        result = self.service.cli("status", "--json")
        self.assertEqual(result.returncode, UNREACHABLE, result.stderr)
        self.assertIs(json.loads(result.stdout)["running"], False)
        self.assertIsNone(self.service_pid())

    def test_version_and_help_start_nothing(self):
        self.assert_exit(self.service.cli("version"), DONE)
        self.assert_exit(self.service.cli("--help"), DONE)
        self.assertIsNone(self.service_pid())


@needs_llama
class RealModel(HearthTest):
    """The main path of the issue on llama.cpp: pull, show, run, rm."""

    def test_pull_show_run_rm(self):
        path = models.tiny()
        name = path.stem
        self.assert_exit(self.service.cli("pull", path), DONE)
        self.assert_exit(self.service.cli("show", name), DONE)
        answer = self.service.cli("run", name, "--max-tokens", "16", "Good morning")
        self.assert_exit(answer, DONE)
        self.assertTrue(answer.stdout.strip())
        self.assertIn(name, self.service.cli("ps").stdout)
        self.assert_exit(self.service.cli("stop", name), DONE)
        self.assert_exit(self.service.cli("rm", name), DONE)
        self.assertEqual(self.service.blobs(), [])

    def test_control_c_in_a_chat_stops_the_answer_not_the_program(self):
        name = self.service.add_model(models.tiny())
        with Terminal([BIN / "hearth", "run", "--max-tokens", "3000", name], self.service.environment, self.service.home) as chat:
            start = chat.expect(">>>")
            chat.type("Tell me a long story\r")
            said = chat.expect("Tell me a long story", after=start)
            self.eventually(lambda: chat.pump() and len(chat.seen) > said + 80, 30, "an answer to begin")
            chat.press_control("C")
            after = chat.expect(">>>", after=said)
            self.assertLess(len(chat.seen) - said, 12_000, "the answer was cut short")
            self.eventually(lambda: not any(row.get("active_requests") for row in self.client.get("/api/ps").json()["models"]), what="the request to end")
            chat.type("And another\r")
            said = chat.expect("And another", after=after)
            self.eventually(lambda: chat.pump() and len(chat.seen) > said + 80, 30, "the next answer")
            chat.press_control("C")
            chat.expect(">>>", after=said)
            chat.press_control("D")
            self.assertEqual(chat.wait(), DONE)
