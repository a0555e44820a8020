"""Where models come from in tests: an origin in this process that counts bytes and misbehaves on demand, and Debian's docker-registry."""
import hashlib
import http.client
import http.server
import json
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import processes

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.ollama.image."
CHUNK = 256 << 10


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def ollama_layers(*weights, template=None, system=None, params=None, license=None):
    """[(media type, bytes or path)]: the layers of a model as Ollama's library has them."""
    layers = [(LAYER + "model", Path(path)) for path in weights]
    for kind, value in (("template", template), ("system", system), ("license", license)):
        if value is not None:
            layers.append((LAYER + kind, value.encode()))
    if params is not None:
        layers.append((LAYER + "params", json.dumps(params).encode()))
    return layers


def content(source):
    return source.read_bytes() if isinstance(source, Path) else source


def manifest_of(layers, config):
    """The manifest's bytes; spaced unlike any JSON library does, so that only a byte-for-byte copy has the right digest."""
    rows = []
    for kind, source in layers:
        data = content(source)
        row = {"mediaType": kind, "digest": digest_of(data), "size": len(data)}
        if isinstance(source, Path):
            row["annotations"] = {"org.opencontainers.image.title": source.name}
        rows.append(row)
    value = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)},
             "layers": rows}
    return json.dumps(value, indent=3).encode()


