"""The TCP door: who comes in, by which rules, and what hostile bytes meet. Real daemon, raw sockets."""
import json
import re
import socket
import subprocess
import time
import unittest

import harness
from harness import HearthTest, Service, seconds

EVIL_ORIGINS = ["https://evil.example", "null", "", "file://", "app://obsidian.md", "http://localhost:3000",
                "chrome-extension://abcdefghijklmnop", "vscode-webview://x", "http://127.0.0.1"]
EVIL_HOSTS = ["evil.example", "x.local", "a.internal", "localhost.", "0.0.0.0", "192.168.1.5", "127.0.0.2", "127.0.0.1.nip.io",
              "localhost:1", "[::]", "2130706433", "host.docker.internal"]
MALFORMED_HOSTS = ["", "localhost@evil", "local host", "localhost/evil"]
STATUS_LINE = re.compile(rb"HTTP/1\.1 \d{3} ")
JSON = "Content-Type: application/json\r\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Answer:
    def __init__(self, data):
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        match = re.match(r"HTTP/1\.1 (\d{3}) ", lines[0])
        self.status = int(match[1]) if match else None
        self.fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}

    def json(self):
        body = self.body
        if self.fields.get("transfer-encoding") == "chunked":
            whole = b""
            while body:
                size, _, body = body.partition(b"\r\n")
                whole, body = whole + body[:int(size, 16)], body[int(size, 16) + 2:]
            body = whole
        return json.loads(body)

    def __repr__(self):
        return f"<{self.status} {self.fields} {self.body[:300]!r}>"


