"""Pulling from everything the first version pulls from: a file, a URL, an OCI registry with Ollama's manifests, split models, pins."""
import hashlib
import json

import gguf_file
import models
from harness import DONE, HearthTest, needs_llama
from sources import Origin, Registry, ollama_layers


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Files(HearthTest):
    def test_a_file_by_path_and_by_url(self):
        path = models.small_valid(self.service.home)
        lines = self.service.pull_ok(path.as_uri())
        digest = sha256(path.read_bytes())
        self.assertEqual(self.service.models(), [f"{path.stem}:latest"])
        self.assertEqual([blob.name for blob in self.service.blobs() if blob.stat().st_size == path.stat().st_size], [digest])
        blob = next(blob for blob in self.service.blobs() if blob.name == digest)
        self.assertEqual(blob.parent.name, digest[:2])
        self.assertEqual(blob.stat().st_mode & 0o777, 0o444)
        self.assertEqual(blob.read_bytes(), path.read_bytes())
        self.assertEqual(self.service.partial_bytes(), 0)
        statuses = [line["status"] for line in lines]
        self.assertEqual(statuses[-1], "success")
        path.unlink()
        self.assert_exit(self.service.cli("show", path.stem), DONE)  # a copy, not a link to what the user may delete

    def test_progress_has_ollamas_shape_and_never_falls(self):
        path = gguf_file.write_ballast(self.service.home / "long.gguf", 60_000_000)
        lines = self.service.pull_ok(path.as_uri())
        done = [line for line in lines if "total" in line]
        self.assertTrue(done)
        for line in done:
            self.assertTrue(line["status"].startswith("pulling "), line)
            self.assertRegex(line.get("digest", "sha256:" + "0" * 64), "^sha256:[0-9a-f]{64}$")
            self.assertLessEqual(line.get("completed", 0), line["total"])
        counted = [line.get("completed", 0) for line in done]
        self.assertEqual(counted, sorted(counted), "progress never runs backwards")
        self.assertEqual(counted[-1], path.stat().st_size)

    def test_pulling_twice_is_quick_and_keeps_one_blob(self):
        path = gguf_file.write_ballast(self.service.home / "twice.gguf", 2_000_000, seed=9)
        self.service.pull_ok(path.as_uri())
        blobs = self.service.blobs()
        self.service.pull_ok(path.as_uri())
        self.assertEqual(self.service.blobs(), blobs)

    def test_one_blob_for_two_names_lives_until_the_last_name_goes(self):
        path = gguf_file.write_ballast(self.service.home / "one.gguf", 1_000_000, seed=10)
        other = self.service.home / "two.gguf"
        other.write_bytes(path.read_bytes())
        digest = sha256(path.read_bytes())
        self.service.add_model(path)
        self.service.add_model(other)
        self.assert_exit(self.service.cli("rm", "one"), DONE)
        self.assertIn(digest, [blob.name for blob in self.service.blobs()])
        self.assert_exit(self.service.cli("rm", "two"), DONE)
        self.assertNotIn(digest, [blob.name for blob in self.service.blobs()])

    def test_models_survive_a_restart(self):
        path = gguf_file.write_ballast(self.service.home / "stays.gguf", 1_000_000, seed=11)
        name = self.service.add_model(path)
        before = self.client.get("/api/tags").json()
        self.service.restart()
        self.assertEqual(self.client.get("/api/tags").json(), before)
        self.assertIn(name, self.service.models())


