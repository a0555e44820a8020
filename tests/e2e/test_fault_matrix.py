"""Every fault of security.md 5.6 that an origin can have, on the manifest, the token and the weights: a typed error or the right model,
nothing wrong under a final name, and a bounded number of requests."""
import hashlib
import sys
from pathlib import Path

import gguf_file
from harness import HearthTest, full

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
from origin import Origin  # noqa: E402

SIZE = 3_000_000
REFUSED = ("registry.unreachable", "registry.failed", "registry.denied", "registry.bad_manifest", "network.forbidden", "blob.corrupt",
           "model.not_found", "model.invalid", "request.too_large")
MOST_REQUESTS = 12

#: kind, options, what must come out of weights that are so served: "right", or an error
FOREVER = [
    ("rst", {}, "registry.unreachable"), ("cut_header", {}, "registry.unreachable"), ("cut", {"at": 0}, "registry.unreachable"),
    ("flip", {"at": 1}, None), ("flip", {"at": SIZE // 2}, "blob.corrupt"), ("html", {}, "registry.failed"),
    ("html", {"type": "application/octet-stream"}, None), ("gzip", {}, "registry.failed"), ("endless", {}, None), ("bad_chunk", {}, None),
    ("longer", {}, "registry.failed"), ("shorter", {}, "registry.failed"), ("big_header", {}, None), ("many_headers", {}, "registry.failed"),
    ("empty_416", {}, "registry.failed"), ("redirect", {"to": "file:///etc/passwd"}, "network.forbidden"),
    ("redirect", {"to": "http://169.254.169.254/latest/meta-data/"}, "network.forbidden"), ("redirect", {"to": "https://10.0.0.1/"}, "network.forbidden"),
    ("redirect", {"to": "gopher://127.0.0.1/"}, "network.forbidden"), ("status", {"status": 500}, "registry.failed"),
    ("status", {"status": 503, "headers": {"Retry-After": "0"}}, "registry.failed"), ("status", {"status": 429, "headers": {"Retry-After": "soon"}}, "registry.failed"),
    ("status", {"status": 401}, "registry.denied"), ("status", {"status": 403}, "registry.denied"), ("status", {"status": 404}, None),
    ("status", {"status": 410}, None), ("status", {"status": 204}, "registry.failed"), ("status", {"status": 302}, "registry.failed"),
]
ONCE = [("rst", {}), ("cut_header", {}), ("cut", {"at": 10}), ("cut", {"at": SIZE // 2}), ("cut", {"at": SIZE - 1}), ("status", {"status": 500}),
        ("status", {"status": 503, "headers": {"Retry-After": "1"}}), ("status", {"status": 429, "headers": {"Retry-After": "0"}})]


class FaultMatrix(HearthTest):
    time_limit = 300

    def setUp(self):
        super().setUp()
        folder = self.service.home / "origin"
        folder.mkdir(exist_ok=True)
        self.path = gguf_file.write_ballast(folder / "w.gguf", SIZE)
        self.digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        self.origin = Origin(folder)
        self.addCleanup(self.origin.stop)
        self.model = self.origin.add_model("library/m", "latest", ["w.gguf"])

    def clean(self):
        for name in self.service.models():
            self.service.cli("rm", name)
        for partial in (self.service.home / "data/tmp").glob("*"):
            partial.unlink()
        self.origin.reset()

    def outcome(self, reference, may_be_wrong=False):
        """@return "right", or the code of the error; nothing wrong may be in the store either way
        @param may_be_wrong  a flipped bit in a file whose digest nobody told cannot be seen"""
        last = self.service.pull(reference)[-1]
        for blob in self.service.blobs():
            self.assertEqual(hashlib.sha256(blob.read_bytes()).hexdigest(), blob.name, "a blob is what its name says")
        self.assertLessEqual(len(self.origin.requests), MOST_REQUESTS + 4)
        if last.get("status") == "success":
            if may_be_wrong:
                return "wrong"
            self.assertIn(self.digest, [blob.name for blob in self.service.blobs()])
            return "right"
        self.assert_error_body(last, REFUSED)
        self.assertEqual(self.service.models(), [])
        return last["code"]

    def test_faults_that_last_are_typed_errors(self):
        places = [("manifest", self.model["manifest"], self.model["reference"]), ("weights", self.model["blobs"][0], self.model["reference"]),
                  ("url", "/w.gguf", self.origin.url + "/w.gguf")]
        for place, path, reference in places:
            for kind, options, expected in FOREVER:
                with self.subTest(place=place, kind=kind, **options):
                    self.origin.fault(path, kind, head=kind == "redirect", **options)
                    got = self.outcome(reference, may_be_wrong=place == "url" and kind == "flip")
                    if place == "weights" and expected:
                        self.assertEqual(got, expected)
                    if place == "weights" or kind not in ("flip", "bad_chunk", "longer", "shorter"):
                        self.assertNotEqual(got, "right")
                self.clean()

    def test_faults_that_pass_are_survived(self):
        for place, path, reference in (("weights", self.model["blobs"][0], self.model["reference"]), ("url", "/w.gguf", self.origin.url + "/w.gguf"),
                                       ("manifest", self.model["manifest"], self.model["reference"])):
            for kind, options in ONCE:
                if place == "manifest" and options.get("at", 0) > 10:
                    continue
                with self.subTest(place=place, kind=kind, **options):
                    self.origin.fault(path, kind, times=1, **options)
                    self.assertEqual(self.outcome(reference), "right")
                    self.assertLessEqual(self.origin.served_total(), SIZE + (2 << 20), "what was there is not fetched again")
                self.clean()

    def test_bad_ranges_on_resume_still_give_the_right_file(self):
        for kind in ("wrong_range", "ignore_range", "changed"):
            for path, reference in ((self.model["blobs"][0], self.model["reference"]), ("/w.gguf", self.origin.url + "/w.gguf")):
                with self.subTest(kind=kind, path=path):
                    self.origin.fault(path, "cut", at=SIZE // 2)
                    self.outcome(reference)
                    partials = self.service.partial_bytes()
                    self.origin.fault(path, kind)
                    self.assertEqual(self.outcome(reference), "right", f"{partials} bytes were there")
                self.clean()

    def test_a_token_is_fetched_once_and_its_faults_are_typed(self):
        self.origin.token = "abc"
        self.assertEqual(self.outcome(self.model["reference"]), "right")
        self.clean()
        self.origin.token = "line\nbreak"
        self.assertEqual(self.outcome(self.model["reference"]), "registry.denied")

    @full
    def test_a_server_that_falls_silent_is_given_up(self):
        self.origin.fault(self.model["blobs"][0], "stall", at=SIZE // 2, times=1)
        self.assertEqual(self.outcome(self.model["reference"]), "right")