class DoorTest(HearthTest):
    """One service with a door that asks for tokens, and one that lets clients without one infer."""

    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.port = free_port()
        cls.service = Service(cls.service_config, cls.service_environment)
        cls.addClassCleanup(cls.service.destroy)
        cls.service.start("--listen", f"127.0.0.1:{cls.port}", *cls.flags)
        cls.client = cls.service.client

    def raw(self, data, timeout=20):
        """Sends bytes, reads to the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds(timeout)) as plain:
            try:
                plain.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
            except OSError:
                pass  # refused while we were sending
            answer = b""
            try:
                while piece := plain.recv(65536):
                    answer += piece
            except ConnectionResetError:
                pass
            return answer

    def ask(self, method, path, fields="", body="", host="localhost"):
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        return Answer(self.raw(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{length}{fields}\r\n{body}"))

    def unread(self, method, path, fields, host="localhost"):
        """Announces a body and never sends it: what answers did not wait for it."""
        return self.ask(method, path, f"Content-Length: 100000\r\n{fields}", host=host)

    def token(self, name, *more):
        result = self.service.cli("token", "create", name, *more)
        self.assert_exit(result, harness.DONE)
        return result.stdout.strip()

    def routes(self):
        rows = self.client.get("/hearth/v1/capabilities").json()["routes"]
        self.assertGreater(len(rows), 15)
        for row in rows:
            yield row["method"], re.sub(r"\{[^}]*\}", "x", row["path"]), "infer" in row["sockets"]

    def state(self):
        """What a hostile request could change."""
        tokens = [row["name"] for row in self.client.get("/hearth/v1/tokens").json()["tokens"]]
        return self.service.models(), self.service.loaded(), self.service.blobs(), tokens


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
                self.assertIn(answer.status, (415, 403) if path.startswith("/hearth/v1/tokens") else (415,), f"{method} {path}")

    def test_rights_of_an_infer_token_on_every_route(self):
        for method, path, infer in self.routes():
            answer = self.unread(method, path, f"X-Api-Key: {self.infer}\r\nContent-Type: text/plain\r\n")
            self.assertEqual(answer.status, 415 if infer else 403, f"{method} {path}: {answer}")

    def test_tokens_are_made_on_the_socket_alone(self):
        for method in ("GET", "POST", "DELETE"):
            answer = self.ask(method, "/hearth/v1/tokens", f"X-Api-Key: {self.full}\r\n")
            self.assertEqual(answer.status, 403, answer)
        self.assertEqual(self.client.request("GET", "/hearth/v1/tokens").status, 200)


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


NEXT = "GET /api/version HTTP/1.1\r\nHost: localhost\r\n\r\n"  # what a smuggler hides behind the first


def post(fields, body=""):
    return f"POST /api/generate HTTP/1.1\r\nHost: localhost\r\n{JSON}{fields}\r\n{body}{NEXT}"


# The 42 of the security reference 5.5, by what they try.
HOSTILE = {
    "cl_then_te": post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    "te_then_cl": post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
    "cl_differ": post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"),
    "cl_twice": post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
    "cl_list": post("Content-Length: 3, 3\r\n", "abc"),
    "cl_plus": post("Content-Length: +3\r\n", "abc"),
    "cl_minus": post("Content-Length: -1\r\n", "abc"),
    "cl_hex": post("Content-Length: 0x3\r\n", "abc"),
    "cl_2_64": post("Content-Length: 18446744073709551616\r\n", "abc"),
    "cl_empty": post("Content-Length: \r\n", "abc"),
    "te_xchunked": post("Transfer-Encoding: xchunked\r\n", "hello"),
    "te_chunked_identity": post("Transfer-Encoding: chunked, identity\r\n", "hello"),
    "te_identity": post("Transfer-Encoding: identity\r\n", "hello"),
    "te_twice": post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    "te_space_colon": post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
    "te_vtab": post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"),
    "te_http10": "POST /api/generate HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "obs_fold": post("X-One: a\r\n b\r\nContent-Length: 0\r\n"),
    "two_hosts": "GET /api/tags HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n" + NEXT,
    "no_host": "GET /api/tags HTTP/1.1\r\n\r\n" + NEXT,
    "empty_host": "GET /api/tags HTTP/1.1\r\nHost: \r\n\r\n" + NEXT,
    "host_user": "GET /api/tags HTTP/1.1\r\nHost: localhost@evil\r\n\r\n" + NEXT,
    "absolute_other": "GET http://evil.example/api/tags HTTP/1.1\r\nHost: localhost\r\n\r\n" + NEXT,
    "chunk_extension_100k": post("Transfer-Encoding: chunked\r\n", "5;" + "x" * 100_000 + "\r\nhello\r\n0\r\n\r\n"),
    "raw_utf8_target": "GET /api/\xc3\xa4 HTTP/1.1\r\nHost: localhost\r\n\r\n" + NEXT,
    "chunk_size_letters": post("Transfer-Encoding: chunked\r\n", "zz\r\nhello\r\n0\r\n\r\n"),
    "chunk_size_large": post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    "chunk_size_minus": post("Transfer-Encoding: chunked\r\n", "-5\r\nhello\r\n0\r\n\r\n"),
    "chunk_no_crlf": post("Transfer-Encoding: chunked\r\n", "5\r\nhelloXX0\r\n\r\n"),
    "bare_lf": "GET /api/tags HTTP/1.1\nHost: localhost\n\n" + NEXT,
    "bare_cr": "GET /api/tags HTTP/1.1\r\nX: a\rb\r\nHost: localhost\r\n\r\n" + NEXT,
    "nul": "GET /api/tags HTTP/1.1\r\nX: a\0b\r\nHost: localhost\r\n\r\n" + NEXT,
    "http09": "GET /api/tags\r\n",
    "http12": "GET /api/tags HTTP/1.2\r\nHost: localhost\r\n\r\n" + NEXT,
    "http2_preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tls_hello": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "request_line_long": "GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "header_long": "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + "a" * 20_000 + "\r\n\r\n",
    "fields_many": "GET / HTTP/1.1\r\nHost: localhost\r\n" + "X: 1\r\n" * 150 + "\r\n",
    "body_long": post("Content-Length: 900000000\r\n"),
    "body_long_chunks": post("Transfer-Encoding: chunked\r\n", "5000000\r\n" + "x" * 100_000),
    "header_no_colon": "GET / HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n" + NEXT,
}
OTHER_STATUS = {"request_line_long": 414, "header_long": 431, "fields_many": 431, "body_long": 413, "body_long_chunks": 413}


class Hostile(DoorTest):
    flags = ("--compat-no-token",)

    def test_each_is_refused_and_the_connection_closes(self):
        self.assertEqual(len(HOSTILE), 42)
        before = self.state()
        for name, data in HOSTILE.items():
            with self.subTest(name):
                answer = self.raw(data)
                self.assertEqual(Answer(answer).status, OTHER_STATUS.get(name, 400), answer[:300])
                self.assertEqual(len(STATUS_LINE.findall(answer)), 1, "what came behind it was answered")
                self.assertEqual(Answer(answer).fields["connection"], "close")
        self.assertEqual(self.ask("GET", "/api/version").status, 200)
        self.assertEqual(self.state(), before)

    def test_the_same_over_the_socket(self):
        for name, data in HOSTILE.items():
            with self.subTest(name):
                answer = self.client.raw(data.encode("latin-1"), timeout=seconds(20))
                self.assertEqual(Answer(answer).status, OTHER_STATUS.get(name, 400), answer[:300])
                self.assertEqual(len(STATUS_LINE.findall(answer)), 1)

    def test_a_client_that_says_nothing_costs_nobody_else(self):
        silent = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(60)]
        try:
            self.assertEqual(self.ask("GET", "/api/version").status, 200)
            more = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(10)]
            silent += more
            refused = Answer(more[-1].recv(4096))
            self.assertEqual(refused.status, 503)
            self.assertEqual(self.client.get("/api/version").status, 200, "the socket is as free as before")
        finally:
            for plain in silent:
                plain.close()
        self.eventually(lambda: self.ask("GET", "/api/version").status == 200, what="room again")

    def test_a_closed_client_ends_its_answer(self):
        body = json.dumps({"model": "m", "backend": "echo", "prompt": "word " * 2000, "stream": False,
                           "options": {"echo_delay_ms": 50}})
        plain = socket.create_connection(("127.0.0.1", self.port))
        plain.sendall(f"POST /api/generate HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        self.eventually(lambda: "m" in self.service.loaded() or "m:latest" in self.service.loaded(), what="the model to load")
        plain.close()
        began = time.monotonic()
        with self.client.stream("POST", "/hearth/v1/unload", {"all": True}) as stream:
            list(stream)
        self.assertLess(time.monotonic() - began, seconds(15), "the answer of a client that left went on")


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


class Tokens(DoorTest):
    def test_the_life_of_a_token(self):
        token = self.token("open-webui")
        self.assertRegex(token, r"^hearth_[0-9a-f]{8}_[A-Za-z0-9_-]{43}$")
        self.assertEqual(self.ask("GET", "/api/tags", f"Authorization: Bearer {token}\r\n").status, 200)
        rows = self.assert_json_output(self.service.cli("token", "list", "--json"))["tokens"]
        row = next(row for row in rows if row["name"] == "open-webui")
        self.assertEqual(row["scope"], "infer")
        self.assertTrue(row["last_used_at"])
        self.assertNotIn(token, json.dumps(rows))
        body = json.dumps({"model": "m", "backend": "echo", "prompt": "one two three"})
        answer = self.ask("POST", "/api/generate", f"X-Api-Key: {token}\r\n{JSON}", body)
        self.assertEqual(answer.status, 200, answer)
        self.assert_exit(self.service.cli("token", "revoke", "open-webui"), harness.DONE)
        self.assertEqual(self.ask("GET", "/api/tags", f"Authorization: Bearer {token}\r\n").status, 401)
        self.assert_exit(self.service.cli("token", "revoke", "open-webui"), harness.NOT_FOUND)

    def test_a_revoked_token_ends_its_stream(self):
        token = self.token("streamer")
        body = json.dumps({"model": "m", "backend": "echo", "prompt": "word " * 3000, "options": {"echo_delay_ms": 50}})
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds(30)) as plain:
            plain.sendall((f"POST /api/generate HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {token}\r\n{JSON}"
                           f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
            self.assertIn(b"HTTP/1.1 200", plain.recv(4096))
            self.assert_exit(self.service.cli("token", "revoke", "streamer"), harness.DONE)
            try:
                while plain.recv(65536):
                    pass
            except ConnectionResetError:
                pass

    def test_nothing_of_a_token_is_written_down(self):
        token = self.token("secret")
        self.ask("GET", "/api/tags", f"Authorization: Bearer {token}\r\n")
        self.ask("GET", "/api/tags", f"Authorization: Bearer {token}x\r\n")
        secret = token.split("_", 2)[2].encode()
        for path in [self.service.log, *(self.service.home / "data").rglob("*")]:
            try:
                self.assertNotIn(secret, path.read_bytes(), path)
            except (FileNotFoundError, IsADirectoryError):
                pass  # a file that was being replaced
        self.assertEqual((self.service.home / "data/tokens.json").stat().st_mode & 0o777, 0o600)

    def test_an_expired_token_is_refused(self):
        token = self.token("short", "--expires", "1s")
        self.eventually(lambda: self.ask("GET", "/api/tags", f"X-Api-Key: {token}\r\n").status == 401, what="the token to expire")

    def test_wrong_use_of_the_command(self):
        self.assert_exit(self.service.cli("token", "create"), harness.USAGE)
        self.assert_exit(self.service.cli("token", "create", "a", "--scope", "root"), harness.USAGE)
        self.assert_exit(self.service.cli("token", "create", "a b"), harness.USAGE)
        self.assert_exit(self.service.cli("token", "create", "a", "--expires", "soon"), harness.USAGE)

    def test_status_shows_the_door(self):
        status = self.assert_json_output(self.service.cli("status", "--json"))["service"]
        self.assertEqual(status["tcp"][0]["address"], f"127.0.0.1:{self.port}")
        self.assertTrue(status["tcp"][0]["token_required"])
        self.assertIn(f"127.0.0.1:{self.port}", self.service.cli("status").stdout)


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
        port = int(door["address"].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as plain:
            plain.sendall(b"GET /api/tags HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual(Answer(plain.recv(4096)).status, 401)

    def test_the_configuration_opens_doors(self):
        ports = [free_port(), free_port()]
        (self.service.home / "config.toml").write_text(
            f"[server]\nlisten = ['127.0.0.1:{ports[0]}', 'localhost:{ports[1]}']\ncompat_no_token = true\n")
        self.service.start()
        for port in ports:
            with socket.create_connection(("127.0.0.1", port)) as plain:
                plain.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
                self.assertIn(b"Ollama is running", plain.recv(4096))

    def test_without_it_nobody_listens(self):
        self.service.start()
        self.assertEqual(self.service.client.get("/hearth/v1/status").json()["tcp"], [])
