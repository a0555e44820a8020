"""HTTP over a Unix socket with nothing but the standard library: whole answers, NDJSON and SSE lines with their arrival times."""
import http.client
import json
import socket
import time


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Response:
    """A whole answer."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # names in lower case
        self.body = body

    def json(self):
        return json.loads(self.body)

    def lines(self):
        return [json.loads(line) for line in self.body.splitlines() if line.strip()]

    def __repr__(self):
        return f"<{self.status} {self.headers.get('content-type')} {self.body[:600]!r}>"


class Stream:
    """An answer that is read as it arrives. `close` drops the connection, as a client does that goes away."""

    def __init__(self, connection):
        self.connection = connection
        self.socket = connection.sock
        self.response = self.status = self.headers = None

    def begin(self):
        """Waits for the head of the answer, which comes with its first line."""
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.headers = {name.lower(): value for name, value in self.response.getheaders()}
        return self

    def raw_lines(self):
        while True:
            line = self.response.readline()
            if not line:
                return
            yield line

    def events(self):
        """(time, object) of every NDJSON line, or of every SSE `data:` line; `[DONE]` comes as that text."""
        for line in self.raw_lines():
            line = line.strip()
            if line.startswith(b"data:"):
                line = line[5:].strip()
            elif not line.startswith(b"{"):
                continue  # blank lines, comments and event names
            yield time.monotonic(), ("[DONE]" if line == b"[DONE]" else json.loads(line))

    def __iter__(self):
        for _, event in self.events():
            yield event

    def close(self):
        try:
            if self.socket:
                self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if self.response:
            self.response.close()
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Client:
    """Requests to one Unix socket, a connection each."""

    def __init__(self, path, timeout=60):
        self.path = path
        self.timeout = timeout

    def _send(self, method, target, body, headers, timeout):
        connection = UnixConnection(self.path, timeout or self.timeout)
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        send = {"Content-Type": "application/json"} if data is not None else {}
        send.update(headers or {})
        connection.request(method, target, body=data, headers=send)
        return connection

    def request(self, method, target, body=None, headers=None, timeout=None):
        connection = self._send(method, target, body, headers, timeout)
        try:
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Response(response.status, names, response.read())
        finally:
            connection.close()

    def get(self, target, **more):
        return self.request("GET", target, **more)

    def post(self, target, body, **more):
        return self.request("POST", target, body, **more)

    def stream(self, method, target, body=None, headers=None, timeout=None):
        return self.open(method, target, body, headers, timeout).begin()

    def open(self, method, target, body=None, headers=None, timeout=None):
        """As stream, without waiting for the first line."""
        return Stream(self._send(method, target, body, headers, timeout))

    def raw(self, data, timeout=10):
        """Sends bytes as they are and returns what comes back until the server closes or falls silent."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as plain:
            plain.settimeout(timeout)
            plain.connect(str(self.path))
            answer = b""
            try:
                plain.sendall(data)
            except OSError:
                pass  # refused while we were sending: the answer says why
            try:
                while chunk := plain.recv(65536):
                    answer += chunk
            except OSError:
                pass
            return answer
