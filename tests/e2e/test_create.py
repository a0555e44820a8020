"""Making models: blobs that a client uploads, copies, and models from models or files, as Ollama's clients ask for them."""
import hashlib
import json
import os
import socket
from pathlib import Path

import models
from harness import HearthTest, needs_llama

ABSENT = "sha256:" + "0" * 64


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Making(HearthTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bytes = Path(models.small_valid(cls.service.home)).read_bytes()
        cls.digest = digest_of(cls.bytes)

    def upload(self, data, digest=None, **more):
        return self.client.request("POST", f"/api/blobs/{digest or digest_of(data)}", data, **more)

    def has(self, digest):
        return self.client.request("HEAD", f"/api/blobs/{digest}").status == 200

    def create(self, body):
        """@return the lines of the stream"""
        with self.client.stream("POST", "/api/create", body) as stream:
            self.assertEqual(stream.status, 200)
            return list(stream)

    def create_ok(self, body):
        lines = self.create(body)
        self.assertEqual(lines[-1].get("status"), "success", lines)
        return lines

    def show(self, name):
        response = self.client.post("/api/show", {"model": name})
        self.assertEqual(response.status, 200, response)
        return response.json()

    def remove(self, *names):
        for name in names:
            self.client.request("DELETE", "/api/delete", {"model": name})

    # ---- blobs

    def test_a_blob_is_there_after_its_upload_and_not_before(self):
        data = os.urandom(3_000_000)
        self.assertFalse(self.has(digest_of(data)))
        self.assertEqual(self.upload(data).status, 201)
        self.assertTrue(self.has(digest_of(data)))
        self.assertEqual(self.upload(data).status, 200, "it is there already")
        path = self.service.home / "data/blobs/sha256" / digest_of(data)[7:9] / digest_of(data)[7:]
        self.assertEqual(path.read_bytes(), data)
        self.assertEqual(path.stat().st_mode & 0o777, 0o444)

    def test_a_blob_may_come_in_chunks_of_unknown_length(self):
        data = os.urandom(2_500_000)
        pieces = [data[at:at + 70_001] for at in range(0, len(data), 70_001)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        head = f"POST /api/blobs/{digest_of(data)} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        answer = self.client.raw(head + body)
        self.assertIn(b" 201 Created", answer.split(b"\r\n")[0])
        self.assertTrue(self.has(digest_of(data)))

    def test_wrong_bytes_are_refused_and_leave_nothing(self):
        data = os.urandom(100_000)
        wanted = digest_of(data + b"x")
        response = self.upload(data, wanted)
        self.assert_error(response, 400, "argument.invalid")
        self.assertIn("digest mismatch", response.json()["error"])
        self.assertFalse(self.has(wanted))
        self.eventually(lambda: not list((self.service.home / "data/tmp").glob(f"{wanted[7:]}*")), what="the rest to be deleted")

    def test_a_client_that_leaves_in_the_middle_leaves_nothing(self):
        data = os.urandom(400_000)
        plain = socket.socket(socket.AF_UNIX)
        plain.connect(str(self.service.socket))
        plain.sendall(f"POST /api/blobs/{digest_of(data)} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data[:-1])
        part = self.service.home / f"data/tmp/{digest_of(data)[7:]}.part"
        self.eventually(part.exists, what="the upload to begin")
        plain.close()
        self.eventually(lambda: not part.exists(), what="the rest to be deleted")
        self.assertFalse(self.has(digest_of(data)))
        self.assertEqual(self.upload(data).status, 201, "the next one begins anew")

    def test_a_bad_digest_or_an_impossible_length_is_a_clear_no(self):
        for bad in ("sha256:abc", "md5:" + "0" * 64, "sha256:" + "A" * 64, "..%2f..%2fx", "sha256:" + "0" * 63 + "/"):
            with self.subTest(bad):
                self.assertIn(self.client.request("POST", f"/api/blobs/{bad}", b"x").status, (400, 404))
        answer = self.client.raw(f"POST /api/blobs/{ABSENT} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000000000\r\n\r\n".encode())
        self.assertIn(b" 413 ", answer.split(b"\r\n")[0] + b" ")
        answer = self.client.raw(f"POST /api/blobs/{ABSENT} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n".encode())
        self.assertIn(b" 507 ", answer.split(b"\r\n")[0] + b" ", "disk full is known before the traffic")

    def test_infer_socket_takes_no_blobs(self):
        from unix_http import Client
        infer = Client(self.service.home / "run/infer.sock")
        self.assertEqual(infer.request("POST", f"/api/blobs/{ABSENT}", b"x").status, 403)
        self.assertEqual(infer.post("/api/copy", {"source": "a", "destination": "b"}).status, 403)
        self.assertEqual(infer.post("/api/create", {"model": "a", "from": "b"}).status, 403)

    # ---- create

    def test_create_from_files_then_from_the_model(self):
        self.upload(self.bytes)
        self.addCleanup(self.remove, "first", "second")
        lines = self.create_ok({"model": "first", "files": {"small.gguf": self.digest}, "license": ["one", "two"],
                                "system": "Be brief.", "parameters": {"temperature": 0.25, "stop": ["a", "b"]}})
        self.assertIn({"status": f"using existing layer {self.digest}"}, lines)
        self.assertIn({"status": "writing manifest"}, lines)
        first = self.show("first")
        self.assertEqual(first["system"], "Be brief.")
        self.assertEqual(first["license"], "one\n\ntwo")
        self.assertIn("temperature", first["parameters"])

        self.create_ok({"model": "second", "from": "first", "system": "Be loud.", "template": "{{ .Prompt }}",
                        "parameters": {"top_k": 7}, "messages": [{"role": "user", "content": "hi"}]})
        second = self.show("second")
        self.assertEqual((second["system"], second["template"]), ("Be loud.", "{{ .Prompt }}"))
        self.assertEqual(second["messages"], [{"role": "user", "content": "hi"}])
        self.assertRegex(second["parameters"], r"temperature +0\.25")
        self.assertRegex(second["parameters"], r"top_k +7")
        self.assertEqual(self.show("first")["system"], "Be brief.", "the base stays what it was")
        self.assertEqual(second["license"], "one\n\ntwo")

    def test_the_manifest_has_ollamas_shape_and_its_digest(self):
        self.upload(self.bytes)
        self.addCleanup(self.remove, "shape")
        self.create_ok({"model": "shape", "files": {"small.gguf": self.digest}, "system": "S"})
        import sqlite3
        with sqlite3.connect(f"file:{self.service.home}/data/index.db?mode=ro", uri=True) as index:
            digest = self.show("shape")["digest"]
            (manifest,) = index.execute("SELECT bytes FROM manifests WHERE digest = ?", (digest,)).fetchone()
        self.assertEqual(hashlib.sha256(manifest).hexdigest(), digest)
        value = json.loads(manifest)
        self.assertEqual(value["mediaType"], "application/vnd.docker.distribution.manifest.v2+json")
        self.assertEqual([layer["mediaType"].rsplit(".", 1)[-1] for layer in value["layers"]], ["model", "system"])
        config = self.service.home / "data/blobs/sha256" / value["config"]["digest"][7:9] / value["config"]["digest"][7:]
        config = json.loads(config.read_bytes())
        self.assertEqual((config["model_format"], config["os"]), ("gguf", "linux"))
        self.assertEqual(config["rootfs"]["diff_ids"], [layer["digest"] for layer in value["layers"]])

    def test_create_again_replaces_the_name_and_frees_what_only_it_used(self):
        self.upload(self.bytes)
        self.addCleanup(self.remove, "again")
        self.create_ok({"model": "again", "files": {"small.gguf": self.digest}, "system": "a text of the first version"})
        before = len(self.service.blobs())
        self.create_ok({"model": "again", "from": "again", "system": "a text of the second version"})
        self.assertEqual(len(self.service.blobs()), before)
        self.assertEqual(self.service.models().count("again:latest"), 1)

    def test_create_refuses_what_cannot_be(self):
        whole = {"stream": False}
        cases = [({"model": "x"}, 400, "argument.invalid"), ({"from": "y"}, 400, "argument.invalid"),
                 ({"model": "x", "files": {"a.gguf": ABSENT}}, 400, "argument.invalid"),
                 ({"model": "x", "files": {"a.gguf": "nonsense"}}, 400, "argument.invalid"),
                 ({"model": "x", "files": ["a"]}, 400, "argument.invalid"),
                 ({"model": "x y", "files": {"a.gguf": self.digest}}, 400, "model.bad_reference"),
                 ({"model": "x", "files": {"a.gguf": self.digest}, "parameters": {"top_k": "many"}}, 400, "argument.invalid"),
                 ({"model": "x", "files": {"a.gguf": self.digest}, "messages": [{"role": "nobody"}]}, 400, "argument.invalid")]
        for body, status, code in cases:
            with self.subTest(body):
                self.assert_error(self.client.post("/api/create", body | whole), status, code)
        self.assertNotIn("x:latest", self.service.models())

    def test_quantize_in_create_names_the_command_that_does_it(self):
        response = self.client.post("/api/create", {"model": "q", "files": {"a.gguf": self.digest}, "quantize": "Q4_K_M"})
        self.assert_error(response, 400, "unsupported")
        self.assertIn("hearth quantize", response.json()["hint"])

    def test_a_file_that_is_no_model_is_refused(self):
        text = b"these bytes are no model" * 100
        self.upload(text)
        answer = self.client.post("/api/create", {"model": "bad", "files": {"a.gguf": digest_of(text)}})
        self.assert_error(answer, 422, "model.invalid")
        self.assertNotIn("bad:latest", self.service.models())

    # ---- copy

    def test_copy_gives_a_second_name_to_the_same_manifest(self):
        name = self.service.add_model(models.small_valid(self.service.home))
        self.addCleanup(self.remove, "twin", name)
        response = self.client.post("/api/copy", {"source": name, "destination": "twin"})
        self.assertEqual((response.status, response.body), (200, b""))
        rows = {row["name"]: row["digest"] for row in self.client.get("/api/tags").json()["models"]}
        self.assertEqual(rows["twin:latest"], rows[name])
        self.remove(name)
        self.assertEqual(self.show("twin")["digest"], rows[name], "one name gone, the blobs stay")

    def test_copy_of_nothing_is_404_and_half_a_request_400(self):
        self.assert_error(self.client.post("/api/copy", {"source": "absent", "destination": "y"}), 404, "model.not_found")
        self.assert_error(self.client.post("/api/copy", {"source": "absent"}), 400, "argument.invalid")


@needs_llama
class MadeModelsAnswer(HearthTest):
    def test_system_and_messages_of_a_made_model_reach_the_prompt(self):
        base = self.service.add_model(models.tiny())
        body = {"model": "made", "from": base, "system": "Speak.", "messages": [{"role": "user", "content": "hi"},
                {"role": "assistant", "content": "hello"}], "parameters": {"num_predict": 3, "temperature": 0}, "stream": False}
        self.assertEqual(self.client.post("/api/create", body).json(), {"status": "success"})
        ask = {"messages": [{"role": "user", "content": "go"}], "stream": False}
        plain = self.client.post("/api/chat", ask | {"model": base, "options": {"num_predict": 3}}).json()
        made = self.client.post("/api/chat", ask | {"model": "made"}).json()
        self.assertEqual(made["eval_count"], 3, made)
        self.assertGreater(made["prompt_eval_count"], plain["prompt_eval_count"])

    def test_a_models_own_keep_alive_counts_until_a_request_names_one(self):
        base = self.service.add_model(models.tiny())
        self.client.post("/api/create", {"model": "stays", "from": base, "parameters": {"keep_alive": -1}, "stream": False})
        load = {"model": "stays", "prompt": ""}

        def year():
            return int(self.client.get("/api/ps").json()["models"][0]["expires_at"][:4])

        self.service.unload_all()
        self.client.post("/api/generate", load)
        self.assertGreater(year(), 2200, "the model's own")
        self.client.post("/api/generate", load | {"keep_alive": "1h"})
        self.assertLess(year(), 2200, "the request's")
        self.client.post("/api/generate", load)
        self.assertLess(year(), 2200, "what was said last stays")
        self.assertEqual(self.client.post("/api/generate", load | {"keep_alive": 0}).json()["done_reason"], "unload")
        self.eventually(lambda: not self.service.loaded(), what="the model to go")
        bad = self.client.post("/api/create", {"model": "x", "from": base, "parameters": {"keep_alive": "300"}})
        self.assert_error(bad, 400, "argument.invalid")
