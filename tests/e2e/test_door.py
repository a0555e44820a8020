"""The TCP door: who comes in, by which rules, and how it is opened. Real daemon, raw sockets."""
import socket
import subprocess
import unittest

import harness
from door import JSON, Answer, DoorTest, ports
from harness import Service, seconds

EVIL_ORIGINS = ["https://evil.example", "null", "", "file://", "app://obsidian.md", "http://localhost:3000",
                "chrome-extension://abcdefghijklmnop", "vscode-webview://x", "http://127.0.0.1"]
EVIL_HOSTS = ["evil.example", "x.local", "a.internal", "localhost.", "0.0.0.0", "192.168.1.5", "127.0.0.2", "127.0.0.1.nip.io",
              "localhost:1", "[::]", "2130706433", "host.docker.internal"]
MALFORMED_HOSTS = ["", "localhost@evil", "local host", "localhost/evil"]

SOCKET_ALONE = ("/hearth/v1/tokens", "/hearth/v1/config", "/hearth/v1/open")


class Rules(DoorTest):
    """The matrices of the security reference 4.2, on every route of the table, before a byte of the body is read."""

    time_limit = 300

    def each_route(self, fields, status, host="localhost"):
        for method, path, _ in self.routes():
            answer = self.unread(method, path, fields + JSON, host)
            self.assertEqual(answer.status, status, f"{method} {path} with {fields!r} of {host!r}: {answer}")
            self.assertNotIn("access-control-allow-origin", answer.fields)

    def setUp(self):
        super().setUp()
        before = self.state()
        self.addCleanup(lambda: self.assertEqual(self.state(), before, "something changed"))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.full = cls.service.cli("token", "create", "full-app", "--scope", "full").stdout.strip()
        cls.infer = cls.service.cli("token", "create", "infer-app").stdout.strip()

    def test_host_on_every_route(self):
        for host in EVIL_HOSTS:
            self.each_route(f"Authorization: Bearer {self.full}\r\n", 403, host)

    def test_malformed_host_on_every_route(self):
        for host in MALFORMED_HOSTS:
            self.each_route(f"Authorization: Bearer {self.full}\r\n", 400, host)
        for host in ("Host: localhost\r\nHost: localhost\r\n", ""):
            for method, path, _ in self.routes():
                answer = Answer(self.raw(f"{method} {path} HTTP/1.1\r\n{host}X-Api-Key: {self.full}\r\n\r\n"))
                self.assertEqual(answer.status, 400, f"{method} {path} {host!r}")

    def test_origin_on_every_route(self):
        for origin in EVIL_ORIGINS:
            self.each_route(f"Authorization: Bearer {self.full}\r\nOrigin: {origin}\r\n", 403)

    def test_sec_fetch_site_on_every_route(self):
        for site in ("cross-site", "same-site", "", "anything"):
            self.each_route(f"Authorization: Bearer {self.full}\r\nSec-Fetch-Site: {site}\r\n", 403)

    def test_token_on_every_route(self):
        for fields in ("", "Authorization: Bearer wrong\r\n", f"Authorization: Basic {self.full}\r\n", "Cookie: token=x\r\n"):
            self.each_route(fields, 401)

    def test_preflight_of_unlisted_pages_on_every_route(self):
        for _, path, _ in self.routes():
            answer = self.ask("OPTIONS", path, "Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n")
            self.assertEqual(answer.status, 403, path)
            self.assertFalse([name for name in answer.fields if name.startswith("access-control")])

    def test_content_type_on_every_route(self):
        for fields in ("Content-Type: text/plain\r\n", "Content-Type: multipart/form-data; boundary=x\r\n",
                       "Content-Type: application/x-www-form-urlencoded\r\nReferer: http://localhost/\r\n",
                       "Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\n"):
            for method, path, _ in self.routes():
                answer = self.unread(method, path, f"X-Api-Key: {self.full}\r\n{fields}")
                self.assertIn(answer.status, (415, 403) if path in SOCKET_ALONE else (415,), f"{method} {path}")

    def test_rights_of_an_infer_token_on_every_route(self):
        for method, path, infer in self.routes():
            answer = self.unread(method, path, f"X-Api-Key: {self.infer}\r\nContent-Type: text/plain\r\n")
            self.assertEqual(answer.status, 415 if infer else 403, f"{method} {path}: {answer}")

    def test_who_comes_in_is_decided_on_the_socket_alone(self):
        for path, methods in {"/hearth/v1/tokens": ("GET", "POST", "DELETE"), "/hearth/v1/config": ("GET", "PUT", "DELETE")}.items():
            for method in methods:
                answer = self.ask(method, path, f"X-Api-Key: {self.full}\r\n")
                self.assertEqual(answer.status, 403, answer)
            self.assertEqual(self.client.request("GET", path).status, 200)