class Urls(HearthTest):
    def setUp(self):
        super().setUp()
        self.path = models.small_valid(self.service.home)
        self.origin = Origin({"dir/small.gguf": self.path})
        self.addCleanup(self.origin.stop)

    def tearDown(self):
        for name in self.service.models():
            self.service.cli("rm", name)

    def test_a_url_on_loopback(self):
        self.service.pull_ok(self.origin.url("dir/small.gguf"))
        self.assertEqual(self.service.models(), ["small:latest"])

    def test_a_right_pin_is_kept(self):
        digest = sha256(self.path.read_bytes())
        self.service.pull_ok(f"{self.origin.url('dir/small.gguf')}@sha256:{digest}")
        self.assertEqual(self.service.models(), ["small:latest"])

    def test_a_wrong_pin_is_refused_and_nothing_published(self):
        lines = self.service.pull(f"{self.origin.url('dir/small.gguf')}@sha256:{'0' * 64}")
        self.assert_error_body(lines[-1], "blob.corrupt")
        self.assertEqual((self.service.models(), self.service.blobs()), ([], []))

    def test_not_found_and_server_errors_are_told_apart(self):
        self.assert_error_body(self.service.pull(self.origin.url("absent.gguf"))[-1], "model.not_found")
        self.origin.answer_status("dir/small.gguf", 403)
        self.assert_error_body(self.service.pull(self.origin.url("dir/small.gguf"))[-1], "registry.denied")
        self.origin.answer_status("dir/small.gguf", 500)
        self.assert_error_body(self.service.pull(self.origin.url("dir/small.gguf"))[-1], "registry.failed")

    def test_a_page_instead_of_a_model_is_refused(self):
        page = self.service.home / "login.gguf"
        page.write_bytes(b"<!doctype html><html>please log in</html>" * 50)
        with Origin({"login.gguf": page}) as origin:
            self.assert_error_body(self.service.pull(origin.url("login.gguf"))[-1], "model.invalid")
        self.assertEqual(self.service.models(), [])

    def test_redirects_are_followed_five_deep_and_no_further(self):
        self.origin.redirect("short.gguf", "dir/small.gguf", hops=3)
        self.service.pull_ok(self.origin.url("short.gguf"))
        self.origin.redirect("endless.gguf", "endless.gguf", hops=50)
        error = self.service.pull(self.origin.url("endless.gguf"))[-1]
        self.assert_error_body(error, ("registry.unreachable", "registry.failed", "network.forbidden"))

    def test_a_redirect_to_another_scheme_is_refused(self):
        self.origin.redirect_to_url("evil.gguf", "file:///etc/passwd")
        self.assert_error_body(self.service.pull(self.origin.url("evil.gguf"))[-1], ("network.forbidden", "registry.failed", "registry.unreachable"))


