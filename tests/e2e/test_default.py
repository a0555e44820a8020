"""`hearth use`: what the model name "default" means, for all apps or for one, by socket and by token."""
import json
import os
import socket
import sys

import harness
import models
from harness import HearthTest, Service, needs_llama, seconds
from unix_http import Client

QUICK = {"num_predict": 2, "seed": 7, "temperature": 0}
JSON = "Content-Type: application/json\r\n"


class DefaultTest(HearthTest):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("[server]\nlisten = '127.0.0.1:0'\n")
        cls.addClassCleanup(cls.service.destroy)
        cls.service.start()
        cls.client = cls.service.client
        cls.tiny, cls.other = cls.service.add_model(models.tiny()), cls.service.add_model(models.other())

    def setUp(self):
        super().setUp()
        self.addCleanup(self.clear_all)

    def clear_all(self):
        for row in self.client.get("/hearth/v1/default").json()["defaults"]:
            self.client.request("DELETE", "/hearth/v1/default", {"app": row["app"]} if "app" in row else {})

    def use(self, *arguments):
        return self.assert_json_output(self.service.cli("use", *arguments, "--json"))

    def by_token(self, token, method, path, body=None):
        """(status, answer) over TCP."""
        address = self.client.get("/hearth/v1/status").json()["tcp"][0]["address"]
        text = json.dumps(body) if body is not None else ""
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=seconds(60)) as plain:
            plain.sendall((f"{method} {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{JSON}"
                           f"Content-Length: {len(text)}\r\n\r\n{text}").encode())
            answer = b""
            while piece := plain.recv(65536):
                answer += piece
        head, _, rest = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(rest)

    def token(self, name, *more):
        result = self.service.cli("token", "create", name, *more)
        self.assert_exit(result, harness.DONE)
        self.addCleanup(self.service.cli, "token", "revoke", name)
        return result.stdout.strip()


class Choosing(DefaultTest):
    def test_an_unset_default_is_a_typed_error_everywhere(self):
        bodies = {"/api/generate": {"prompt": "x"}, "/api/chat": {"messages": [{"role": "user", "content": "x"}]}, "/api/show": {},
                  "/api/embed": {"input": "x"}, "/api/embeddings": {"prompt": "x"}, "/hearth/v1/load": {}, "/hearth/v1/unload": {},
                  "/hearth/v1/plan": {}, "/hearth/v1/quantize": {"type": "Q8_0"}, "/api/pull": {}}
        for path, body in bodies.items():
            self.assert_error(self.client.post(path, body | {"model": "default"}), 404, "model.default_unset")
        self.assert_error(self.client.post("/api/copy", {"source": "default", "destination": "x"}), 404, "model.default_unset")
        self.assert_error(self.client.post("/api/create", {"model": "x", "from": "default"}), 404, "model.default_unset")
        for path, body in {"/v1/chat/completions": {"messages": [{"role": "user", "content": "x"}]}, "/v1/completions": {"prompt": "x"},
                           "/v1/embeddings": {"input": "x"}}.items():
            self.assert_openai_error(self.client.post(path, body | {"model": "default"}), 404, "model.default_unset")
        self.assert_openai_error(self.client.get("/v1/models/default"), 404, "model.default_unset")
        result = self.service.cli("run", "default", "hello")
        self.assert_exit(result, harness.NOT_FOUND)
        self.assertIn("hearth use MODEL", result.stderr)

    def test_a_model_must_be_here_and_may_not_be_the_word_itself(self):
        self.assert_exit(self.service.cli("use", "absent"), harness.NOT_FOUND)
        self.assert_exit(self.service.cli("use", "default"), harness.NOT_FOUND)
        self.assertEqual(self.use()["defaults"], [])

    def test_the_life_of_a_choice(self):
        self.assertEqual(self.use("hearth-tiny")["model"], self.tiny)
        self.assertEqual(self.use()["defaults"], [{"kind": "all", "model": self.tiny}])
        self.assertIn(f"all apps\tall\t{self.tiny}", self.service.cli("use").stdout)
        self.use("hearth-other")
        self.service.kill()
        self.service.start()
        self.assertEqual(self.use()["model"], self.other, "it did not survive")
        self.assertEqual(self.use("--clear")["model"], self.other)
        self.assertFalse(self.use("--clear")["cleared"])
        self.assertIsNone(self.use()["model"])

    def test_a_token_of_few_rights_sees_its_own_and_sets_nothing(self):
        few, full = self.token("few"), self.token("all-rights", "--scope", "full")
        self.use(self.tiny)
        self.use(self.other, "--app", "few")
        self.use(self.other, "--app", "somebody")
        status, answer = self.by_token(few, "GET", "/hearth/v1/default")
        self.assertEqual((status, answer["model"]), (200, self.other))
        self.assertEqual([row.get("app") for row in answer["defaults"]], [None, "few"])
        for method, body in (("PUT", {"model": self.tiny}), ("DELETE", {})):
            self.assertEqual(self.by_token(few, method, "/hearth/v1/default", body)[0], 403)
            closed = Client(self.service.home / "run/infer.sock")
            self.assert_error(closed.request(method, "/hearth/v1/default", body), 403, "access.forbidden")
        self.assertEqual(self.by_token(full, "PUT", "/hearth/v1/default", {"model": self.other})[0], 200)
        self.assertEqual(self.by_token(full, "GET", "/hearth/v1/default")[1]["model"], self.other)

    def test_an_app_without_a_token_is_noted(self):
        result = self.service.cli("use", self.tiny, "--app", "no-such-token")
        self.assert_exit(result, harness.DONE)
        self.assertIn("no app has a token of that name yet", result.stderr)
        self.assert_exit(self.service.cli("use", self.tiny, "--app", "/no/such/program"), harness.USAGE)

    def test_it_is_among_the_features(self):
        self.assertIn("default", self.client.get("/hearth/v1/capabilities").json()["features"])