MODEL_CONFIG = json.dumps({"model_format": "gguf", "model_family": "llama", "model_families": ["llama"], "model_type": "1M", "file_type": "F32",
                           "architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()


class Origin:
    """An HTTP server on loopback. `served` counts body bytes of files, `active` the transfers that run. Faults are settings of `faults`."""

    def __init__(self, files):
        self.files = {name: Path(path) for name, path in files.items()}
        self.versions = dict.fromkeys(self.files, 1)
        self.lock = threading.Lock()
        self.served = self.active = 0
        self.rate = 0
        self.redirects, self.statuses = {}, {}
        self.heal()
        self.requests = []  # (method, path, Range or "")
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                with origin.lock:
                    origin.requests.append((self.command, self.path, self.headers.get("Range", "")))
                try:
                    origin.answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def url(self, name):
        return f"http://{self.host}/{name}"

    # ---- settings

    def heal(self):
        """No faults any more."""
        self.flip_at = self.cut_at = self.truncate_at = None
        self.cuts = self.extra = 0
        self.ranges = True
        self.statuses.clear()

    def limit_rate(self, bytes_per_second):
        self.rate = bytes_per_second

    def replace(self, name, path):
        self.files[name] = Path(path)
        self.versions[name] += 1

    def answer_status(self, name, status):
        self.statuses[name] = status

    def redirect(self, name, target, hops=1):
        """`name` leads to `target` over `hops` redirects."""
        for hop in range(hops):
            here = name if hop == 0 else f"{name}.hop{hop}"
            self.redirects[here] = "/" + (target if hop == hops - 1 else f"{name}.hop{hop + 1}")

    def redirect_to_url(self, name, url):
        self.redirects[name] = url

    def flip_byte(self, offset):
        self.flip_at = offset

    def cut_after(self, size_bytes, times=1):
        """The connection breaks after so many bytes of a body, `times` times."""
        self.cut_at, self.cuts = size_bytes, times

    def truncate_to(self, size_bytes):
        """The file is shorter, and Content-Length says so."""
        self.truncate_at = size_bytes

    def extend_by(self, size_bytes):
        self.extra = size_bytes

    def ignore_ranges(self):
        self.ranges = False

    # ---- answering

    def answer(self, handler):
        self.answer_name(handler, handler.path.split("?")[0].lstrip("/"))

    def answer_name(self, handler, name):
        if name in self.statuses:
            self.send(handler, self.statuses[name], b"told to\n")
        elif name in self.redirects:
            self.send(handler, 302, b"", {"Location": self.redirects[name]})
        elif name in self.files:
            self.send_file(handler, self.files[name], f'"v{self.versions[name]}-{name}"')
        else:
            self.send(handler, 404, b"no such file\n")

    @staticmethod
    def send(handler, status, body, headers=None):
        handler.send_response(status)
        for key, value in (headers or {}).items():
            handler.send_header(key, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    def send_file(self, handler, path, etag):
        size = path.stat().st_size + self.extra
        if self.truncate_at is not None:
            size = self.truncate_at
        start = 0
        wanted = re.match(r"bytes=(\d+)-(\d*)$", handler.headers.get("Range", ""))
        if wanted and self.ranges and handler.headers.get("If-Range", etag) == etag:
            start = int(wanted[1])
            if start >= size:
                self.send(handler, 416, b"", {"Content-Range": f"bytes */{size}"})
                return
            end = min(int(wanted[2]), size - 1) if wanted[2] else size - 1
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{end}/{size}")
        else:
            end = size - 1
            handler.send_response(200)
        handler.send_header("Content-Length", str(end - start + 1))
        handler.send_header("Content-Type", "application/octet-stream")
        handler.send_header("ETag", etag)
        if self.ranges:
            handler.send_header("Accept-Ranges", "bytes")
        handler.end_headers()
        if handler.command != "HEAD":
            self.send_body(handler, path, start, end + 1)

    def send_body(self, handler, path, start, end):
        with self.lock:
            self.active += 1
        began, sent = time.monotonic(), 0
        try:
            with open(path, "rb") as source:
                source.seek(start)
                at = start
                while at < end:
                    piece = bytearray(source.read(min(CHUNK, end - at)) or bytes(min(CHUNK, end - at)))
                    if self.flip_at is not None and at <= self.flip_at < at + len(piece):
                        piece[self.flip_at - at] ^= 1
                    if self.cuts and self.cut_at is not None and sent + len(piece) > self.cut_at:
                        self.cuts -= 1
                        handler.wfile.flush()
                        handler.connection.shutdown(socket.SHUT_RDWR)
                        handler.close_connection = True
                        return
                    handler.wfile.write(piece)
                    at += len(piece)
                    sent += len(piece)
                    with self.lock:
                        self.served += len(piece)
                    if self.rate:
                        ahead = sent / self.rate - (time.monotonic() - began)
                        if ahead > 0:
                            time.sleep(min(ahead, 1.0))
                    else:
                        began, sent = time.monotonic(), 0 if not self.cuts else sent
        finally:
            with self.lock:
                self.active -= 1


class OciOrigin(Origin):
    """One model over the distribution API, with the faults of an Origin on its weights. Small layers are served rightly."""

    def __init__(self, repository, tag, weights):
        self.repository, self.tag = repository, tag
        self.layers = ollama_layers(weights)
        self.manifest = manifest_of(self.layers, MODEL_CONFIG)
        self.manifest_digest = digest_of(self.manifest)
        self.weights_digest = digest_of(Path(weights).read_bytes())
        self.redirected = False
        super().__init__({"weights": weights})

    @property
    def reference(self):
        return f"{self.host}/{self.repository}:{self.tag}"

    @property
    def pinned_reference(self):
        return f"{self.host}/{self.repository}@{self.manifest_digest}"

    def answer_status(self, status):  # of the weights
        self.statuses["weights"] = status

    def flip_manifest(self):
        broken = bytearray(self.manifest)
        broken[broken.index(b"layers") + 20] ^= 1
        self.manifest = bytes(broken)

    def serve_manifest(self, data):
        self.manifest = data

    def redirect_blobs(self):
        self.redirected = True

    def answer(self, handler):
        path = handler.path.split("?")[0]
        base = f"/v2/{self.repository}"
        if path == "/v2/":
            self.send(handler, 200, b"{}")
        elif path in (f"{base}/manifests/{self.tag}", f"{base}/manifests/{self.manifest_digest}"):
            self.send(handler, 200, self.manifest, {"Content-Type": MANIFEST, "Docker-Content-Digest": self.manifest_digest})
        elif path == f"{base}/blobs/{self.weights_digest}":
            if self.redirected:
                self.send(handler, 307, b"", {"Location": f"{self.url('weights')}?signature=once"})
            else:
                self.answer_name(handler, "weights")
        elif path == f"{base}/blobs/{digest_of(MODEL_CONFIG)}":
            self.send(handler, 200, MODEL_CONFIG, {"Content-Type": "application/octet-stream"})
        else:
            self.answer_name(handler, path.lstrip("/"))


class Registry:
    """Debian's docker-registry on loopback with a folder of its own."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="hearth-registry-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.host = f"127.0.0.1:{port}"
        (self.folder / "config.yml").write_text(
            "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
            f"storage: {{filesystem: {{rootdirectory: {self.folder}/data}}, delete: {{enabled: true}}}}\n"
            f"http: {{addr: '{self.host}', secret: tests}}\n")
        self.process = subprocess.Popen(["docker-registry", "serve", self.folder / "config.yml"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none"})
        processes.wait_until(self._answers, 20, "docker-registry to answer")

    def _answers(self):
        try:
            return self._request("GET", "/v2/")[0] == 200
        except OSError:
            if self.process.poll() is not None:
                raise AssertionError("docker-registry does not start") from None
            return False

    def _request(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            connection.request(method, target, body=body, headers=headers or {})
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()

    def _push_blob(self, repository, data):
        digest = digest_of(data)
        if self._request("HEAD", f"/v2/{repository}/blobs/{digest}")[0] == 200:
            return
        status, headers, body = self._request("POST", f"/v2/{repository}/blobs/uploads/", b"")
        assert status == 202, (status, body)
        target = re.sub(r"^https?://[^/]+", "", headers["location"])
        target += ("&" if "?" in target else "?") + "digest=" + digest
        status, _, body = self._request("PUT", target, data, {"Content-Type": "application/octet-stream"})
        assert status == 201, (status, body)

    def push(self, repository, tag, layers, config=MODEL_CONFIG):
        """@return the digest of the manifest"""
        for _, source in layers:
            self._push_blob(repository, content(source))
        self._push_blob(repository, config)
        manifest = manifest_of(layers, config)
        status, _, body = self._request("PUT", f"/v2/{repository}/manifests/{tag}", manifest, {"Content-Type": MANIFEST})
        assert status == 201, (status, body)
        return digest_of(manifest)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
