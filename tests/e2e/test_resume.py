"""An interrupted pull goes on where it was, whoever was killed; a wrong byte is never published. The origin counts what it serves."""
import hashlib
import os
import signal
import threading

import gguf_file
from harness import HearthTest, seconds
from sources import Origin, OciOrigin

SIZE = 300_000_000
SLACK = 8 << 20  # what may be served twice after an interruption
RATE = 60_000_000


class PullThread(threading.Thread):
    """A pull that will be interrupted: remembers the last progress it heard of."""

    def __init__(self, client, reference):
        super().__init__(daemon=True)
        self.client, self.reference = client, reference
        self.completed, self.lines, self.error = 0, [], None
        self.start()

    def run(self):
        try:
            with self.client.stream("POST", "/api/pull", {"model": self.reference}, timeout=seconds(120)) as stream:
                for line in stream:
                    self.lines.append(line)
                    self.completed = max(self.completed, line.get("completed", 0))
        except Exception as error:  # the connection dies with the core
            self.error = error


class Interrupted(HearthTest):
    """300 MB from an origin that counts bytes, by digest through the OCI protocol and by URL."""

    time_limit = 300

    def setUp(self):
        super().setUp()
        self.path = gguf_file.write_ballast(self.service.home / "large.gguf", SIZE)
        self.size = self.path.stat().st_size
        self.digest = hashlib.sha256(self.path.read_bytes()).hexdigest()

    def tearDown(self):
        if not self.service.process or self.service.process.poll() is not None:
            self.service.start()
        for name in self.service.models():
            self.service.cli("rm", name)
        for partial in (self.service.home / "data/tmp").glob("*"):
            partial.unlink()

    def origins(self):
        yield "registry", OciOrigin("library/large", "latest", self.path)
        yield "url", Origin({"large.gguf": self.path})

    def reference(self, origin):
        return origin.reference if isinstance(origin, OciOrigin) else origin.url("large.gguf")

    def half_way(self, origin):
        origin.limit_rate(RATE)
        pull = PullThread(self.client, self.reference(origin))
        self.eventually(lambda: pull.completed > self.size // 2 or pull.error or not pull.is_alive(), 60, "half of the file")
        self.assertTrue(pull.is_alive(), pull.lines[-1:] or pull.error)
        return pull

    def assert_published(self):
        self.assertIn(self.digest, [blob.name for blob in self.service.blobs()])
        blob = next(blob for blob in self.service.blobs() if blob.name == self.digest)
        self.assertEqual(hashlib.sha256(blob.read_bytes()).hexdigest(), self.digest)
        self.assertEqual(self.service.partial_bytes(), 0)

    def finish(self, origin, missing):
        """Pulls to the end and checks what the origin had to serve for it."""
        origin.limit_rate(0)
        before = origin.served
        self.service.pull_ok(self.reference(origin))
        served = origin.served - before
        self.assertLessEqual(served, missing + SLACK, f"{missing} bytes were missing, {served} were served")
        self.assertGreater(served, 0)
        self.assert_published()

    def each_origin(self, work):
        for name, origin in self.origins():
            with self.subTest(name), origin:
                work(origin)
            self.tearDown()

    def test_the_core_is_killed_half_way(self):
        def work(origin):
            pull = self.half_way(origin)
            self.service.kill()
            pull.join(seconds(10))
            self.assertFalse(self.service.blobs(), "nothing is published early")
            self.eventually(lambda: origin.active == 0, 10, "fetch to end with the core")
            self.service.start()
            self.finish(origin, self.size - pull.completed)
        self.each_origin(work)

    def test_fetch_is_killed_half_way(self):
        def work(origin):
            pull = self.half_way(origin)
            before, known, core = origin.served, pull.completed, self.service.pid
            for fetch in self.service.family().fetches:
                os.kill(fetch, signal.SIGKILL)
            pull.join(seconds(90))
            self.assertFalse(pull.is_alive(), "the pull goes on by itself or says what happened")
            self.assertEqual(self.service.pid, core)
            if pull.lines[-1].get("status") == "success":  # it went on by itself
                self.assertLessEqual(origin.served - before, self.size - known + SLACK)
                self.assert_published()
            else:
                self.assert_error_body(pull.lines[-1], ("registry.unreachable", "runner.lost"))
                self.finish(origin, self.size - pull.completed)
        self.each_origin(work)

    def test_the_service_is_stopped_half_way(self):
        def work(origin):
            pull = self.half_way(origin)
            self.assertEqual(self.service.stop(), 0, "it drains and stops on SIGTERM, downloads included")
            pull.join(seconds(10))
            self.service.start()
            self.finish(origin, self.size - pull.completed)
        self.each_origin(work)

    def test_the_client_leaves_half_way(self):
        def work(origin):
            origin.limit_rate(RATE)
            completed = 0
            with self.client.stream("POST", "/api/pull", {"model": self.reference(origin)}, timeout=60) as stream:
                for line in stream:
                    completed = max(completed, line.get("completed", 0))
                    if completed > self.size // 2:
                        break
            self.eventually(lambda: origin.active == 0, 10, "the transfer to end with its last listener")
            self.finish(origin, self.size - completed)
        self.each_origin(work)

    def test_it_resumes_only_what_is_still_the_same_file(self):
        with Origin({"large.gguf": self.path}) as origin:
            self.half_way(origin)
            self.service.kill()
            self.eventually(lambda: origin.active == 0, 10, "fetch to end")
            gguf_file.write_ballast(self.path, SIZE, seed=2)  # another file at the same URL, of the same size
            self.digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
            origin.replace("large.gguf", self.path)
            origin.limit_rate(0)
            self.service.start()
            self.service.pull_ok(origin.url("large.gguf"))
            self.assert_published()


class Faults(HearthTest):
    """A 24 MB model over a network that lies, cuts and turns away."""

    def setUp(self):
        super().setUp()
        self.path = gguf_file.write_ballast(self.service.home / "faulty.gguf", 24_000_000)
        self.size = self.path.stat().st_size
        self.origin = OciOrigin("library/faulty", "latest", self.path)
        self.addCleanup(self.origin.stop)

    def tearDown(self):
        for name in self.service.models():
            self.service.cli("rm", name)

    def pull(self):
        return self.service.pull(self.origin.reference)

    def assert_nothing_published(self):
        self.assertEqual(self.service.models(), [])
        self.assertNotIn(self.size, [blob.stat().st_size for blob in self.service.blobs()])

    def test_one_flipped_byte_is_found_and_nothing_published(self):
        for offset in (100, self.size // 2, self.size - 1):
            with self.subTest(offset):
                self.origin.flip_byte(offset)
                self.assert_error_body(self.pull()[-1], "blob.corrupt")
                self.assert_nothing_published()
        self.origin.heal()
        self.service.pull_ok(self.origin.reference)  # the bad bytes are not used again

    def test_a_flipped_byte_has_its_exit_code_and_hint(self):
        self.origin.flip_byte(self.size // 3)
        result = self.service.cli("pull", self.origin.reference)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("sha256", result.stderr)

    def test_a_flipped_byte_in_the_manifest_of_a_pin(self):
        self.origin.flip_manifest()
        error = self.service.pull(self.origin.pinned_reference)[-1]
        self.assert_error_body(error, ("blob.corrupt", "registry.bad_manifest"))
        self.assert_nothing_published()

    def test_a_cut_connection_is_taken_up_again(self):
        self.origin.cut_after(10_000_000, times=2)
        lines = self.pull()
        if lines[-1].get("status") != "success":  # told and kept is right, too
            self.assert_error_body(lines[-1], "registry.unreachable")
            self.assert_nothing_published()
            self.origin.heal()
            self.service.pull_ok(self.origin.reference)
        self.assertLessEqual(self.origin.served, self.size + 3 * SLACK)

    def test_a_body_that_is_too_short_or_too_long_is_refused(self):
        self.origin.truncate_to(self.size - 1000)
        self.assertIn("error", self.pull()[-1])
        self.assert_nothing_published()
        self.origin.heal()
        self.origin.extend_by(1000)
        self.assert_error_body(self.pull()[-1], ("blob.corrupt", "registry.failed", "request.too_large", "registry.bad_manifest"))
        self.assert_nothing_published()

    def test_an_origin_without_ranges_starts_again_and_is_right(self):
        self.origin.limit_rate(8_000_000)
        pull = PullThread(self.client, self.origin.reference)
        self.eventually(lambda: pull.completed > self.size // 2, 30, "half of the file")
        self.service.kill()
        pull.join(10)
        self.origin.limit_rate(0)
        self.origin.ignore_ranges()
        self.service.start()
        self.service.pull_ok(self.origin.reference)

    def test_blobs_behind_a_redirect(self):
        self.origin.redirect_blobs()
        self.service.pull_ok(self.origin.reference)

    def test_server_errors_are_typed(self):
        for status, code in ((401, "registry.denied"), (403, "registry.denied"), (404, "registry.failed"), (500, "registry.failed"), (429, "registry.failed")):
            with self.subTest(status):
                self.origin.answer_status(status)
                self.assert_error_body(self.pull()[-1], code)
        self.assert_nothing_published()

    def test_broken_manifests_are_typed(self):
        for manifest in (b"", b"{", b"[]", b'{"schemaVersion":2}', b'{"schemaVersion":2,"layers":"x"}', b"<html></html>", b"\xff" * 100,
                         b'{"schemaVersion":2,"layers":[{"digest":"../../x","size":1,"mediaType":"application/vnd.ollama.image.model"}]}',
                         b'{"schemaVersion":2,"layers":[{"digest":"sha256:' + b"0" * 64 + b'","size":-1,"mediaType":"application/vnd.ollama.image.model"}]}'):
            with self.subTest(manifest[:50]):
                self.origin.serve_manifest(manifest)
                self.assert_error_body(self.pull()[-1], ("registry.bad_manifest", "model.invalid", "registry.failed"))
        self.assert_nothing_published()
