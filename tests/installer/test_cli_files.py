"""What is made from the table of the command line: completions in real shells, manual pages, docs/cli.md."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import models  # noqa: E402
from harness import BIN, DONE, HAS_LLAMA, Service, seconds  # noqa: E402
from terminal import Terminal  # noqa: E402


def make_files(folder):
    subprocess.run([ROOT / "installer/make_cli_files", "--hearth", BIN / "hearth", "--hearthd", BIN / "hearthd",
                    "--plugin-check", BIN / "hearth-plugin-check", "--output", folder], check=True)
    return Path(folder)


def commands():
    return json.loads(subprocess.run([BIN / "hearth", "help", "--json"], check=True, capture_output=True, text=True).stdout)["commands"]


class CliFiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="hearth-cli-files-")
        cls.addClassCleanup(folder.cleanup)
        cls.files = make_files(folder.name)

    def test_man_has_nothing_to_say_about_the_pages(self):
        pages = sorted((self.files / "man").glob("*.1"))
        self.assertEqual([page.name for page in pages], sorted(["hearth.1", "hearthd.1", "hearth-fetch.1", "hearth-runner.1", "hearth-plugin-check.1", *(f"hearth-{row['name']}.1" for row in commands())]))
        for page in pages:
            result = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page], env=os.environ | {"LC_ALL": "C.UTF-8"},
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.assertEqual((result.returncode, result.stderr), (0, ""), page.name)

    def test_the_page_of_a_command_names_its_options(self):
        text = subprocess.run(["man", "-l", "-P", "cat", self.files / "man/hearth-service.1"], env=os.environ | {"LC_ALL": "C.UTF-8", "MANWIDTH": "100"},
                              capture_output=True, text=True).stdout
        for word in ("hearth service", "--at-boot", "-n, --lines INT", "EXIT STATUS", "the service cannot be reached"):
            self.assertIn(word, re.sub(".\b", "", text))

    def test_the_table_in_the_documentation_is_this_one(self):
        text = (ROOT / "docs/cli.md").read_text()
        table = "".join(line for line in text.splitlines(keepends=True) if line.startswith("|"))
        self.assertEqual(table, (self.files / "cli.md").read_text(), "installer/make_cli_files writes it")

    def test_the_scripts_parse(self):
        for shell, name in [("bash", "bash/hearth"), ("zsh", "zsh/_hearth"), ("fish", "fish/hearth.fish")]:
            subprocess.run([shell, "-n", self.files / name], check=True)
        result = subprocess.run(["shellcheck", "-s", "bash", self.files / "bash/hearth"], capture_output=True, text=True)
        self.assertEqual(result.stdout, "")


class Table(unittest.TestCase):
    """The fields and the exit codes that the table promises, on a service."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.destroy)
        cls.service.start()
        cls.model = cls.service.add_model(models.small_valid(cls.service.home))
        cls.rows = {row["name"]: row for row in commands()}

    def arguments(self, name):
        """A call of each command that works here."""
        echo = ["--backend", "echo"]
        return {"run": ["m", "hello", *echo], "pull": [models.small_valid(self.service.home)], "show": [self.model], "load": ["m", *echo],
                "stop": ["m"], "rm": [self.model], "plan": [models.small_valid(self.service.home)], "search": ["qwen"]}.get(name, [])

    def test_every_command_prints_at_least_these_fields(self):
        skipped = ["quantize"] if HAS_LLAMA else ["quantize", "plan"]  # the first needs a real model: tests/e2e/test_quantize.py
        order = [name for name in self.rows if name not in ("rm", *skipped)] + ["rm"]
        for name in order:
            with self.subTest(command=name):
                result = self.service.cli(name, *self.arguments(name), "--json", stdin="")
                self.assertIn(result.returncode, (0, 1) if name in ("doctor", "plan") else (0,), result.stderr)
                seen = set()
                for line in result.stdout.splitlines():
                    value = json.loads(line)
                    self.assertEqual(value["version"], 1)
                    seen |= set(value)
                if result.returncode == 0 or name == "doctor":
                    self.assertLessEqual(set(self.rows[name]["json_fields"]), seen)

    def test_exit_codes_are_those_of_the_table(self):
        missing = "no-such-model"
        for name, words, code in [("show", [missing], 3), ("rm", [missing], 3), ("list", ["--colour"], 2), ("token", ["revoke", "nobody"], 3),
                                  ("service", ["enable"], 1), ("config", ["get", "x"], 2),
                                  ("backend", ["use", "nothing"], 3), ("backend", ["use"], 2)]:
            with self.subTest(command=name):
                environment = {"XDG_RUNTIME_DIR": str(self.service.home / "none")}
                self.assertEqual(self.service.cli(name, *words, environment=environment).returncode, code)
                self.assertIn(str(code), ["1", "2", *self.rows[name]["exit_codes"]])

    def test_without_a_service_that_starts_it_is_5_where_the_table_says_so(self):
        unreachable = {"HEARTH_SOCKET": str(self.service.home / "nobody.sock")}
        for name, row in self.rows.items():
            if name in ("help", "version", "doctor", "service", "backend"):
                continue
            with self.subTest(command=name):
                words = ["a", "b"] if name == "quantize" else self.arguments(name)
                self.assertEqual(self.service.cli(name, *words, stdin="", environment=unreachable).returncode, 5)
                self.assertIn("5", row["exit_codes"])


