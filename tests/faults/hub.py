"""A look-alike of the Hugging Face Hub on loopback: repositories with an info, a tree in pages, and files that lie on a second host. Both
hosts record the headers that they get. Standard library only.

    with Hub(folder) as hub:
        hub.add_repository("org/repo", {"m-Q4_K_M.gguf": path, "README.md": b"…"})
        HF_ENDPOINT=hub.url …            hub.requests, hub.store.requests: what arrived; hub.fault(path, kind, …): as at any Origin
"""
import hashlib
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from origin import Answer, Exchange, Origin, Source

LARGE = 4096  # bytes; smaller files lie in git itself and have no sha256


def content_of(source):
    return source.read_bytes() if isinstance(source, Path) else source


def size_of(source):
    return source.stat().st_size if isinstance(source, Path) else len(source)


def git_id(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Repository:
    """@param unread  stand-ins for what hashing a file would give: for files that are too large, or a hole"""

    def __init__(self, files, gated=False, private=False, unread=False):
        self.files = dict(sorted(files.items()))
        self.gated, self.private, self.unread = gated, private, unread
        names = [[path, path if unread else git_id(content_of(source))] for path, source in self.files.items()]
        self.commit = hashlib.sha1(json.dumps(names).encode()).hexdigest()

    def sha256(self, path):
        return hashlib.sha256(path.encode() if self.unread else content_of(self.files[path])).hexdigest()

    def entries(self):
        for path, source in self.files.items():
            if self.unread:
                digest, size = self.sha256(path), size_of(source)
                yield {"type": "file", "oid": digest[:40], "size": size, "path": path, "lfs": {"oid": digest, "size": size, "pointerSize": 135}}
                continue
            data = content_of(source)
            entry = {"type": "file", "oid": git_id(data), "size": len(data), "path": path}
            if len(data) >= LARGE:
                entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 135}
            yield entry


class HubExchange(Exchange):
    def _find(self):
        path = unquote(self.path)
        for old, new in self.origin.renamed.items():
            if path.startswith((f"/api/models/{old}/", f"/{old}/")):
                return Answer(307, headers={"Location": self.target.replace(old, new, 1)})
        if match := re.match(r"/api/models/([^/]+/[^/]+)/(revision|tree)/([^/]+)$", path):
            return self._api(*match.groups())
        if match := re.match(r"/([^/]+/[^/]+)/resolve/([0-9a-f]{40})/(.+)$", path):
            return self._resolve(*match.groups())
        return None

    def _refuse(self, status, code):
        return Answer(status, b'{"error":"no"}', {"X-Error-Code": code, "X-Error-Message": "no", "Content-Type": "application/json"})

    def _has_token(self):
        return bool(self.origin.token_of_hub) and self.headers.get("authorization") == "Bearer " + self.origin.token_of_hub

    def _api(self, name, what, revision):
        repository = self.origin.repositories.get(name)
        if repository is None or (repository.private and not self._has_token()):
            return self._refuse(401 if "authorization" not in self.headers else 404, "RepoNotFound")
        if what == "revision":
            info = {"id": name, "sha": repository.commit, "private": repository.private, "gated": "manual" if repository.gated else False}
            return self._json(info)
        if revision != repository.commit:
            return self._refuse(404, "RevisionNotFound")
        return self._page(name, repository)

    def _page(self, name, repository):
        entries = list(repository.entries())
        start = int(parse_qs(urlsplit(self.target).query).get("cursor", ["0"])[0])
        end = start + self.origin.page_entries
        headers = {}
        if end < len(entries):
            host = self.origin.link_host or self.origin.url
            headers["Link"] = f'<{host}/api/models/{name}/tree/{repository.commit}?recursive=true&cursor={end}>; rel="next"'
        return self._json(entries[start:end], headers)

    def _json(self, value, headers=None):
        return Answer(200, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _resolve(self, name, commit, path):
        repository = self.origin.repositories.get(name)
        if repository is None or commit != repository.commit or path not in repository.files:
            return self._refuse(404, "EntryNotFound")
        if repository.gated and not self._has_token():
            return self._refuse(403 if "authorization" in self.headers else 401, "GatedRepo")
        source = repository.files[path]
        headers = {"X-Repo-Commit": commit, "X-Linked-Size": size_of(source), "X-Linked-Etag": f'"{repository.sha256(path)}"'}
        if size_of(source) < LARGE:
            data = content_of(source)
            return Source(data, etag=f'"{git_id(data)}"')
        location = f"{self.origin.store.url}/{quote(source.name)}?X-Amz-Expires=3600&X-Amz-Signature=s"
        return Answer(302, headers={**headers, "Location": location})


class Hub(Origin):
    """The Hub itself; `store` is the second host, an ordinary Origin over the same folder."""

    exchange = HubExchange

    def __init__(self, folder):
        self.repositories, self.renamed = {}, {}
        self.token_of_hub = None
        self.page_entries = 1000
        self.link_host = None
        self.store = Origin(folder)
        super().__init__(folder)

    def stop(self):
        self.store.stop()
        super().stop()

    def add_repository(self, name, files, **options):
        """@param files  path in the repository → a Path in the folder, or bytes of a small file. @return the repository"""
        self.repositories[name] = Repository(files, **options)
        return self.repositories[name]

    def resolve_path(self, name, path):
        return f"/{name}/resolve/{self.repositories[name].commit}/{path}"
