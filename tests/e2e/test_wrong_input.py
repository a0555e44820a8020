"""Wrong input to every endpoint and every command: the typed error of the contract, the exit codes of the design, and a service that lives on."""
import json
import subprocess

import gguf_file
import models
from harness import (BIN, DONE, FAILED, NOT_FOUND, SOCKET_TAKEN, UNREACHABLE, USAGE, HearthTest, needs_llama)

# Endpoint, a body that is right but for the model (which is absent), the fields that can have a wrong type.
MODEL_ENDPOINTS = [
    ("POST", "/api/generate", {"model": "absent", "prompt": "x"},
     {"model": 5, "prompt": ["x"], "stream": "yes", "options": [], "keep_alive": {}, "system": 1, "images": "x", "raw": "no", "format": 7}),
    ("POST", "/api/chat", {"model": "absent", "messages": [{"role": "user", "content": "x"}]},
     {"model": {}, "messages": "x", "stream": 1, "options": "x", "keep_alive": [], "tools": "x"}),
    ("POST", "/api/embed", {"model": "absent", "input": "x"}, {"model": [], "input": 5, "truncate": "x", "options": 4}),
    ("POST", "/api/show", {"model": "absent"}, {"model": 1, "verbose": "x"}),
    ("DELETE", "/api/delete", {"model": "absent"}, {"model": 1}),
    ("POST", "/hearth/v1/load", {"model": "absent"}, {"model": 1}),
]
OPENAI_ENDPOINTS = [
    ("/v1/chat/completions", {"model": "absent", "messages": [{"role": "user", "content": "x"}]},
     {"model": 5, "messages": {}, "stream": "x", "max_tokens": "x", "temperature": "hot", "stream_options": 3}),
    ("/v1/embeddings", {"model": "absent", "input": "x"}, {"model": 5, "input": {"a": 1}}),
]
BODIES_THAT_ARE_NO_OBJECT = [b"", b"{", b"nul", b"[]", b"5", b'"text"', b'{"model":"a"} trailing', b"\xff\xfe", b'{"model":"\xc3\x28"}',
                             b'{"model":' * 3000, b"[" * 100_000]
BAD_NAMES = ["../../etc/passwd", "a b", "a\x00b", "x" * 5000, "-", "a:b:c:d", "a@sha256:zz", "/abs", "a//b", "%2e%2e", ""]


