"""`hearth config` and files that change under a service that runs."""
import json
import signal

from harness import DONE, USAGE, HearthTest, Service

FILE = "# my settings\n[runtime]   # of models\nkeep_alive = \"10m\" # long\n\n[models.\"a.b:c\"]\nkeep_alive = -1\n"


class Settings(HearthTest):
    def setUp(self):
        super().setUp()
        self.path = self.service.home / "config.toml"
        self.write(FILE)

    def write(self, text):
        self.path.write_text(text)
        self.eventually(lambda: self.seen(text), what="the file to be read")

    def seen(self, text):
        """The service has read the file: it shows the same keep_alive and finds nothing wrong."""
        answer = self.client.get("/hearth/v1/config").json()
        rows = {row["name"]: row["value"] for row in answer["settings"]}
        wanted = next((line.split(" = ")[1].split(" #")[0] for line in text.splitlines() if line.startswith("keep_alive")), '"5m"')
        return "problem" not in answer and rows["runtime.keep_alive"] == wanted

    def row(self, key):
        return self.assert_json_output(self.service.cli("config", "explain", key, "--json"))["settings"][0]

    def test_get_prints_a_value_for_scripts(self):
        self.assertEqual(self.service.cli("config", "get", "runtime.keep_alive").stdout, "10m\n")
        self.assertEqual(self.service.cli("config", "get", "runtime.parallel").stdout, "4\n")
        everything = self.service.cli("config").stdout
        self.assertIn("runtime.keep_alive\t\"10m\"\tuser", everything)

    def test_explain_tells_which_layer_set_it(self):
        row = self.row("runtime.keep_alive")
        self.assertEqual([(word["layer"], word["value"]) for word in row["set_by"]], [("user", '"10m"'), ("built-in", '"5m"')])
        self.assertEqual(row["set_by"][0]["place"], f"{self.path}:3")
        text = self.service.cli("config", "explain", "runtime.keep_alive").stdout
        self.assertIn('runtime.keep_alive = "10m"\n  * user', text)
        self.assertEqual(self.row('models."a.b:c".keep_alive')["value"], "-1")

    def test_set_changes_one_place_and_counts_at_once(self):
        self.assert_exit(self.service.cli("config", "set", "runtime.keep_alive", "1h"), DONE)
        self.assertEqual(self.path.read_text(), FILE.replace('"10m"', '"1h"'))
        self.assertEqual(self.row("runtime.keep_alive")["value"], '"1h"')
        self.assert_exit(self.service.cli("config", "set", "runtime.context", "4096"), DONE)
        self.assertIn("[runtime]   # of models\ncontext = 4096\n", self.path.read_text())
        self.assert_exit(self.service.cli("config", "set", "memory.ram_limit", "8GiB"), DONE)
        self.assertIn('[memory]\nram_limit = "8GiB"\n', self.path.read_text())
        self.assert_exit(self.service.cli("config", "set", 'models."x/y:z".context', "512"), DONE)
        self.assertEqual(self.row('models."x/y:z".context')["value"], "512")
        self.assert_exit(self.service.cli("config", "unset", "memory.ram_limit"), DONE)
        self.assertEqual(self.row("memory.ram_limit")["value"], "")

    def test_what_only_a_restart_changes_says_so(self):
        result = self.service.cli("config", "set", "server.origins", '["https://app.example"]')
        self.assert_exit(result, DONE)
        self.assertIn("counts after: hearth service restart", result.stdout)

    def test_set_refuses_what_cannot_be_and_leaves_the_file(self):
        for key, value, text in [("runtime.paralel", "2", "did you mean runtime.parallel?"), ("runtime.parallel", "two", "whole number"),
                                 ("runtime.keep_alive", "soon", "duration"), ("server.compat_no_token", "maybe", "true or false")]:
            result = self.service.cli("config", "set", key, value)
            self.assert_exit(result, USAGE)
            self.assertIn(text, result.stderr)
        self.assertEqual(self.path.read_text(), FILE)
        self.assert_exit(self.service.cli("config", "get", "runtime.paralel"), USAGE)

    def test_a_broken_file_keeps_the_old_values_and_says_so(self):
        with self.client.stream("GET", "/hearth/v1/events") as events:
            self.path.write_text("runtime.keep_alive = [\n")
            self.eventually(lambda: "problem" in self.client.get("/hearth/v1/config").json(), what="the problem")
            del events
        result = self.service.cli("config", "get", "runtime.keep_alive")
        self.assertEqual(result.stdout, "10m\n")
        self.assertIn("stay in force", result.stderr)
        self.assertIn("the old settings stay in force", self.service.log_tail())
        self.assertNotEqual(self.service.cli("config", "set", "runtime.keep_alive", "1h").returncode, 0)
        self.write(FILE.replace("10m", "11m"))
        self.assertEqual(self.service.cli("config", "get", "runtime.keep_alive").stdout, "11m\n")

    def test_a_file_that_is_replaced_is_read_again(self):
        new = self.path.with_suffix(".new")
        new.write_text(FILE.replace("10m", "12m"))
        new.rename(self.path)
        self.eventually(lambda: self.row("runtime.keep_alive")["value"] == '"12m"', what="the new value")

    def test_counts_for_what_begins_after_it(self):
        self.assert_exit(self.service.cli("config", "set", "runtime.keep_alive", "2h"), DONE)
        self.client.post("/api/generate", {"model": "m", "backend": "echo", "prompt": "x", "stream": False})
        until = self.client.get("/api/ps").json()["models"][0]["expires_at"]
        self.service.unload_all()
        self.assert_exit(self.service.cli("config", "set", 'models."m".keep_alive', "-1"), DONE)
        self.client.post("/api/generate", {"model": "m", "backend": "echo", "prompt": "x", "stream": False})
        self.assertGreater(self.client.get("/api/ps").json()["models"][0]["expires_at"], until)
        self.service.unload_all()


