"""Tokens of apps: made, listed, used at the TCP door, revoked."""
import json
import socket

import harness
from door import JSON, DoorTest
from harness import seconds


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
