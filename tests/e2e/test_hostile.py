"""Hostile bytes at the TCP door and at the socket. Real daemon, raw sockets."""
import json
import re
import socket
import time

from door import JSON, Answer, DoorTest
from harness import seconds

STATUS_LINE = re.compile(rb"HTTP/1\.1 \d{3} ")
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
