"""A registry that the npm client believes: what `npm view` and `npm pack` ask for, and faults on demand."""
import base64
import hashlib
import http.server
import io
import json
import tarfile
import threading
import urllib.parse


def integrity_of(data):
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


def package_json_in(tarball):
    with tarfile.open(fileobj=io.BytesIO(tarball)) as tar:
        return json.load(tar.extractfile("package/package.json"))


class Registry:
    """Serves tarballs that are published. `asked` are the paths of all requests.

    damaged   names of packages whose tarball arrives with a wrong byte
    refused   the status that every request gets, such as 403
    """

    def __init__(self):
        self.tarballs, self.asked, self.damaged, self.refused = {}, [], set(), None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                status, body = (outer.refused, b"{}") if outer.refused else outer.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    def publish(self, tarball, **wrong):
        """@param wrong  what the registry says instead of the truth: integrity=…"""
        package = package_json_in(tarball)
        self.tarballs.setdefault(package["name"], {})[package["version"]] = (tarball, package | {"dist": self.dist(package, tarball) | wrong})
        return package["name"]

    def dist(self, package, tarball):
        file = f"{package['name'].split('/')[1]}-{package['version']}.tgz"
        return {"tarball": f"{self.url}{package['name']}/-/{file}", "integrity": integrity_of(tarball), "shasum": hashlib.sha1(tarball).hexdigest()}

    def answer(self, path):
        path = urllib.parse.unquote(path.split("?")[0]).lstrip("/")
        name, _, file = path.partition("/-/")
        versions = self.tarballs.get(name)
        if not versions:
            return 404, b'{"error":"Not found"}'
        if file:
            tarball = next(data for data, package in versions.values() if package["dist"]["tarball"].endswith("/" + file))
            return 200, tarball[:-30] + bytes([tarball[-30] ^ 1]) + tarball[-29:] if name in self.damaged else tarball
        latest = list(versions)[-1]
        document = {"name": name, "dist-tags": {"latest": latest}, "versions": {version: package for version, (_, package) in versions.items()}}
        return 200, json.dumps(document).encode()