class Signal(HearthTest):
    def test_hangup_reads_a_file_in_a_folder_that_was_not_there(self):
        service = Service()
        self.addCleanup(service.destroy)
        path = service.home / "later/config.toml"
        service.environment["HEARTH_CONFIG"] = str(path)
        service.start()
        path.parent.mkdir()
        path.write_text("runtime.parallel = 7\n")
        service.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: service.cli("config", "get", "runtime.parallel").stdout == "7\n", what="the new value")


class Ollama(HearthTest):
    """OLLAMA_* counts when it is asked for, below both files."""

    service_environment = {"OLLAMA_KEEP_ALIVE": "20m", "OLLAMA_CONTEXT_LENGTH": "8192", "OLLAMA_NUM_PARALLEL": "2", "OLLAMA_ORIGINS": "https://a.example,https://b.example"}

    def values(self):
        rows = json.loads(self.service.cli("config", "--json").stdout)["settings"]
        return {row["name"]: (row["value"], row["layer"]) for row in rows}

    def test_only_when_asked_for_and_below_the_files(self):
        self.assertEqual(self.values()["runtime.keep_alive"], ('"5m"', "built-in"))
        self.assert_exit(self.service.cli("config", "set", "compat.ollama", "true"), DONE)
        values = self.values()
        self.assertEqual(values["runtime.keep_alive"], ('"20m"', "OLLAMA_*"))
        self.assertEqual(values["runtime.context"], ("8192", "OLLAMA_*"))
        self.assertEqual(values["runtime.parallel"], ("2", "OLLAMA_*"))
        self.assertEqual(values["server.origins"], ('["https://a.example", "https://b.example"]', "OLLAMA_*"))
        self.assert_exit(self.service.cli("config", "set", "runtime.parallel", "3"), DONE)
        self.assertEqual(self.values()["runtime.parallel"], ("3", "user"))
