#!/usr/bin/env python3
"""A web server and OCI registry on loopback that misbehaves on demand and counts what it sends. Standard library only.

    origin.py FOLDER [--port N] [--sndbuf BYTES]     prints {"url": "http://127.0.0.1:PORT"} and serves until it is killed

Files of FOLDER are plain URLs (/name, with ETag and ranges). Control requests, JSON in and out:
    POST /_model {"name": "library/x", "tag": "latest", "files": ["w.gguf"], "template": "…"}   an Ollama-style model of those files
    POST /_fault {"path": "/w.gguf", "kind": "cut", "at": 1000, "times": 2, …}                 "times" absent: always; kind null: heal
    POST /_rate  {"bytes_per_second": 0}          POST /_auth {"token": "abc"}  (null: open)      GET /_stats   POST /_reset

Kinds of fault: rst, cut_header, cut (at), stall (at), drip (rate), flip (at), wrong_range, ignore_range, html, redirect (to), gzip, endless,
longer, shorter, bad_chunk, big_header, many_headers, changed (another ETag), empty_416, status (status, headers).
`served` counts body bytes handed to send() behind a small send buffer, so that it is nearly what the other side's kernel has.
"""
import argparse
import gzip
import hashlib
import json
import re
import socket
import struct
import threading
import time
from pathlib import Path

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
OLLAMA_TYPE = "application/vnd.ollama.image."
PIECE = 64 << 10
CONFIG = json.dumps({"model_format": "gguf", "model_family": "llama", "file_type": "F32", "os": "linux", "architecture": "amd64"}).encode()


class Gone(Exception):
    """The connection ends here, on purpose or because the client left."""


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Source:
    """Bytes with a name: a file or a string."""

    def __init__(self, content, kind="application/octet-stream", etag=None):
        self.content, self.kind = content, kind
        self.size = content.stat().st_size if isinstance(content, Path) else len(content)
        self.etag = etag or f'"{self.size}-{content.stat().st_mtime_ns}"' if isinstance(content, Path) else etag

    def read(self, start, count):
        if isinstance(self.content, Path):
            with open(self.content, "rb") as file:
                file.seek(start)
                return file.read(count)
        return self.content[start:start + count]


class Answer:
    """What is sent as it is: a status, a body, headers."""

    def __init__(self, status, body=b"", headers=None):
        self.status, self.body, self.headers = status, body, headers


