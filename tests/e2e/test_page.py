"""The page's own door: opened by who may, for one browser, closed when nobody uses it. Real daemon, raw sockets."""
import json
import os
import re
import socket
import subprocess
import sys
import unittest

import harness
from door import JSON, Answer, exchange
from harness import HearthTest, seconds
from unix_http import Client

URL = re.compile(r"^http://127\.0\.0\.1:(\d+)/#t=([\w-]{43})$")


class PageTest(HearthTest):
    def open(self, **body):
        answer = self.client.post("/hearth/v1/open", body)
        self.assertEqual(answer.status, 200, answer)
        link = answer.json()
        self.port, self.ticket = URL.match(link["url"]).groups()
        self.assertEqual(link["address"], f"http://127.0.0.1:{self.port}/")
        self.own = f"Origin: http://127.0.0.1:{self.port}\r\nSec-Fetch-Site: same-origin\r\n"
        return link

    def ask(self, method, path, fields="", body="", host=None):
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        with socket.create_connection(("127.0.0.1", int(self.port)), timeout=seconds(20)) as plain:
            return Answer(exchange(plain, f"{method} {path} HTTP/1.1\r\nHost: {host or '127.0.0.1:' + self.port}\r\n"
                                          f"Connection: close\r\n{length}{fields}\r\n{body}"))

    def exchange(self, ticket=None):
        return self.ask("POST", "/session", self.own + JSON, json.dumps({"ticket": ticket or self.ticket}))

    def enter(self, **body):
        """@return the field that lets a page in"""
        self.open(**body)
        return f"Authorization: Bearer {self.exchange().json()['token']}\r\n"

    def answers(self):
        try:
            return self.ask("GET", "/").status
        except ConnectionRefusedError:
            return None

    def doors(self):
        return [door["address"] for door in self.client.get("/hearth/v1/status").json()["tcp"]]