@needs_llama
class Answers(DefaultTest):
    def test_every_endpoint_takes_it_and_names_the_real_model(self):
        self.service.unload_all()
        self.use(self.tiny)
        ask = [{"role": "user", "content": "kanemi"}]
        for path, body in {"/api/generate": {"prompt": "x"}, "/api/chat": {"messages": ask}}.items():
            for stream in (False, True):
                answer = self.client.post(path, body | {"model": "default", "options": QUICK, "stream": stream})
                self.assertEqual({line["model"] for line in answer.lines()}, {self.tiny}, answer)
        for path, body in {"/v1/chat/completions": {"messages": ask}, "/v1/completions": {"prompt": "x"}}.items():
            answer = self.client.post(path, body | {"model": "default", "max_tokens": 2})
            self.assertEqual(answer.json()["model"], self.tiny, answer)
            with self.client.stream("POST", path, body | {"model": "default", "max_tokens": 2, "stream": True}) as stream:
                self.assertEqual({event["model"] for event in stream if event != "[DONE]"}, {self.tiny})
        self.assertEqual(self.client.post("/api/generate", {"model": "default", "stream": False}).json()["model"], self.tiny)
        self.assertEqual(self.service.loaded(), [self.tiny])
        self.assertEqual(self.client.post("/api/show", {"model": "default"}).json()["name"], f"local/{self.tiny}")
        self.assertEqual(self.client.post("/hearth/v1/plan", {"model": "default"}).status, 200)
        self.assertEqual(self.client.post("/hearth/v1/load", {"model": "default", "stream": False}).json()["model"], self.tiny)
        self.assertTrue(self.client.post("/hearth/v1/unload", {"model": "default"}).json()["unloaded"])
        self.assertEqual(self.service.loaded(), [])

    def test_vectors_name_the_real_model(self):
        name = self.service.add_model(models.embedder())
        self.use(name)
        self.assertEqual(self.client.post("/api/embed", {"model": "default", "input": "kanemi"}).json()["model"], name)
        self.assertEqual(self.client.post("/v1/embeddings", {"model": "default", "input": "kanemi"}).json()["model"], name)

    def test_lists_of_models(self):
        before = self.service.models()
        self.use(self.tiny)
        self.assertEqual(self.service.models(), before, "/api/tags is Ollama's list and nothing else")
        ids = [row["id"] for row in self.client.get("/v1/models").json()["data"]]
        self.assertEqual(ids, [*before, "default"])
        self.assertEqual(self.client.get("/v1/models/default").json()["id"], self.tiny)

    def test_two_apps_send_the_same_name_and_get_their_own_model(self):
        chat = self.token("chat-app")
        self.use(self.tiny)
        self.use(self.other, "--app", "chat-app")
        body = {"model": "default", "prompt": "x", "options": QUICK, "stream": False}
        self.assertEqual(self.by_token(chat, "POST", "/api/generate", body)[1]["model"], self.other)
        self.assertEqual(self.client.post("/api/generate", body).json()["model"], self.tiny)
        self.use(self.other, "--app", os.path.realpath(sys.executable))
        self.assertEqual(self.client.post("/api/generate", body).json()["model"], self.other, "this program is python")
        shown = self.assert_json_output(self.service.cli("show", "default", "--json"))
        self.assertEqual(shown["name"], f"local/{self.tiny}", "the command is another program")

    def test_a_model_is_deleted_by_its_own_name_alone(self):
        self.use(self.tiny)
        self.assert_error(self.client.request("DELETE", "/api/delete", {"model": "default"}), 400, "argument.invalid")
        self.assertIn(self.tiny, self.service.models())

    def test_the_cli_takes_it(self):
        self.use(self.tiny)
        result = self.service.cli("run", "default", "hello", "--max-tokens", 2, "--temp", 0)
        self.assert_exit(result, harness.DONE)
        self.assertTrue(result.stdout.strip())
        self.assertIn("stopped", self.service.cli("stop", "default").stdout)

    def test_a_model_that_is_called_so_is_found_when_nothing_is_chosen(self):
        self.assertEqual(self.client.post("/api/copy", {"source": self.tiny, "destination": "default"}).status, 200)
        body = {"model": "default", "prompt": "x", "options": QUICK, "stream": False}
        self.assertEqual(self.client.post("/api/generate", body).json()["model"], "default")
        self.use(self.other)
        self.assertEqual(self.client.post("/api/generate", body).json()["model"], self.other)
        self.client.request("DELETE", "/hearth/v1/default", {})
        self.assertEqual(self.client.request("DELETE", "/api/delete", {"model": "default"}).status, 200)
