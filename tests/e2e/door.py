"""What the tests of the TCP door share: a service with one, and raw requests to it."""
import json
import re
import socket
import ssl

import harness
from harness import HearthTest, Service, seconds

JSON = "Content-Type: application/json\r\n"


def ports(service):
    """Those that the service listens on."""
    return [int(door["address"].rpartition(":")[2]) for door in service.client.get("/hearth/v1/status").json()["tcp"]]


def exchange(connection, data):
    """Sends bytes, reads to the end, however that comes. @return what was answered"""
    try:
        connection.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
    except OSError:
        pass  # refused while we were sending
    answer = b""
    try:
        while piece := connection.recv(65536):
            answer += piece
    except (ConnectionResetError, ssl.SSLError):
        pass
    return answer


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
        cls.service = Service(cls.service_config, cls.service_environment)
        cls.addClassCleanup(cls.service.destroy)
        cls.service.start("--listen", "127.0.0.1:0", *cls.flags)
        cls.client = cls.service.client
        cls.port, = ports(cls.service)

    def raw(self, data, timeout=20):
        """Sends bytes, reads to the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds(timeout)) as plain:
            return exchange(plain, data)

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