class Completion(unittest.TestCase):
    """Real shells, typed into."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="hearth-cli-files-")
        cls.addClassCleanup(folder.cleanup)
        cls.files = make_files(folder.name)
        cls.service = Service()
        cls.addClassCleanup(cls.service.destroy)
        cls.service.start()
        path = models.small_valid(cls.service.home)
        cls.service.pull_ok(path.as_uri(), **{"as": "tiny-one:q4_K_M"})
        cls.service.pull_ok(path.as_uri(), **{"as": "tiny-two:latest"})
        (cls.service.home / "weights.gguf").touch()

    def shell(self, *words):
        environment = self.service.environment | {"PATH": f"{BIN}:{os.environ['PATH']}", "PS1": "READY ", "TERM": "dumb"}
        terminal = Terminal([shutil.which(words[0]), *words[1:]], environment, self.service.home, columns=200)
        self.addCleanup(terminal.close)
        return terminal

    def check(self, terminal, typed, shown):
        at = len(terminal.seen)
        terminal.type(typed + "\t")
        terminal.expect(shown, after=at)
        terminal.type("\x15")  # away with the line

    def check_all(self, terminal):
        for typed, shown in [("hearth dev", "hearth devices"), ("hearth run tiny-o", "hearth run tiny-one:q4_K_M"),
                             ("hearth run tiny-one:q", "hearth run tiny-one:q4_K_M"), ("hearth rm tiny-one:q4_K_M tiny-t", "tiny-two:latest"),
                             ("hearth service res", "hearth service restart"), ("hearth load tiny-two:latest --load-m", "--load-mode"),
                             ("hearth load tiny-two:latest --load-mode rep", "--load-mode repack"), ("hearth config get runtime.keep", "runtime.keep_alive"),
                             ("hearth help dev", "hearth help devices"), ("hearth pull wei", "hearth pull weights.gguf"),
                             ("hearth backend ins", "hearth backend install"), ("hearth backend install --from wei", "--from weights.gguf"),
                             ("hearth run tiny-one:q4_K_M -f wei", "-f weights.gguf")]:
            with self.subTest(typed=typed):
                self.check(terminal, typed, shown)

    def test_bash(self):
        terminal = self.shell("bash", "--norc", "--noprofile", "-i")
        terminal.expect("READY ")
        terminal.type(f"source {self.files}/bash/hearth; bind 'set bell-style none'; echo SOUR''CED\n")
        terminal.expect("SOURCED")
        self.check_all(terminal)

    @unittest.skipUnless(shutil.which("zsh"), "needs zsh")
    def test_zsh(self):
        terminal = self.shell("zsh", "-f", "-i")
        terminal.expect("READY ")
        terminal.type(f"fpath=({self.files}/zsh $fpath); autoload -Uz compinit; compinit -u -D; setopt no_beep; echo SOUR''CED\n")
        terminal.expect("SOURCED")
        self.check_all(terminal)

    @unittest.skipUnless(shutil.which("fish"), "needs fish")
    def test_fish(self):
        environment = self.service.environment | {"PATH": f"{BIN}:{os.environ['PATH']}"}
        for typed, wanted in [("hearth dev", "devices"), ("hearth run tiny-o", "tiny-one:q4_K_M"), ("hearth run tiny-one:q", "tiny-one:q4_K_M"),
                              ("hearth rm tiny-one:q4_K_M tiny-t", "tiny-two:latest"), ("hearth service res", "restart"),
                              ("hearth load x --load-mode ", "repack"), ("hearth config get runtime.keep", "runtime.keep_alive"),
                              ("hearth help dev", "devices"), ("hearth pull wei", "weights.gguf"), ("hearth backend ins", "install"),
                              ("hearth backend install --from wei", "weights.gguf"), ("hearth run x -f wei", "weights.gguf")]:
            with self.subTest(typed=typed):
                script = f"source {self.files}/fish/hearth.fish; complete -C '{typed}'"
                out = subprocess.run(["fish", "--no-config", "-c", script], env=environment, capture_output=True, text=True, cwd=self.service.home,
                                     timeout=seconds(30)).stdout
                self.assertIn(wanted, [line.split("\t")[0] for line in out.splitlines()], out)

    def test_starts_no_service_and_offers_what_was_seen_last(self):
        service = Service()
        self.addCleanup(service.destroy)
        names = [BIN / "hearth", "__complete", "models"]
        self.assertEqual(subprocess.run(names, env=service.environment, capture_output=True, text=True).stdout, "")
        service.start()
        service.pull_ok(models.small_valid(service.home).as_uri(), **{"as": "seen:q8_0"})
        self.assertEqual(service.cli("list").returncode, DONE)
        service.stop()
        result = subprocess.run(names, env=service.environment, capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "seen:q8_0\n", ""))
        self.assertFalse(service.socket.exists(), "nothing was started")


if __name__ == "__main__":
    unittest.main()
