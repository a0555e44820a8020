"""TLS for addresses beyond this machine: the real daemon, a client that trusts its certificate, and clients that do not."""
import json
import socket
import ssl
import subprocess
import unittest

import harness
from door import JSON, Answer, DoorTest, exchange, ports
from harness import Service, seconds
from test_hostile import HOSTILE, OTHER_STATUS, STATUS_LINE


def make_certificate(folder, name="server", password=None):
    """A certificate for localhost that signs itself. @return (certificate, key)"""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    lock = ["-passout", f"pass:{password}"] if password else ["-nodes"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate, *lock],
                   check=True, capture_output=True)
    return certificate, key


class TlsTest(DoorTest):
    """One door with TLS for every machine, and a plain one for this machine."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.destroy)
        cls.certificate, cls.key = make_certificate(cls.service.home)
        cls.service.start("--listen", "0.0.0.0:0", "--listen", "127.0.0.1:0", "--compat-no-token",
                          "--tls-cert", cls.certificate, "--tls-key", cls.key)
        cls.client = cls.service.client
        cls.port, cls.plain_port = ports(cls.service)
        cls.trusting = ssl.create_default_context(cafile=cls.certificate)

    def connect(self, context=None, timeout=20):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=seconds(timeout))
        try:
            return (context or self.trusting).wrap_socket(plain, server_hostname="localhost")
        except BaseException:
            plain.close()
            raise

    def raw(self, data, timeout=20):
        with self.connect(timeout=timeout) as tls:
            return exchange(tls, data)


class Serving(TlsTest):
    def test_an_app_with_a_token(self):
        token = self.token("far-away")
        answer = self.ask("GET", "/api/tags", f"Authorization: Bearer {token}\r\n")
        self.assertEqual(answer.status, 200, answer)
        body = json.dumps({"model": "m", "backend": "echo", "prompt": "one two three", "stream": True})
        answer = self.ask("POST", "/api/generate", f"Authorization: Bearer {token}\r\n{JSON}", body)
        self.assertEqual(answer.status, 200, answer)
        self.assertIn(b'"done":true', answer.body)

    def test_a_token_is_asked_for_though_clients_of_this_machine_need_none(self):
        self.assertEqual(self.ask("GET", "/api/tags").status, 401)
        with socket.create_connection(("127.0.0.1", self.plain_port)) as plain:
            plain.sendall(b"GET /api/tags HTTP/1.0\r\nHost: localhost\r\n\r\n")
            self.assertEqual(Answer(plain.recv(65536)).status, 200)

    def test_versions_and_protocols(self):
        with self.connect() as tls:
            self.assertEqual(tls.version(), "TLSv1.3")
        older = ssl.create_default_context(cafile=self.certificate)
        older.maximum_version = ssl.TLSVersion.TLSv1_2
        older.set_alpn_protocols(["h2", "http/1.1"])
        with self.connect(older) as tls:
            self.assertEqual((tls.version(), tls.selected_alpn_protocol()), ("TLSv1.2", "http/1.1"))

    def test_a_client_that_does_not_know_the_certificate_refuses_it(self):
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.connect(ssl.create_default_context())
        other, _ = make_certificate(self.service.home, "other")
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.connect(ssl.create_default_context(cafile=other))
        self.assertEqual(self.ask("GET", "/api/tags").status, 401)

    def test_plain_http_is_closed_and_told_nothing(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds(20)) as plain:
            plain.sendall(b"GET /api/tags HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            try:
                while piece := plain.recv(4096):
                    answer += piece
            except ConnectionResetError:
                pass
        self.assertNotIn(b"HTTP/", answer)

    def test_hosts_and_origins_are_looked_at(self):
        token = self.token("page")
        bearer = f"Authorization: Bearer {token}\r\n"
        self.assertEqual(self.ask("GET", "/api/tags", bearer, host="evil.example").status, 403)
        self.assertEqual(self.ask("GET", "/api/tags", bearer + "Origin: https://evil.example\r\n").status, 403)

    def test_hostile_requests(self):
        key = f"X-Api-Key: {self.token('hostile')}\r\n"  # bodies are looked at behind the token
        before = self.state()
        for name, data in HOSTILE.items():
            with self.subTest(name):
                answer = self.raw(data.replace(JSON, JSON + key, 1))
                self.assertEqual(Answer(answer).status, OTHER_STATUS.get(name, 400), answer[:300])
                self.assertEqual(len(STATUS_LINE.findall(answer)), 1, "what came behind it was answered")
        self.assertEqual(self.state(), before)

    def test_clients_that_never_finish_the_handshake(self):
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
        silent = [socket.create_connection(("127.0.0.1", self.port), timeout=seconds(20)) for _ in range(8)]
        try:
            for number, plain in enumerate(silent):
                plain.sendall(hello[:number])
            self.assertEqual(self.ask("GET", "/api/tags").status, 401, "somebody else is served meanwhile")
            for plain in silent:
                self.assertEqual(plain.recv(100), b"", "closed by us, after the time for a head")
        finally:
            for plain in silent:
                plain.close()

    def test_a_client_that_leaves_ends_its_answer(self):
        token = self.token("leaver")
        body = json.dumps({"model": "m", "backend": "echo", "prompt": "word " * 2000, "stream": False, "options": {"echo_delay_ms": 50}})
        tls = self.connect()
        tls.sendall((f"POST /api/generate HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {token}\r\n{JSON}"
                     f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        busy = lambda: [row["active_requests"] for row in self.client.get("/api/ps").json()["models"]]  # noqa: E731
        self.eventually(lambda: busy() == [1], what="the answer to begin")
        tls.close()
        self.eventually(lambda: busy() == [0], deadline=20, what="the answer of a client that left to end")

    def test_status_tells_the_two_doors_apart(self):
        doors = {row["address"]: row for row in self.client.get("/hearth/v1/status").json()["tcp"]}
        far, near = doors[f"0.0.0.0:{self.port}"], doors[f"127.0.0.1:{self.plain_port}"]
        self.assertEqual((far["tls"], far["token_required"]), (True, True))
        self.assertEqual((near["tls"], near["token_required"]), (False, False))
        self.assertIn("from other machines, TLS", self.service.cli("status").stdout)

    def test_the_key_is_in_no_other_process(self):
        """The launcher was forked before the key was read, and what it starts never had it."""
        secret = self.key.read_text().split("\n")[1].encode()
        family = self.service.family()
        for pid in [family.launcher, *family.runners]:
            with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
                for line in maps:
                    if "[heap]" in line:
                        begin, end = (int(part, 16) for part in line.split()[0].split("-"))
                        memory.seek(begin)
                        self.assertNotIn(secret, memory.read(end - begin))


class Starting(unittest.TestCase):
    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.destroy)
        self.certificate, self.key = make_certificate(self.service.home)

    def refused(self, *arguments):
        result = subprocess.run([harness.BIN / "hearthd", "--listen", "0.0.0.0:0", *arguments], env=self.service.environment,
                                capture_output=True, text=True, timeout=seconds(20))
        self.assertTrue(result.stderr.strip())
        self.assertFalse((self.service.home / "run/api.sock").exists(), "a socket file was left")
        return result

    def test_a_certificate_alone_or_a_key_alone(self):
        for arguments in (("--tls-cert", self.certificate), ("--tls-key", self.key), ("--tls-cert",), ("--tls-cert=",)):
            self.assertIn(self.refused(*arguments).returncode, (harness.USAGE, harness.NOT_ALLOWED), arguments)

    def test_files_that_do_not_fit(self):
        _, other = make_certificate(self.service.home, "other")
        locked_certificate, locked = make_certificate(self.service.home, "locked", "secret")
        text = self.service.home / "text"
        text.write_text("no PEM\n")
        for certificate, key in ((self.certificate, other), (locked_certificate, locked), (text, self.key), (self.certificate, text),
                                 (self.service.home / "none", self.key), (self.certificate, self.service.home / "none")):
            result = self.refused("--tls-cert", certificate, "--tls-key", key)
            self.assertEqual(result.returncode, harness.USAGE, result)

    def test_the_configuration_names_them_too(self):
        (self.service.home / "config.toml").write_text(
            f"[server]\nlisten = '0.0.0.0:0'\ntls_cert = '{self.certificate}'\ntls_key = '{self.key}'\n")
        self.service.start()
        port, = ports(self.service)
        context = ssl.create_default_context(cafile=self.certificate)
        with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
            tls.sendall(b"GET /api/tags HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual(Answer(tls.recv(4096)).status, 401)

    def test_a_key_that_everybody_can_read_is_warned_of(self):
        self.key.chmod(0o644)
        self.service.start("--listen", "0.0.0.0:0", "--tls-cert", self.certificate, "--tls-key", self.key)
        self.assertIn("can be read by every user", self.service.log_tail())
