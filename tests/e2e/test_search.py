"""The catalogue of well-known models: finding them, and the names that stand for them."""
import models
from harness import DONE, HearthTest


class Search(HearthTest):
    def search(self, words=""):
        response = self.client.get("/hearth/v1/search" + (f"?q={words.replace(' ', '%20')}" if words else ""))
        self.assertEqual(response.status, 200, response)
        return response.json()["models"]

    def test_every_word_must_match(self):
        everything = self.search()
        self.assertGreater(len(everything), 20)
        for row in everything:
            self.assertTrue(row["full_name"].endswith(row["name"]), row)
            for name in ("title", "publisher", "parameters", "license", "capabilities"):
                self.assertTrue(row[name], row)
        self.assertEqual([row["name"] for row in self.search("LLAMA 3.2 1b")], ["llama3.2:1b"])
        self.assertTrue(all("embedding" in row["capabilities"] for row in self.search("embedding")))
        self.assertEqual(self.search("llama nonsense"), [])

    def test_the_command_prints_names_titles_and_licences(self):
        value = self.assert_json_output(self.service.cli("search", "smollm2", "--json"))
        self.assertEqual({row["license"] for row in value["models"]}, {"Apache-2.0"})
        table = self.service.cli("search", "smollm2")
        self.assert_exit(table, DONE)
        self.assertIn("registry.ollama.ai/library/smollm2:135m", table.stdout)
        self.assertEqual(self.service.cli("search", "smollm2", "135m", "-q").stdout, "smollm2:135m\n")

    def test_a_well_known_name_finds_what_is_in_the_store(self):
        full = "registry.ollama.ai/library/llama3.2:1b"
        lines = self.service.pull_ok(models.small_valid(self.service.home).as_uri(), **{"as": full})
        self.assertEqual((lines[-1]["model"], lines[-1]["full_name"]), ("llama3.2:1b", full))
        for name in ("llama-3.2-1b", "Llama-3.2-1B-Instruct", "llama3.2:1b"):
            with self.subTest(name):
                self.assertEqual(self.client.post("/api/show", {"model": name}).json()["name"], full)
        self.assertIs(self.search("llama 3.2 1b")[0]["installed"], True)
        self.client.request("DELETE", "/api/delete", {"model": "llama-3.2-1b"})
        self.assertIs(self.search("llama 3.2 1b")[0]["installed"], False)

    def test_a_model_of_ones_own_goes_before_the_catalogue(self):
        self.service.pull_ok(models.small_valid(self.service.home).as_uri(), **{"as": "qwen3-0.6b"})
        self.addCleanup(self.client.request, "DELETE", "/api/delete", {"model": "qwen3-0.6b"})
        self.assertEqual(self.client.post("/api/show", {"model": "qwen3-0.6b"}).json()["name"], "local/qwen3-0.6b:latest")