class Endpoints(HearthTest):
    def setUp(self):
        super().setUp()
        self.pid = self.service.pid

    def tearDown(self):
        self.assertIsNone(self.service.process.poll(), "the daemon lives on")
        self.assertEqual(self.client.get("/api/version").status, 200)

    def test_bodies_that_are_no_json_object(self):
        for method, target, _, _ in MODEL_ENDPOINTS + [("POST", "/api/pull", {}, {}), ("POST", "/hearth/v1/unload", {}, {})]:
            for body in BODIES_THAT_ARE_NO_OBJECT:
                with self.subTest(target=target, body=body[:40]):
                    self.assert_error(self.client.request(method, target, body), 400, "argument.invalid")

    def test_openai_bodies_that_are_no_json_object(self):
        for target, _, _ in OPENAI_ENDPOINTS:
            for body in BODIES_THAT_ARE_NO_OBJECT:
                with self.subTest(target=target, body=body[:40]):
                    self.assert_openai_error(self.client.post(target, body), 400, "argument.invalid")

    def test_wrong_types(self):
        for method, target, right, wrong in MODEL_ENDPOINTS:
            for field, value in wrong.items():
                with self.subTest(target=target, field=field, value=value):
                    body = {"backend": "echo"} | right | {field: value}
                    self.assert_error(self.client.request(method, target, body), 400, "argument.invalid")

    def test_openai_wrong_types(self):
        for target, right, wrong in OPENAI_ENDPOINTS:
            for field, value in wrong.items():
                with self.subTest(target=target, field=field):
                    body = {"backend": "echo"} | right | {field: value}
                    self.assert_openai_error(self.client.post(target, body), 400, "argument.invalid")

    def test_wrong_types_of_options_name_the_option(self):
        for name, value in {"num_ctx": "big", "temperature": "hot", "num_predict": 1.5, "seed": "x", "stop": 5, "top_k": []}.items():
            with self.subTest(name):
                response = self.client.post("/api/generate", {"model": "m", "backend": "echo", "prompt": "x", "options": {name: value}})
                self.assert_error(response, 400, "argument.invalid")
                self.assertIn(name, response.json()["error"])

    def test_messages_of_a_wrong_shape(self):
        for messages in ([5], ["x"], [{}], [{"role": "user", "content": 5}], [{"role": 5, "content": "x"}], [{"content": "x"}],
                         [{"role": "emperor", "content": "x"}]):
            with self.subTest(messages):
                body = {"model": "m", "backend": "echo", "messages": messages}
                self.assert_error(self.client.post("/api/chat", body), 400, "argument.invalid")
                self.assert_openai_error(self.client.post("/v1/chat/completions", body), 400, "argument.invalid")

    def test_unknown_models(self):
        for method, target, body, _ in MODEL_ENDPOINTS:
            with self.subTest(target):
                response = self.client.request(method, target, body)
                self.assert_error(response, 404, "model.not_found")
                self.assertIn("absent", response.json()["error"])
        for target, body, _ in OPENAI_ENDPOINTS:
            with self.subTest(target):
                self.assert_openai_error(self.client.post(target, body), 404, "model.not_found")
        self.assertIn(self.client.post("/hearth/v1/unload", {"model": "absent"}).status, (200, 404))

    def test_missing_model(self):
        for method, target, body, _ in MODEL_ENDPOINTS:
            with self.subTest(target):
                without = {name: value for name, value in body.items() if name != "model"}
                response = self.client.request(method, target, without)
                self.assert_error(response, 400, "argument.invalid")
                self.assertIn("model", response.json()["error"])

    def test_names_that_are_none(self):
        for name in BAD_NAMES:
            for method, target, body, _ in MODEL_ENDPOINTS:
                with self.subTest(target=target, name=name[:30]):
                    response = self.client.request(method, target, body | {"model": name})
                    self.assert_error(response, (400, 404), ("model.bad_reference", "argument.invalid", "model.not_found"))

    def test_unknown_backend(self):
        for target in ("/api/generate", "/api/chat"):
            body = {"model": "m", "backend": "no-such", "prompt": "x", "messages": [{"role": "user", "content": "x"}]}
            self.assert_error(self.client.post(target, body), 400, "backend.not_found")

    def test_unknown_route(self):
        for target in ("/nothing", "/api/", "/api/nothing", "/v1/nothing", "/api/../api/version", "/hearth/v1/nothing", "//", "/api/generate/x"):
            with self.subTest(target):
                response = self.client.get(target)
                if target.startswith("/v1/"):
                    self.assert_openai_error(response, 404, "route.not_found")
                else:
                    self.assert_error(response, 404, "route.not_found")

    def test_wrong_method(self):
        for method, target in (("GET", "/api/generate"), ("PUT", "/api/chat"), ("POST", "/api/tags"), ("GET", "/api/pull"), ("POST", "/api/version"),
                               ("GET", "/api/delete"), ("POST", "/api/delete"), ("PATCH", "/hearth/v1/load"), ("DELETE", "/")):
            with self.subTest(target):
                response = self.client.request(method, target)
                self.assert_error(response, 405, "route.method_not_allowed")
                self.assertTrue(response.headers.get("allow"), "405 says what is allowed")

    def test_a_huge_body_is_refused_before_it_is_read(self):
        head = b"POST /api/generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"
        answer = self.client.raw(head + b'{"model":"', timeout=10)
        self.assertIn(b"413", answer.split(b"\r\n")[0], answer[:300])
        self.assertIn(b"request.too_large", answer)

    def test_a_huge_chunked_body_is_refused(self):
        head = b"POST /api/show HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        answer = self.client.raw(head + chunk * 300, timeout=20)
        self.assertIn(b"413", answer.split(b"\r\n")[0], answer[:300])

    def test_broken_http(self):
        for data in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: " + b"b" * 200_000 + b"\r\n\r\n",
                     b"POST /api/show HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
                     b"POST /api/show HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"POST /api/show HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
            with self.subTest(data[:40]):
                answer = self.client.raw(data, timeout=5)
                first = answer.split(b"\r\n")[0]
                self.assertTrue(answer == b"" or first.split()[1:2] and first.split()[1].startswith(b"4"), answer[:200])

    def test_a_client_that_says_half_and_leaves(self):
        for data in (b"", b"POST /api/gen", b"POST /api/show HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"):
            for _ in range(20):
                try:
                    self.client.raw(data, timeout=0.05)
                except OSError:
                    pass

    def test_pull_of_what_cannot_be_pulled(self):
        broken = self.service.home / "broken.gguf"
        broken.write_bytes(b"this is not a model")
        cases = [
            ("file:///no/such/file.gguf", ("model.not_found", "store.failed")),
            (broken.as_uri(), "model.invalid"),
            ("http://example.org/model.gguf", ("network.forbidden", "model.bad_reference")),
            ("http://127.0.0.1:1/model.gguf", "registry.unreachable"),
            ("127.0.0.1:1/library/x:latest", "registry.unreachable"),
            ("ftp://127.0.0.1/x.gguf", "model.bad_reference"),
            ("a b c", ("model.bad_reference", "argument.invalid")),
        ]
        for reference, code in cases:
            with self.subTest(reference):
                with self.client.stream("POST", "/api/pull", {"model": reference}) as stream:
                    status, lines = stream.status, list(stream)
                self.assert_error_body(lines[-1], code)
                self.assertFalse(any(line.get("status") == "success" for line in lines))
                if status == 200:
                    self.assertIn("status", lines[0], "a stream begins with a progress line")
                whole = self.client.post("/api/pull", {"model": reference, "stream": False})
                self.assertGreaterEqual(whole.status, 400)
                self.assert_error_body(whole.json(), code)
        self.assertEqual(self.service.models(), [])
        self.assertEqual(self.service.blobs(), [], "nothing is published")

    def test_truncated_models_are_refused_and_not_kept(self):
        good = models.small_valid(self.service.home).read_bytes()
        for size in (0, 4, 11, 24, 60, len(good) // 2, len(good) - 5000):
            with self.subTest(size):
                cut = self.service.home / "cut.gguf"
                cut.write_bytes(good[:size])
                self.assert_error_body(self.service.pull(cut.as_uri())[-1], "model.invalid")
        self.assertEqual(self.service.models(), [])

    def test_headers_that_lie(self):
        lies = {
            "counts": b"GGUF" + (3).to_bytes(4, "little") + b"\xff" * 16,
            "version": b"GGUF" + (99).to_bytes(4, "little") + bytes(64),
            "text length": b"GGUF" + (3).to_bytes(4, "little") + (0).to_bytes(8, "little") + (1).to_bytes(8, "little") + b"\xff" * 8 + b"k" * 50,
            "tensor size": gguf_file.header([gguf_file.metadata("general.architecture", gguf_file.STRING, "llama")],
                                            [("token_embd.weight", [2**40, 2**40], 0, 0)]),
            "bytes behind": models.small_valid(self.service.home).read_bytes() + bytes(100),
        }
        for name, data in lies.items():
            with self.subTest(name):
                path = self.service.home / "lie.gguf"
                path.write_bytes(data)
                self.assert_error_body(self.service.pull(path.as_uri())[-1], "model.invalid")


@needs_llama
class UnrunnableModels(HearthTest):
    def test_a_well_formed_file_that_no_engine_can_run(self):
        path = gguf_file.write_ballast(self.service.home / "ballast.gguf", 1_000_000)
        name = self.service.add_model(path)
        response = self.client.post("/api/generate", {"model": name, "prompt": "x", "stream": False})
        self.assert_error(response, (422, 500), ("model.load_failed", "model.invalid"))
        self.eventually(lambda: not self.service.family().runners, what="the runner to end")
        self.assertEqual(self.service.loaded(), [])

    def test_too_little_memory_says_so(self):
        name = self.service.add_model(models.tiny())
        self.service.environment["HEARTH_RAM_LIMIT"] = "1MB"
        try:
            self.service.restart()
            response = self.client.post("/api/generate", {"model": name, "prompt": "x", "stream": False})
            self.assert_error(response, 507, "memory.insufficient")
            self.assert_exit(self.service.cli("run", name, "x"), 4)
        finally:
            del self.service.environment["HEARTH_RAM_LIMIT"]
            self.service.restart()


COMMANDS = ["pull", "run", "list", "show", "ps", "stop", "rm", "status", "version"]


class Commands(HearthTest):
    def test_unknown_option_of_every_command(self):
        for command in COMMANDS:
            with self.subTest(command):
                needed = ["x"] if command in ("pull", "run", "show", "stop", "rm") else []
                result = self.service.cli(command, *needed, "--no-such-option")
                self.assert_exit(result, USAGE)
                self.assertIn("--no-such-option", result.stderr)
                self.assertEqual(result.stdout, "")

    def test_too_few_and_too_many_arguments(self):
        for command in ("pull", "show", "rm", "stop", "run"):
            with self.subTest(command):
                self.assert_exit(self.service.cli(command), USAGE)
        for command in ("list", "ps", "status", "version"):
            with self.subTest(command):
                self.assert_exit(self.service.cli(command, "surplus"), USAGE)

    def test_unknown_command_names_the_nearest(self):
        result = self.service.cli("pul")
        self.assert_exit(result, USAGE)
        self.assertIn("pull", result.stderr)
        self.assert_exit(self.service.cli("--no-such-option"), USAGE)

    def test_unknown_model(self):
        for command in ("show", "rm", "stop"):
            with self.subTest(command):
                result = self.service.cli(command, "absent")
                self.assert_exit(result, NOT_FOUND)
                self.assertIn("absent", result.stderr)

    def test_errors_are_json_with_json(self):
        result = self.service.cli("show", "absent", "--json")
        self.assertEqual(result.returncode, NOT_FOUND)
        text = result.stdout.strip() or result.stderr.strip()
        self.assertEqual(json.loads(text)["code"], "model.not_found")

    def test_a_bad_name_is_wrong_usage(self):
        for command in ("pull", "show", "run"):
            with self.subTest(command):
                result = self.service.cli(command, "a b c", *(["x"] if command == "run" else []))
                self.assertIn(result.returncode, (USAGE, NOT_FOUND), result.stderr)

    def test_pull_that_fails(self):
        broken = self.service.home / "broken.gguf"
        broken.write_bytes(b"GGUFnonsense" * 100)
        self.assert_exit(self.service.cli("pull", broken), FAILED)
        self.assert_exit(self.service.cli("pull", "127.0.0.1:1/library/x"), FAILED)
        self.assertNotEqual(self.service.cli("pull", "/no/such/file.gguf").returncode, DONE)

    def test_run_of_unknown_backend(self):
        self.assert_exit(self.service.cli("run", "--backend", "no-such", "x", "hi"), NOT_FOUND)


class NoService(HearthTest):
    """What clients and a second daemon do when the socket is not theirs to use."""

    def test_a_second_daemon_ends_with_75(self):
        second = subprocess.run([BIN / "hearthd"], env=self.service.environment, capture_output=True, text=True, timeout=30)
        self.assertEqual(second.returncode, SOCKET_TAKEN, second.stderr)
        self.assertEqual(self.client.get("/api/version").status, 200, "the first one goes on")

    def test_unreachable_service_given_by_hand(self):
        result = self.service.cli("list", environment={"HEARTH_SOCKET": str(self.service.home / "nobody.sock")})
        self.assert_exit(result, UNREACHABLE)

    def test_unknown_option_of_hearthd(self):
        result = subprocess.run([BIN / "hearthd", "--no-such"], env=self.service.environment, capture_output=True, text=True, timeout=30)
        self.assertEqual(result.returncode, USAGE, result.stderr)

    def test_broken_configuration_names_file_and_line(self):
        path = self.service.home / "broken.toml"
        for text in ("x = [", "[runtime]\nno_such_key = 1\n", "[runtime]\nparallel = \"four\"\n"):
            path.write_text(text)
            environment = self.service.environment | {"HEARTH_CONFIG": str(path), "HEARTH_RUNTIME": str(self.service.home / "run2")}
            result = subprocess.run([BIN / "hearthd"], env=environment, capture_output=True, text=True, timeout=30)
            self.assertEqual(result.returncode, USAGE, result.stderr)
            self.assertIn("broken.toml", result.stderr)
