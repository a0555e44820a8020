"""Pulling from the Hugging Face Hub by its own API: quants, shards, projectors, gated and renamed repositories, and where the token goes."""
import hashlib
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))

import gguf_file
from harness import DONE, NOT_ALLOWED, NOT_FOUND, HearthTest, Service
from hub import Hub

TOKEN = "hf_secretsecretsecret"


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class HubTest(HearthTest):
    """A service whose HF_ENDPOINT is a look-alike of the class."""

    token = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="hearth-hub-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.files = Path(cls.folder.name)
        cls.hub = Hub(cls.files)
        cls.addClassCleanup(cls.hub.stop)
        cls.service_environment = {"HF_ENDPOINT": cls.hub.url} | ({"HF_TOKEN": cls.token} if cls.token else {})
        super().setUpClass()

    def setUp(self):
        super().setUp()
        for origin in (self.hub, self.hub.store):
            origin.reset()
        self.hub.page_entries, self.hub.link_host, self.hub.token_of_hub = 1000, None, None
        self.hub.repositories.clear()
        self.hub.renamed.clear()

    def tearDown(self):
        for name in self.service.models():
            self.service.cli("rm", name)

    def weights(self, name, size=200_000, seed=1):
        return gguf_file.write_ballast(self.files / name, size, seed=seed)

    def shards(self, stem, count=2):
        paths = []
        for shard in range(count):
            path = self.files / f"{stem}-{shard + 1:05}-of-{count:05}.gguf"
            paths.append(gguf_file.write_shard(path, 150_000, shard, count))
        return paths

    def repository(self, name, *files, **options):
        return self.hub.add_repository(name, {path.name: path for path in files}, **options)

    def blobs(self):
        return {blob.name for blob in self.service.blobs()}

    def refused(self, reference, code):
        error = self.service.pull(reference)[-1]
        self.assert_error_body(error, code)
        return error


