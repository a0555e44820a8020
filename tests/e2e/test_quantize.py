"""`hearth quantize`: sizes and bytes as llama.cpp's own program gives them, memory, cancel, a runner that dies, refusals."""
import hashlib
import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

import judges
import models
import processes
from harness import DONE, FAILED, NOT_FOUND, USAGE, HearthTest, full, needs_llama, seconds

TARGET = "/hearth/v1/quantize"


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class PeakMemory(threading.Thread):
    """The largest VmHWM of any runner of a service, bytes."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.peak, self.done = service, 0, threading.Event()
        self.start()

    def run(self):
        while not self.done.wait(0.01):
            for pid in self.service.family().runners:
                kib = processes.status(pid).get("VmHWM", "0 kB").split()[0]
                self.peak = max(self.peak, int(kib) * 1024)

    def stop(self):
        self.done.set()
        self.join()
        return self.peak


class QuantizeCase(HearthTest):
    def quantize(self, model, kind, **more):
        """@return the last line, which says success"""
        with self.client.stream("POST", TARGET, {"model": model, "type": kind} | more, timeout=seconds(600)) as stream:
            lines = list(stream)
        self.assertEqual(lines[-1].get("status"), "success", lines[-3:])
        return lines[-1]

    def blob_of(self, name):
        """The weights of a model in the store."""
        size = {model["name"]: model for model in self.client.get("/api/tags").json()["models"]}[name]["size"]
        sized = [path for path in self.service.blobs() if 0 <= size - path.stat().st_size < 4096]
        self.assertEqual(len(sized), 1, sized)
        return sized[0]

    def assert_as_the_judge(self, source, kind, name):
        """The same bytes as llama-quantize of the same release writes."""
        with tempfile.TemporaryDirectory(prefix="hearth-judge-") as folder:
            expected = Path(folder) / "judge.gguf"
            judges.quantize(source, expected, kind)
            blob = self.blob_of(name)
            self.assertEqual(blob.stat().st_size, expected.stat().st_size, kind)
            self.assertEqual(sha256(blob), sha256(expected), kind)

    def assert_nothing_left(self, blobs, names):
        self.eventually(lambda: not self.service.family().runners, 10, "the runner to end")
        self.eventually(lambda: not list((self.service.home / "data/tmp").iterdir()), 10, "the output to go")
        self.assertEqual(self.service.blobs(), blobs)
        self.assertEqual(self.service.models(), names)


@needs_llama
class QuantizeTiny(QuantizeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service.pull_ok(models.tiny().as_uri(), **{"as": "tiny"})

    def test_the_result_is_a_model_that_answers(self):
        last = self.quantize("tiny", "q4_k")
        self.assertEqual((last["model"], last["type"]), ("tiny:q4_k_m", "Q4_K_M"))
        self.assertIn("tiny:q4_k_m", self.service.models())
        shown = self.client.post("/api/show", {"model": "tiny:q4_k_m"}).json()["details"]
        self.assertEqual(shown["quantization_level"], "Q4_K_M")
        self.assertEqual(shown["parent_model"], "local/tiny:latest")
        self.assertAlmostEqual(last["saving"]["f32"], 1 - last["bits_per_weight"] / 32)
        self.assertAlmostEqual(sum(group["share"] for group in last["tensors"]), 1)
        self.assertIn("4 bits for every weight", last["note"])
        text, end = self.service.generate("tiny:q4_k_m", "hello", options={"num_predict": 8})
        self.assertTrue(text and end["done"])
        blob = self.blob_of("tiny:q4_k_m")
        self.assertEqual(blob.name, sha256(blob))
        self.assertEqual(blob.stat().st_mode & 0o777, 0o444)

    def test_bytes_are_those_of_the_judge(self):
        if not judges.AVAILABLE:
            self.skipTest("llama-quantize is not built")
        for kind in ("Q8_0", "Q5_K_M", "Q4_0"):
            self.assert_as_the_judge(models.tiny(), kind, self.quantize("tiny", kind, **{"as": f"judged:{kind}"})["model"])

    def test_template_and_licence_come_along(self):
        self.quantize("tiny", "Q6_K", **{"as": "copy"})
        before, after = (self.client.post("/api/show", {"model": name}).json() for name in ("tiny", "copy"))
        self.assertEqual(before["template"], after["template"])
        self.assertEqual(before["capabilities"], after["capabilities"])

    def test_a_split_model_becomes_one_file(self):
        shards = models.split_tiny(self.service.home, "parts", 3)
        self.service.pull_ok(shards[0].as_uri(), **{"as": "parts"})
        self.quantize("parts", "Q8_0", **{"as": "whole-of-parts"})
        self.quantize("tiny", "Q8_0", **{"as": "whole"})
        ids = {model["name"]: model["size"] for model in self.client.get("/api/tags").json()["models"]}
        self.assertEqual(ids["whole-of-parts:latest"], ids["whole:latest"])

    def test_refusals_have_a_status_and_a_reason(self):
        def ask(model, kind, **more):
            return self.client.post(TARGET, {"model": model, "type": kind} | more)
        self.assert_error(ask("absent", "Q8_0"), 404, "model.not_found")
        unknown = ask("tiny", "Q4_K_N")
        self.assert_error(unknown, 400, "argument.invalid")
        self.assertIn("Q4_K_M", unknown.json()["hint"])
        self.assertIn("Q6_K", unknown.json()["error"])
        self.assert_error(ask("tiny", "IQ2_XXS"), 400, "unsupported")
        self.assert_error(self.client.post(TARGET, {"model": "tiny"}), 400, "argument.invalid")
        self.assert_error(ask("tiny", "Q8_0", **{"as": "tiny"}), 400, "argument.invalid")
        self.quantize("tiny", "Q5_0", **{"as": "small"})
        again = ask("small", "Q4_0")
        self.assert_error(again, 400, "unsupported")
        self.assertIn("quantized already", again.json()["error"])
        self.service.pull_ok(models.small_valid(self.service.home).as_uri(), **{"as": "ballast"})
        self.assertIn(ask("ballast", "Q8_0").status, (400, 422))
        self.eventually(lambda: not self.service.family().runners, 10, "runners of refusals to end")

    def test_the_command(self):
        made = self.service.cli("quantize", "tiny", "Q4_1", "--as", "by-command")
        self.assert_exit(made, DONE)
        self.assertRegex(made.stdout, r"^by-command:latest  [\d.]+ KB\n[\d.]+ bits per weight; [\d.]+ % less than F32, [\d.]+ % less than F16\n87.5 %")
        self.assert_exit(self.service.cli("quantize", "tiny", "Q4_K_N"), USAGE)
        self.assert_exit(self.service.cli("quantize", "absent", "Q8_0"), NOT_FOUND)
        self.assert_exit(self.service.cli("quantize", "tiny", "IQ1_S"), FAILED)
        self.assertIn("quantize", self.client.get("/hearth/v1/capabilities").json()["features"])


@needs_llama
@full
class QuantizeHalfABillion(QuantizeCase):
    time_limit = 1200
    KINDS = {"Q8_0": 0.73, "Q6_K": 0.74, "Q5_K_M": 0.78, "Q4_K_M": 0.80, "Q4_0": 0.82}  # least saving against F32

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = Path(tempfile.mkdtemp(prefix="hearth-half-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.source = models.half_billion_f16(cls.folder)
        cls.service.pull_ok(cls.source.as_uri(), **{"as": "half"}, timeout=600)

    def test_sizes_bytes_and_memory(self):
        for kind, least in self.KINDS.items():
            watch = PeakMemory(self.service)
            started = time.monotonic()
            last = self.quantize("half", kind)
            took, peak = time.monotonic() - started, watch.stop()
            size = self.source.stat().st_size
            print(f"quantize 0.5B F16 ({size} bytes) to {kind}: {last['size']} bytes, {last['bits_per_weight']:.2f} bits per weight, "
                  f"{100 * last['saving']['f32']:.1f} % less than F32, peak {peak >> 20} MiB, {took:.1f} s")
            self.assertGreater(peak, 0)
            self.assertLess(peak, size, kind)
            self.assertGreater(last["saving"]["f32"], least)
            self.assert_as_the_judge(self.source, kind, last["model"])
            text, _ = self.service.generate(last["model"], "hello", options={"num_predict": 4})
            self.assertTrue(text)
            self.service.unload_all()

    def in_the_middle(self, kind, name):
        """A quantization that has written something, as an open stream."""
        stream = self.client.stream("POST", TARGET, {"model": "half", "type": kind, "as": name}, timeout=seconds(300))
        for line in stream:
            if 0 < line.get("completed", 0) < line["total"]:
                return stream
        raise AssertionError("it ended too early")

    def test_a_client_that_leaves_leaves_nothing(self):
        blobs, names = self.service.blobs(), self.service.models()
        self.in_the_middle("IQ4_XS", "never").close()
        self.assert_nothing_left(blobs, names)

    def test_a_runner_that_is_killed_leaves_nothing(self):
        blobs, names = self.service.blobs(), self.service.models()
        stream = self.in_the_middle("IQ4_XS", "never")
        os.kill(self.service.family().runners[0], signal.SIGKILL)
        self.assert_error_body(list(stream)[-1], "runner.lost")
        self.assert_nothing_left(blobs, names)

    def test_a_service_that_is_killed_leaves_nothing_after_its_next_start(self):
        blobs, names = self.service.blobs(), self.service.models()
        stream = self.in_the_middle("IQ4_XS", "never")
        self.service.kill()
        stream.close()
        self.eventually(lambda: not processes.of_folder(self.service.home), 10, "its children to end")
        self.service.start()
        self.assert_nothing_left(blobs, names)