class TheDoor(PageTest):
    def test_files_need_no_token_and_hold_their_policy(self):
        self.open()
        page = self.ask("GET", "/")
        self.assertEqual(page.status, 200)
        self.assertTrue(page.body.startswith(b"<!doctype html>"))
        names = set(re.findall(rb'(?:src|href)="(/[\w.]+)"', page.body))
        names |= set(re.findall(rb'from "\.(/[\w.]+)"', self.ask("GET", "/app.js").body))
        self.assertGreater(len(names), 7)
        for name in names:
            answer = self.ask("GET", name.decode())
            self.assertEqual(answer.status, 200, name)
            self.assertEqual(answer.fields["x-content-type-options"], "nosniff")
            policy = answer.fields["content-security-policy"]
            for part in ("default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
                         "form-action 'none'", "require-trusted-types-for 'script'"):
                self.assertIn(part, policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(answer.fields["referrer-policy"], "no-referrer")
            self.assertEqual(answer.fields["cross-origin-resource-policy"], "same-origin")

    def test_a_ticket_is_good_once(self):
        self.open()
        token = self.exchange().json()["token"]
        for answer in (self.exchange(), self.exchange("x" * 43)):
            self.assertEqual(answer.status, 401, answer)
            self.assert_error_body(answer.json(), "access.token_required")
        self.assertEqual(self.ask("GET", "/api/tags", f"Authorization: Bearer {token}\r\n").status, 200)
        self.assertEqual(self.ask("GET", "/api/tags", f"Authorization: Bearer hearth_{self.ticket}\r\n").status, 401)

    def test_a_page_has_the_rights_of_its_user_but_for_tokens_and_links(self):
        field = self.enter()
        body = json.dumps({"model": "absent"})
        self.assertEqual(self.ask("DELETE", "/api/delete", self.own + field + JSON, body).status, 404)
        self.assertEqual(self.ask("GET", "/hearth/v1/status", field).status, 200)
        for method, path in (("GET", "/hearth/v1/tokens"), ("POST", "/hearth/v1/tokens"), ("POST", "/hearth/v1/open")):
            self.assertEqual(self.ask(method, path, self.own + field + JSON).status, 403, path)

    def test_no_route_of_the_api_without_its_token(self):
        self.open()
        for row in self.client.get("/hearth/v1/capabilities").json()["routes"]:
            if row["path"] == "/":
                continue
            path = re.sub(r"\{[^}]*\}", "x", row["path"])
            self.assertEqual(self.ask(row["method"], path, self.own + JSON).status, 401, row)

    def test_other_hosts_and_origins_get_nothing(self):
        field = self.enter()
        for host in ("evil.example", f"localhost:{self.port}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1.evil.example:{self.port}", "[::1]"):
            for path in ("/", "/app.js", "/api/tags"):
                self.assertEqual(self.ask("GET", path, field, host=host).status, 403, f"{host} {path}")
        for fields in ("Origin: https://evil.example\r\n", "Origin: null\r\n", f"Origin: http://localhost:{self.port}\r\n",
                       "Origin: http://127.0.0.1:1\r\n", "Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n"):
            for method, path in (("GET", "/"), ("POST", "/session"), ("POST", "/api/chat"), ("OPTIONS", "/api/chat")):
                answer = self.ask(method, path, field + fields + JSON)
                self.assertEqual(answer.status, 403, f"{fields} {path}")
                self.assertNotIn("access-control-allow-origin", answer.fields)

    def test_a_page_of_another_door_is_not_served(self):
        for path in ("/app.js", "/session", "/style.css"):
            self.assertEqual(self.client.get(path).status, 404)
        self.assertEqual(self.client.get("/").body, b"Ollama is running")

    def test_only_the_full_socket_opens_it(self):
        infer = Client(self.service.home / "run/infer.sock", timeout=seconds(20))
        self.assertEqual(infer.post("/hearth/v1/open", {}).status, 403)

    def test_wrong_requests(self):
        for body in ({"idle_seconds": 0}, {"idle_seconds": "long"}, {"idle_seconds": 100000}):
            self.assertEqual(self.client.post("/hearth/v1/open", body).status, 400, body)
        self.open()
        for body in ("{}", "nonsense", "[]", '{"ticket": 1}'):
            self.assertEqual(self.ask("POST", "/session", self.own + JSON, body).status, 400, body)
        self.assertEqual(self.ask("POST", "/session", "Content-Type: text/plain\r\n", "{}").status, 415)

    def test_the_command_prints_the_link_and_nothing_keeps_it(self):
        result = self.service.cli("open", "--print")
        self.assert_exit(result, harness.DONE)
        self.port, self.ticket = URL.match(result.stdout.strip()).groups()
        self.own = ""
        token = self.exchange().json()["token"]
        log = self.service.log.read_text()
        self.assertIn(f"open at http://127.0.0.1:{self.port}/", log)
        for secret in (self.ticket, token):
            self.assertNotIn(secret, log)
            for path in (self.service.home / "data").rglob("*"):
                if path.is_file():
                    self.assertNotIn(secret.encode(), path.read_bytes(), path)

    def test_the_core_stays_locked(self):
        self.open()
        status = open(f"/proc/{self.service.pid}/status").read()
        self.assertIn("Seccomp:\t2", status)

    @unittest.skipUnless(os.geteuid() == 0, "takes another user")
    def test_other_users_of_this_machine_do_not_even_get_the_files(self):
        self.open()
        program = ("import encodings.idna, os, socket\nos.setgid(65534)\nos.setuid(65534)\n"
                   f"s = socket.create_connection(('127.0.0.1', {self.port}), timeout=20)\n"
                   f"s.sendall(b'GET / HTTP/1.1\\r\\nHost: 127.0.0.1:{self.port}\\r\\nConnection: close\\r\\n\\r\\n')\n"
                   "try:\n    print(len(s.recv(1000)))\nexcept ConnectionResetError:\n    print(0)\n")
        result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=seconds(30), cwd="/")
        self.assertEqual((result.stdout.strip(), result.stderr), ("0", ""))
        self.assertEqual(self.ask("GET", "/").status, 200)
        self.assertIn("refused a client of user 65534", self.service.log.read_text())


class Closing(PageTest):
    def test_it_is_not_there_until_asked_for_and_goes_when_unused(self):
        self.assertEqual(self.doors(), [])
        field = self.enter(idle_seconds=1)
        self.assertEqual(self.doors(), [f"127.0.0.1:{self.port}"])
        self.eventually(lambda: self.answers() is None, 20, "the door to close")
        self.assertEqual(self.doors(), [])
        before = self.port
        self.open()
        self.assertEqual(self.ask("GET", "/api/tags", field).status, 401, f"a token of the door before, {before}")

    def test_a_page_that_listens_keeps_it_open(self):
        field = self.enter(idle_seconds=1)
        with socket.create_connection(("127.0.0.1", int(self.port)), timeout=seconds(20)) as page:
            page.sendall(f"GET /hearth/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{field}\r\n".encode())
            self.assertIn(b"200 OK", page.recv(4096))
            # Each look finds the page; the first that does not, a second after it left, closes the door.
            page.settimeout(3)
            try:
                while page.recv(4096):
                    pass
                self.fail("the door closed under a page")
            except TimeoutError:
                pass
            self.assertEqual(self.ask("GET", "/api/tags", field).status, 200)
        self.eventually(lambda: self.answers() is None, 20, "the door to close")

    def test_it_ends_with_the_service(self):
        field = self.enter()
        page = socket.create_connection(("127.0.0.1", int(self.port)), timeout=seconds(20))
        self.addCleanup(page.close)
        page.sendall(f"GET /hearth/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{field}\r\n".encode())
        self.assertIn(b"200 OK", page.recv(4096))
        self.service.restart()
        while page.recv(4096):
            pass
        self.assertIsNone(self.answers())


if __name__ == "__main__":
    unittest.main()