class Pulling(HubTest):
    def test_a_quant_by_its_name_in_any_case(self):
        small, large = self.weights("m-Q4_K_M.gguf"), self.weights("m-Q8_0.gguf", 400_000, seed=2)
        self.repository("org/repo", small, large)
        self.service.pull_ok("hf.co/org/repo:q8_0")
        self.assertEqual(self.service.models(), ["hf.co/org/repo:q8_0"])
        self.assertIn(digest(large), self.blobs())
        self.assertNotIn(digest(small), self.blobs())
        self.assert_exit(self.service.cli("show", "huggingface.co/org/repo:Q8_0"), DONE)

    def test_without_a_quant_the_pull_takes_the_planned_pick_and_says_so(self):
        self.repository("org/repo", self.weights("m-Q8_0.gguf", 400_000), self.weights("m-Q4_K_M.gguf"), self.weights("m-Q2_K.gguf", 90_000))
        picked = self.service.cli("plan", "-q", "hf.co/org/repo").stdout.strip()
        pulled = self.service.cli("pull", "hf.co/org/repo")
        self.assert_exit(pulled, DONE)
        self.assertIn(f"taking {picked} (", pulled.stderr)
        self.assertIn("of 3 that are published", pulled.stderr)
        self.assertEqual(self.service.models(), ["hf.co/org/repo:latest"])

    def test_a_second_pull_keeps_the_quant_that_is_installed(self):
        first = self.weights("m-Q8_0.gguf", 400_000)
        self.repository("org/repo", first)
        self.service.pull_ok("hf.co/org/repo")
        self.repository("org/repo", first, self.weights("m-Q4_K_M.gguf"))
        self.hub.store.reset()
        self.service.pull_ok("hf.co/org/repo")
        self.assertIn(digest(first), self.blobs())
        self.assertEqual(self.hub.store.served_total(), 0, "nothing is fetched again")

    def test_an_unknown_quant_is_refused_with_what_there_is(self):
        self.repository("org/repo", self.weights("m-Q4_K_M.gguf"), self.weights("m-Q8_0.gguf", 400_000))
        error = self.refused("hf.co/org/repo:Q5_K_M", "model.not_found")
        self.assertIn("Q4_K_M", error["hint"])
        self.assertIn("Q8_0", error["hint"])
        self.assertEqual(self.hub.store.served_total(), 0)
        self.assert_exit(self.service.cli("pull", "hf.co/org/repo:Q5_K_M"), NOT_FOUND)

    def test_shards_and_a_projector_are_one_model(self):
        shards = self.shards("m-Q8_0")
        projector = gguf_file.write_projector(self.files / "mmproj-m-F16.gguf", 60_000)
        self.hub.page_entries = 2
        self.repository("org/seen", *shards, projector, self.weights("m-Q4_0.gguf"), self.weights("imatrix-m.gguf", 50_000))
        lines = self.service.pull_ok("hf.co/org/seen:Q8_0")
        self.assertLessEqual({digest(path) for path in (*shards, projector)}, self.blobs())
        self.assertEqual(len({line["digest"] for line in lines if "digest" in line}), 3)
        shown = self.service.cli("show", "hf.co/org/seen:Q8_0", "--json")
        self.assertIn("vision", json.loads(shown.stdout)["capabilities"])

    def test_a_quant_with_a_missing_part_cannot_be_pulled(self):
        self.repository("org/repo", self.shards("m-Q8_0")[0], self.weights("m-Q4_0.gguf"))
        self.assertIn("1 of 2 parts", self.refused("hf.co/org/repo:Q8_0", "model.not_found")["hint"])

    def test_a_small_file_that_lies_in_git_is_pulled_too(self):
        small = self.weights("tiny-F16.gguf", 2_000)
        self.repository("org/tiny", small)
        self.service.pull_ok("hf.co/org/tiny:F16")
        self.assertIn(digest(small), self.blobs())

    def test_pages_are_asked_of_the_endpoint_whatever_their_links_say(self):
        self.repository("org/repo", *(self.weights(f"m{number}-Q4_0.gguf", 50_000, seed=number) for number in range(5)))
        self.hub.page_entries, self.hub.link_host = 2, self.hub.store.url
        self.service.pull_ok("hf.co/org/repo:m4-Q4_0")
        self.assertFalse([one for one in self.hub.store.requests if one["target"].startswith("/api/")])
        self.assertEqual(len([one for one in self.hub.requests if "/tree/" in one["target"]]), 3)

    def test_the_commit_is_the_same_for_the_whole_pull(self):
        path = self.weights("m-Q4_K_M.gguf")
        commit = self.repository("org/repo", path).commit
        self.service.pull_ok("hf.co/org/repo")
        for one in self.hub.requests[1:]:
            self.assertIn(commit, one["target"])

    def test_a_cut_download_goes_on_where_it_was(self):
        path = self.weights("m-Q4_K_M.gguf", 20_000_000)
        self.repository("org/repo", path)
        self.hub.store.fault("/m-Q4_K_M.gguf", "cut", at=12_000_000, times=1)
        self.service.pull_ok("hf.co/org/repo")
        self.assertIn(digest(path), self.blobs())
        self.assertLess(self.hub.store.served_total(), path.stat().st_size * 1.2)

    def test_wrong_bytes_are_found(self):
        self.repository("org/repo", self.weights("m-Q4_K_M.gguf"))
        self.hub.store.fault("/m-Q4_K_M.gguf", "flip", at=100_000)
        self.refused("hf.co/org/repo", "blob.corrupt")
        self.assertEqual(self.service.models(), [])

    def test_a_renamed_repository_is_followed_and_named(self):
        self.repository("new/name", self.weights("m-Q4_K_M.gguf"))
        self.hub.renamed["old/name"] = "new/name"
        lines = self.service.pull_ok("hf.co/old/name")
        self.assertTrue(any("new/name" in line["status"] for line in lines), lines)
        self.assertEqual(self.service.models(), ["hf.co/old/name:latest"])

    def test_a_pin_is_the_id_of_the_model(self):
        self.repository("org/repo", self.weights("m-Q4_K_M.gguf"), self.weights("m-Q8_0.gguf", 400_000, seed=3))
        self.service.pull_ok("hf.co/org/repo:Q8_0")
        pin = self.client.get("/api/tags").json()["models"][0]["digest"]
        self.service.cli("rm", "hf.co/org/repo:Q8_0")
        self.service.pull_ok(f"hf.co/org/repo@sha256:{pin}")
        self.assertEqual(self.client.get("/api/tags").json()["models"][0]["digest"], pin)
        self.hub.store.reset()
        self.refused(f"hf.co/org/repo:Q4_K_M@sha256:{pin}", "blob.corrupt")
        self.refused(f"hf.co/org/repo@sha256:{'0' * 64}", "blob.corrupt")
        self.assertEqual(self.hub.store.served_total(), 0, "known before the download")

    def test_429_is_waited_for(self):
        repository = self.repository("org/repo", self.weights("m-Q4_K_M.gguf"))
        self.hub.fault("/api/models/org/repo/revision/main", "status", status=429, headers={"Retry-After": "1"}, times=1)
        self.hub.fault(f"/api/models/org/repo/tree/{repository.commit}", "status", status=429, headers={"RateLimit": '"api";r=0;t=0'}, times=1)
        self.service.pull_ok("hf.co/org/repo")

    def test_a_repository_that_is_not_there(self):
        error = self.refused("hf.co/no/body", "model.not_found")
        self.assertIn("HF_TOKEN", error["hint"])
        self.assert_exit(self.service.cli("pull", "hf.co/no/body"), NOT_FOUND)

    def test_a_gated_repository_says_where_to_accept_its_terms(self):
        self.repository("org/gated", self.weights("m-Q4_K_M.gguf"), gated=True)
        error = self.refused("hf.co/org/gated", "registry.denied")
        self.assertIn(f"{self.hub.url}/org/gated", error["hint"])
        self.assertIn("HF_TOKEN", error["hint"])
        self.assert_exit(self.service.cli("pull", "hf.co/org/gated"), NOT_ALLOWED)

    def test_a_login_of_the_hubs_own_tool_counts_at_once(self):
        self.repository("org/gated", self.weights("m-Q4_K_M.gguf"), gated=True)
        self.hub.token_of_hub = "hf_of_the_file"
        self.refused("hf.co/org/gated", "registry.denied")
        folder = self.service.home / "home/.cache/huggingface"
        folder.mkdir(parents=True)
        (folder / "token").write_text("hf_of_the_file\n")
        self.addCleanup((folder / "token").unlink)
        self.service.pull_ok("hf.co/org/gated")

    def test_answers_that_are_none_are_typed_errors(self):
        repository = self.repository("org/repo", self.weights("m-Q4_K_M.gguf"))
        info, tree = "/api/models/org/repo/revision/main", f"/api/models/org/repo/tree/{repository.commit}"
        wrong = {"page": '<html>', "climbing": '[{"type":"file","path":"../../m.gguf","size":5}]',
                 "negative": '[{"type":"file","path":"m.gguf","size":-5}]', "no list": '{"files":[]}',
                 "huge": "[" + '{"type":"file","path":"a","size":1},' * 200_000 + "]"}
        for what, body in wrong.items():
            with self.subTest(what):
                self.hub.reset()
                self.hub.fault(tree, "status", status=200, body=body)
                self.refused("hf.co/org/repo", ("registry.bad_manifest", "request.too_large"))
        with self.subTest("portal"):
            self.hub.reset()
            self.hub.fault(info, "html")
            self.refused("hf.co/org/repo", "registry.failed")
        self.assertEqual(self.service.models(), [])