class Origin:
    def __init__(self, folder, port=0, sndbuf=PIECE):
        self.folder, self.sndbuf = Path(folder), sndbuf
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.manifests, self.blobs = {}, {}
        self.token, self.rate = None, 0
        self.reset()
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.host = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.url = "http://" + self.host
        self.connections = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping.set()
        self.listener.close()
        with self.lock:
            for connection in self.connections:
                connection.close()

    # ---- control

    def reset(self):
        """No faults, counters at zero."""
        with self.lock:
            self.faults, self.served, self.requests = {}, {}, []

    def fault(self, path, kind, **options):
        with self.lock:
            if kind is None:
                self.faults.pop(path, None)
            else:
                self.faults[path] = {"kind": kind, **options}

    def add_model(self, name, tag, files, template=None):
        """Serves files of the folder as one model. @return its path names: {"manifest", "reference", "blobs"}"""
        layers, paths = [], []
        sources = [(OLLAMA_TYPE + "model", self.folder / file) for file in files]
        if template is not None:
            sources.append((OLLAMA_TYPE + "template", template.encode()))
        for kind, content in [(CONFIG_TYPE, CONFIG), *sources]:
            data = content.read_bytes() if isinstance(content, Path) else content
            layers.append({"mediaType": kind, "digest": digest_of(data), "size": len(data)})
            paths.append(f"/v2/{name}/blobs/{layers[-1]['digest']}")
            self.blobs[paths[-1]] = Source(content)
        manifest = json.dumps({"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": layers[0], "layers": layers[1:]}, indent=1).encode()
        for reference in (tag, digest_of(manifest)):
            self.manifests[f"/v2/{name}/manifests/{reference}"] = Source(manifest, DOCKER_MANIFEST)
        return {"manifest": f"/v2/{name}/manifests/{tag}", "reference": f"{self.host}/{name}:{tag}", "digest": digest_of(manifest),
                "config": paths[0], "blobs": paths[1:]}

    def served_total(self):
        with self.lock:
            return sum(self.served.values())

    # ---- connections

    def _accept(self):
        while not self.stopping.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.sndbuf)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection, connection.makefile("rb") as reader:
                while True:
                    line = reader.readline(8192)
                    if not line:
                        return
                    method, target, _ = line.decode("latin-1").split(" ", 2)
                    headers = {}
                    while (line := reader.readline(8192).decode("latin-1").strip()):
                        name, _, value = line.partition(":")
                        headers[name.lower()] = value.strip()
                    body = reader.read(int(headers.get("content-length", 0)))
                    self.exchange(self, connection, method, target, headers, body).answer()
        except (Gone, OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.connections.discard(connection)


class Exchange:
    """One request and its answer."""

    def __init__(self, origin, connection, method, target, headers, body):
        self.origin, self.connection = origin, connection
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.path = target.split("?")[0]

    def answer(self):
        if self.path.startswith("/_"):
            return self._control()
        with self.origin.lock:
            self.origin.requests.append({"method": self.method, "target": self.target, "range": self.headers.get("range", ""),
                                         "authorization": self.headers.get("authorization", "")})
        if self.path.startswith("/v2/") and self.origin.token and self.headers.get("authorization") != "Bearer " + self.origin.token:
            challenge = f'Bearer realm="{self.origin.url}/_token",service="origin",scope="repository:pull"'
            return self._send(401, b"{}", {"WWW-Authenticate": challenge})
        if self.path == "/v2/":
            return self._send(200, b"{}")
        fault = self._take_fault()
        source = self._find()
        if fault and getattr(self, "_fault_" + fault["kind"])(source, fault):
            return None
        if isinstance(source, Answer):
            self._count(len(source.body))
            return self._send(source.status, source.body, source.headers)
        if source is None:
            return self._send(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
        return self._send_source(source, fault or {})

    def _take_fault(self):
        with self.origin.lock:
            fault = self.origin.faults.get(self.path)
            if not fault or (self.method == "HEAD" and not fault.get("head")):
                return None
            if "times" in fault:
                fault["times"] -= 1
                if fault["times"] <= 0:
                    del self.origin.faults[self.path]
            return dict(fault)

    def _find(self):
        known = self.origin.manifests.get(self.path) or self.origin.blobs.get(self.path)
        file = self.origin.folder / self.path.lstrip("/")
        if known is None and ".." not in self.path and file.is_file():
            known = Source(file)
        return known

    def _control(self):
        if self.path == "/_token":
            return self._send(200, json.dumps({"token": self.origin.token}).encode())
        if self.path == "/_stats":
            with self.origin.lock:
                state = {"served": sum(self.origin.served.values()), "paths": dict(self.origin.served), "requests": list(self.origin.requests)}
            return self._send(200, json.dumps(state).encode())
        options = json.loads(self.body or b"{}")
        result = {}
        if self.path == "/_fault":
            self.origin.fault(options.pop("path"), options.pop("kind"), **options)
        elif self.path == "/_model":
            result = self.origin.add_model(**options)
        elif self.path == "/_rate":
            self.origin.rate = options["bytes_per_second"]
        elif self.path == "/_auth":
            self.origin.token = options["token"]
        elif self.path == "/_reset":
            self.origin.reset()
        else:
            return self._send(404, b"{}")
        return self._send(200, json.dumps(result).encode())

    # ---- writing

    def _head(self, status, headers):
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.connection.sendall(f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode("latin-1"))

    def _send(self, status, body, headers=None):
        self._head(status, {"Content-Length": len(body), **(headers or {})})
        if self.method != "HEAD":
            self.connection.sendall(body)
        return True

    def _count(self, count):
        with self.origin.lock:
            self.origin.served[self.path] = self.origin.served.get(self.path, 0) + count

    def _send_bytes(self, data):
        view = memoryview(data)
        while view:
            sent = self.connection.send(view)
            self._count(sent)
            view = view[sent:]

    def _send_source(self, source, fault):
        headers = {"Content-Type": source.kind, "Accept-Ranges": "bytes"}
        etag = '"another"' if fault.get("kind") == "changed" else source.etag
        if etag:
            headers["ETag"] = etag
        start, end = 0, source.size
        wanted = re.match(r"bytes=(\d+)-(\d*)$", self.headers.get("range", ""))
        if wanted and fault.get("kind") != "ignore_range" and self.headers.get("if-range", etag) == etag:
            start = int(wanted[1])
            if start >= source.size:
                return self._send(416, b"", {"Content-Range": f"bytes */{source.size}"})
            end = min(end, int(wanted[2]) + 1) if wanted[2] else end
            told = start + 7 if fault.get("kind") == "wrong_range" else start
            headers["Content-Range"] = f"bytes {told}-{end - 1}/{source.size}"
        extra = {"longer": 1000, "shorter": -1000}.get(fault.get("kind"), 0)
        self._head(206 if start or wanted and "Content-Range" in headers else 200, {"Content-Length": end - start + extra, **headers})
        if self.method != "HEAD":
            self._send_body(source, start, end, fault)
            if extra > 0:
                self._send_bytes(bytes(extra))
            if extra < 0:
                raise Gone
        return True

    def _send_body(self, source, start, end, fault):
        kind, at = fault.get("kind"), fault.get("at", source.size // 2)
        rate = fault.get("rate", 1) if kind == "drip" else self.origin.rate
        piece = min(PIECE, max(1, rate // 20)) if rate else PIECE
        began, sent = time.monotonic(), 0
        while start < end:
            data = bytearray(source.read(start, min(piece, end - start)))
            if kind in ("cut", "stall") and sent + len(data) > at:
                self._send_bytes(data[:max(0, at - sent)])
                if kind == "stall":
                    self.origin.stopping.wait(fault.get("seconds", 600))
                raise Gone
            if kind == "flip" and start <= at < start + len(data):
                data[at - start] ^= 1
            self._send_bytes(data)
            start, sent = start + len(data), sent + len(data)
            if rate and (ahead := sent / rate - (time.monotonic() - began)) > 0:
                time.sleep(ahead)

    # ---- faults that replace the answer; true when they did

    def _fault_rst(self, *_):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        raise Gone

    def _fault_cut_header(self, *_):
        self.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
        raise Gone

    def _fault_html(self, _, fault):
        return self._send(200, b"<!doctype html><html>please log in</html>", {"Content-Type": fault.get("type", "text/html")})

    def _fault_redirect(self, _, fault):
        return self._send(302, b"", {"Location": fault["to"]})

    def _fault_gzip(self, source, _):
        return self._send(200, gzip.compress(source.read(0, 1 << 20)), {"Content-Encoding": "gzip"})

    def _fault_endless(self, source, _):
        self._head(200, {"Transfer-Encoding": "chunked"})
        first = source.read(0, PIECE)
        while True:
            self.connection.sendall(b"%x\r\n" % len(first))
            self._send_bytes(first)
            self.connection.sendall(b"\r\n")

    def _fault_bad_chunk(self, source, _):
        self._head(200, {"Transfer-Encoding": "chunked"})
        self.connection.sendall(b"10\r\n" + source.read(0, 16) + b"\r\nzz\r\n")
        raise Gone

    def _fault_big_header(self, *_):
        self.connection.sendall(b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * (10 << 20) + b"\r\n\r\n")
        raise Gone

    def _fault_many_headers(self, *_):
        self.connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: x\r\n" % number for number in range(10_000)) + b"\r\n")
        raise Gone

    def _fault_empty_416(self, source, _):
        return self._send(416, b"", {"Content-Range": f"bytes */{source.size}"})

    def _fault_status(self, _, fault):
        return self._send(fault["status"], fault.get("body", "").encode(), fault.get("headers"))

    def _no_replacement(self, *_):
        return False

    _fault_cut = _fault_stall = _fault_drip = _fault_flip = _fault_wrong_range = _fault_ignore_range = _no_replacement
    _fault_longer = _fault_shorter = _fault_changed = _no_replacement


Origin.exchange = Exchange


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--sndbuf", type=int, default=PIECE)
    arguments = parser.parse_args()
    origin = Origin(arguments.folder, arguments.port, arguments.sndbuf)
    print(json.dumps({"url": origin.url}), flush=True)
    origin.stopping.wait()


if __name__ == "__main__":
    main()