class OciRegistry(HearthTest):
    """Debian's docker-registry with the manifests that Ollama's library has."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry()
        cls.addClassCleanup(cls.registry.stop)
        cls.path = gguf_file.write_ballast(cls.service.home / "weights.gguf", 3_000_000, seed=20)
        cls.layers = ollama_layers(cls.path, template="{{ .Prompt }}", system="Be brief.", params={"temperature": 0.3, "stop": ["<end>"]}, license="MIT")
        cls.digest = cls.registry.push("library/kept", "q4", cls.layers)

    def reference(self, name="library/kept:q4"):
        return f"{self.registry.host}/{name}"

    def test_pull_by_tag_keeps_the_manifest_byte_for_byte(self):
        self.service.pull_ok(self.reference())
        row = next(row for row in self.client.get("/api/tags").json()["models"] if row["name"].endswith("kept:q4"))
        self.assertEqual(row["digest"], self.digest.removeprefix("sha256:"), "the ID is the digest of the manifest as served")
        self.assertEqual(row["name"], self.reference())

    def test_show_knows_the_layers(self):
        self.service.pull_ok(self.reference())
        shown = self.client.post("/api/show", {"model": self.reference()}).json()
        self.assertEqual(shown["template"], "{{ .Prompt }}")
        self.assertEqual(shown["system"], "Be brief.")
        self.assertIn("temperature", shown["parameters"])
        self.assertIn("0.3", shown["parameters"])
        self.assertIn("MIT", shown["license"])

    def test_names_compare_without_case(self):
        self.service.pull_ok(self.reference())
        self.assertEqual(self.client.post("/api/show", {"model": self.reference().replace("kept", "KEPT")}).status, 200)

    def test_pull_by_digest(self):
        self.service.pull_ok(f"{self.registry.host}/library/kept@{self.digest}")
        self.service.pull_ok(f"{self.reference()}@{self.digest}")

    def test_a_pin_that_is_not_there_or_not_the_tag(self):
        wrong = "sha256:" + "1" * 64
        error = self.service.pull(f"{self.registry.host}/library/kept@{wrong}")[-1]
        self.assert_error_body(error, ("model.not_found", "blob.corrupt"))

    def test_unknown_model_and_tag(self):
        for name in ("library/absent:latest", "library/kept:absent"):
            with self.subTest(name):
                self.assert_error_body(self.service.pull(self.reference(name))[-1], "model.not_found")
        self.assertEqual(self.service.cli("pull", self.reference("library/absent")).returncode, 3)

    def test_a_moved_tag_is_pulled_anew_and_the_old_blob_goes(self):
        first = gguf_file.write_ballast(self.service.home / "first.gguf", 1_000_000, seed=21)
        second = gguf_file.write_ballast(self.service.home / "second.gguf", 1_000_000, seed=22)
        self.registry.push("library/moving", "latest", ollama_layers(first))
        self.service.pull_ok(self.reference("library/moving"))
        digest = self.registry.push("library/moving", "latest", ollama_layers(second))
        self.service.pull_ok(self.reference("library/moving"))
        row = next(row for row in self.client.get("/api/tags").json()["models"] if "moving" in row["name"])
        self.assertEqual("sha256:" + row["digest"], digest)
        self.assertIn(sha256(second.read_bytes()), [blob.name for blob in self.service.blobs()])

    def test_two_pulls_of_the_same_share_one_download(self):
        from concurrent.futures import ThreadPoolExecutor
        big = gguf_file.write_ballast(self.service.home / "shared.gguf", 20_000_000, seed=23)
        self.registry.push("library/shared", "latest", ollama_layers(big))
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda _: self.service.pull(self.reference("library/shared")), range(4)))
        self.assertEqual([lines[-1].get("status") for lines in results], ["success"] * 4)

    @needs_llama
    def test_pull_show_run_rm(self):
        self.registry.push("library/tiny", "latest", ollama_layers(models.tiny(), system="Be brief."))
        name = self.reference("library/tiny")
        self.assert_exit(self.service.cli("pull", name), DONE)
        shown = self.service.cli("show", name, "--json")
        self.assertEqual(json.loads(shown.stdout)["model_info"]["general.architecture"], "llama")
        answer = self.service.cli("run", name, "--max-tokens", "8", "hello")
        self.assert_exit(answer, DONE)
        self.assert_exit(self.service.cli("rm", name), DONE)
        self.assertNotIn(name, [model.removesuffix(":latest") for model in self.service.models()])

    @needs_llama
    def test_a_split_model_from_a_registry_answers_as_the_whole_one(self):
        shards = models.split_tiny(self.service.home, "pieces", 3)
        self.registry.push("library/split", "latest", ollama_layers(*shards))
        name = self.reference("library/split")
        self.service.pull_ok(name)
        options = {"num_predict": 16, "temperature": 0}
        whole = self.service.add_model(models.tiny())
        text, last = self.service.generate(name, "Once upon a time", raw=True, options=options)
        self.assertIs(last.get("done"), True, last)
        expected, _ = self.service.generate(whole, "Once upon a time", raw=True, options=options)
        self.assertEqual(text, expected)


@needs_llama
class SplitFiles(HearthTest):
    def test_a_split_model_from_files_is_taken_whole_by_its_first_shard(self):
        shards = models.split_tiny(self.service.home, "parts", 2)
        self.service.pull_ok(shards[0].as_uri())
        self.assertEqual(self.service.models(), ["parts:latest"])
        _, last = self.service.generate("parts", "x", options={"num_predict": 2})
        self.assertIs(last.get("done"), True, last)

    def test_a_missing_shard_is_named(self):
        shards = models.split_tiny(self.service.home, "lost", 2)
        shards[1].unlink()
        error = self.service.pull(shards[0].as_uri())[-1]
        self.assertIn("error", error)
        self.assertNotIn("lost:latest", self.service.models())