class Tokens(HubTest):
    token = TOKEN

    def test_a_token_opens_gated_repositories_and_stays_at_the_hub(self):
        self.repository("org/gated", self.weights("m-Q4_K_M.gguf", 300_000), gated=True, private=True)
        self.hub.token_of_hub = TOKEN
        self.service.pull_ok("hf.co/org/gated")
        self.assertEqual({one["authorization"] for one in self.hub.requests}, {"Bearer " + TOKEN})
        self.assertTrue(self.hub.store.requests)
        self.assertEqual({one["authorization"] for one in self.hub.store.requests}, {""}, "the second host sees no credential")
        self.assertNotIn(TOKEN, self.service.log.read_text())

    def test_a_renamed_repository_keeps_the_token(self):
        self.repository("new/name", self.weights("m-Q4_K_M.gguf"), gated=True)
        self.hub.renamed["old/name"] = "new/name"
        self.hub.token_of_hub = TOKEN
        self.service.pull_ok("hf.co/old/name")

    def test_a_token_without_the_right_is_told_so(self):
        self.repository("org/gated", self.weights("m-Q4_K_M.gguf"), gated=True)
        self.hub.token_of_hub = "another"
        self.assertIn("account", self.refused("hf.co/org/gated", "registry.denied")["hint"])

    def test_other_sources_never_see_it(self):
        path = self.weights("plain.gguf")
        self.service.pull_ok(f"{self.hub.store.url}/{path.name}")
        self.assertEqual({one["authorization"] for one in self.hub.store.requests}, {""})


class Endpoint(HearthTest):
    def test_an_endpoint_in_the_clear_is_refused_at_start(self):
        service = Service(environment={"HF_ENDPOINT": "http://hub.example"})
        self.addCleanup(service.destroy)
        service.start(wait=False)
        self.assertNotEqual(service.process.wait(20), 0)
        service.process = None
        self.assertIn("HF_ENDPOINT", service.log_tail())