class CompatRules(Rules):
    """The same where clients without a token may infer: a page may not, all the same."""

    flags = ("--compat-no-token",)

    def test_token_on_every_route(self):
        for method, path, infer in self.routes():
            for fields in ("", "Authorization: Bearer ollama\r\n", "Authorization: Bearer sk-none\r\n"):
                answer = self.unread(method, path, fields + "Content-Type: text/plain\r\n")
                self.assertEqual(answer.status, 415 if infer else 403, f"{method} {path}: {answer}")

    def test_a_wrong_token_is_not_taken_for_none(self):
        for method, path, _ in list(self.routes())[:8]:
            wrong = self.unread(method, path, "Authorization: Bearer hearth_00000000_wrong\r\n" + JSON)
            self.assertEqual(wrong.status, 401, f"{method} {path}")


class Pages(DoorTest):
    service_config = ("[server]\norigins = ['https://app.example']\nhosts = ['box.example']\n")

    def test_a_listed_page_asks_with_a_token(self):
        token = self.token("page")
        page = "Origin: https://app.example\r\nSec-Fetch-Site: cross-site\r\n"
        preflight = self.ask("OPTIONS", "/api/chat", page + "Access-Control-Request-Method: POST\r\n"
                                                            "Access-Control-Request-Headers: authorization,content-type\r\n")
        self.assertEqual(preflight.status, 204, preflight)
        self.assertEqual(preflight.fields["access-control-allow-origin"], "https://app.example")
        self.assertEqual(preflight.fields["access-control-allow-headers"], "authorization,content-type")
        answer = self.ask("GET", "/api/tags", page + f"Authorization: Bearer {token}\r\n")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.fields["access-control-allow-origin"], "https://app.example")
        self.assertEqual(self.ask("GET", "/api/tags", page).status, 401)

    def test_a_listed_host_is_ours(self):
        token = self.token("host")
        for host in ("box.example", f"box.example:{self.port}", f"127.0.0.1:{self.port}", "[::1]", "LOCALHOST"):
            self.assertEqual(self.ask("GET", "/api/tags", f"X-Api-Key: {token}\r\n", host=host).status, 200, host)


class Starting(unittest.TestCase):
    """What hearthd says when it cannot open what was asked for."""

    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.destroy)

    def refused(self, *arguments):
        result = subprocess.run([harness.BIN / "hearthd", *arguments], env=self.service.environment, capture_output=True, text=True,
                                timeout=seconds(20))
        self.assertTrue(result.stderr.strip())
        return result

    def test_a_taken_port(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            address = f"127.0.0.1:{other.getsockname()[1]}"
            result = self.refused("--listen", address)
        self.assertEqual(result.returncode, harness.FAILED, result)
        self.assertIn(address, result.stderr)

    def test_a_bad_address(self):
        for address in ("nonsense", "example.org:80", "127.0.0.1:99999", "::1:80", ""):
            self.assertEqual(self.refused("--listen", address).returncode, harness.USAGE, address)
        self.assertEqual(self.refused("--listen").returncode, harness.USAGE)
        (self.service.home / "config.toml").write_text("server.listen = 'nonsense'\n")
        self.assertEqual(self.refused().returncode, harness.USAGE)

    def test_beyond_this_machine(self):
        for address in ("0.0.0.0:0", "[::]:0"):
            result = self.refused("--listen", address)
            self.assertEqual(result.returncode, harness.NOT_ALLOWED, result)
            self.assertIn("--insecure-lan", result.stderr)

    def test_the_word_of_the_user_opens_it_for_tokens_alone(self):
        self.service.start("--listen", "0.0.0.0:0", "--insecure-lan", "--compat-no-token")
        door, = self.service.client.get("/hearth/v1/status").json()["tcp"]
        self.assertTrue(door["token_required"])
        port, = ports(self.service)
        with socket.create_connection(("127.0.0.1", port)) as plain:
            plain.sendall(b"GET /api/tags HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual(Answer(plain.recv(4096)).status, 401)

    def test_the_configuration_opens_doors(self):
        (self.service.home / "config.toml").write_text(
            "[server]\nlisten = ['127.0.0.1:0', 'localhost:0']\ncompat_no_token = true\n")
        self.service.start()
        opened = ports(self.service)
        self.assertGreaterEqual(len(opened), 2)
        for port in opened:
            with socket.create_connection(("127.0.0.1", port)) as plain:
                plain.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
                self.assertIn(b"Ollama is running", plain.recv(4096))

    def test_without_it_nobody_listens(self):
        self.service.start()
        self.assertEqual(self.service.client.get("/hearth/v1/status").json()["tcp"], [])
