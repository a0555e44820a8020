"""A variant of llama.cpp's CPU backend that crashes or computes wrong is set aside, and the next best is used."""
import concurrent.futures
import json
import os
import platform
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

import models
import processes
from harness import BIN, DONE, PLUGINS, HearthTest, needs_llama, seconds
from test_ember import OtherPrefix


def place_of(data, address):
    """Where in an ELF file lies what is loaded at `address`."""
    table, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for at in range(table, table + size * count, size):
        kind, _, offset, start, _, length = struct.unpack_from("<IIQQQQ", data, at)
        if kind == 1 and start <= address < start + length:  # PT_LOAD
            return offset + address - start
    raise AssertionError(f"nothing is loaded at {address}")


def damaged_library(library, function, code):
    """A copy of a CPU variant that says that it suits this processor best, and whose `function` is `code`."""
    symbols = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    addresses = {name: int(address, 16) for address, _, name in map(str.split, symbols.splitlines())}
    data = bytearray(library.read_bytes())
    for name, machine_code in (("ggml_backend_score", MOST_POINTS), (function, code)):
        at = place_of(data, addresses[name])
        data[at:at + len(machine_code)] = machine_code
    return bytes(data)


MOST_POINTS = bytes.fromhex("b8ffffff7fc3")  # mov $0x7fffffff, %eax; ret
CRASH, NOTHING = bytes.fromhex("0f0b"), bytes.fromhex("c3")  # ud2; ret
NO_NUMBER = bytes.fromhex("c7060000c07fc3")  # movl $0x7fc00000, (%rsi); ret: the result is NaN


@needs_llama
@unittest.skipUnless(platform.machine() == "x86_64", "the damage is x86's")
class EmberOnABadVariant(HearthTest):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="hearth-ember-")
        self.addCleanup(folder.cleanup)
        self.prefix = Path(folder.name)
        self.plugin = self.prefix / "lib/hearth/plugins/llama"
        shutil.copytree(BIN, self.prefix / "bin", ignore=shutil.ignore_patterns("*_test"))
        shutil.copytree(PLUGINS / "llama", self.plugin, ignore=shutil.ignore_patterns("libggml-cpu-*"))

    def add_variant(self, name, code=None):
        library = PLUGINS / "llama/libggml-cpu-x64.so"
        content = library.read_bytes() if code is None else damaged_library(library, "ggml_vec_dot_q8_0_q8_0", code)
        (self.plugin / f"libggml-cpu-{name}.so").write_bytes(content)

    def begin(self):
        service = OtherPrefix(self.prefix)
        self.addCleanup(service.destroy)
        service.start()
        self.assertEqual(service.models(), ["ember:latest"])
        return service

    def doctor(self, service):
        """{check: [rows]}"""
        result = service.cli("doctor", "--json", timeout=seconds(120))
        checks = {}
        for row in json.loads(result.stdout)["checks"]:
            checks.setdefault(row["check"], []).append(row)
        return checks

    def assert_set_aside(self, code):
        self.add_variant("x64")
        self.add_variant("broken", code)
        service = self.begin()
        checks = self.doctor(service)
        self.assertEqual(checks["selftest"][0]["status"], "ok", checks["selftest"])
        self.assertIn("llama (x64)", checks["selftest"][0]["text"])
        [row] = checks["backend.variant"]
        self.assertEqual(row["status"], "warn")
        self.assertIn("the variant broken of the backend llama was set aside", row["text"])
        self.assertIn("x64 is used instead", row["fix"])
        return service

    def test_that_crashes_is_set_aside(self):
        service = self.assert_set_aside(CRASH)
        self.assertIn("hearth", service.generate("ember", "How do I free memory?")[0])

    def test_that_computes_wrong_is_set_aside(self):
        service = self.assert_set_aside(NOTHING)
        service.restart()
        self.assertIn("hearth", service.generate("ember", "How do I free memory?")[0], "it is remembered")
        self.assertIn("backend.variant", self.doctor(service))
        self.add_variant("broken")  # as an update brings it
        service.restart()
        self.assertNotIn("backend.variant", self.doctor(service))

    def test_that_computes_no_numbers_is_set_aside(self):
        service = self.assert_set_aside(NO_NUMBER)
        self.assertIn("hearth", service.generate("ember", "How do I free memory?")[0])

    def test_a_variant_whose_process_was_killed_stays(self):
        self.add_variant("x64")
        self.add_variant("good")
        service = self.begin()
        service.generate("ember", "hello", options={"num_predict": 1})
        runner = service.client.get("/api/ps").json()["models"][0]["pid"]
        os.kill(runner, signal.SIGSTOP)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            checks = pool.submit(self.doctor, service)
            processes.wait_until(lambda: service.client.get("/api/ps").json()["models"][0].get("active_requests"), seconds(20), "the self-test asks")
            os.kill(runner, signal.SIGKILL)
            checks = checks.result()
        self.assertEqual(checks["selftest"][0]["status"], "ok", checks["selftest"])
        self.assertNotIn("backend.variant", checks)

    def test_a_record_that_passes_over_every_variant_is_begun_anew(self):
        service = self.assert_set_aside(NOTHING)
        service.stop()
        file = service.home / "data/variants.json"
        record = json.loads(file.read_text())
        [key] = record["backends"]
        record["backends"][key] *= 40
        file.write_text(json.dumps(record))
        service.start()
        checks = self.doctor(service)
        self.assertEqual(checks["selftest"][0]["status"], "ok", checks["selftest"])
        [row] = checks["backend.variant"]
        self.assertIn("the variant broken", row["text"])

    def test_another_model_of_the_name_is_no_reason_to_search(self):
        self.add_variant("x64")
        self.add_variant("good")
        service = self.begin()
        self.assert_exit(service.cli("rm", "ember"), DONE)
        self.assert_exit(service.cli("pull", models.tiny(), "--as", "ember"), DONE)
        checks = self.doctor(service)
        self.assertEqual(checks["selftest"][0]["status"], "fail", checks["selftest"])
        self.assertNotIn("backend.variant", checks)
        self.assertIn("(good)", checks["selftest"][0]["text"])

    def test_recording_says_that_the_backend_crashed(self):
        self.add_variant("broken", CRASH)
        service = self.begin()
        answer = service.client.post("/hearth/v1/selftest", {"record": True}, timeout=seconds(60)).json()
        self.assertIn(answer["code"], ("runner.lost", "backend.failed"), answer)

    def test_models_that_were_loaded_on_it_are_unloaded(self):
        self.add_variant("x64")
        self.add_variant("broken", NOTHING)
        service = self.begin()
        other = service.add_model(models.tiny())
        service.generate(other, "hello", options={"num_predict": 1})
        self.assertEqual(service.loaded(), [other])
        self.doctor(service)
        self.assertEqual(service.loaded(), ["ember:latest"])

    def test_nothing_is_set_aside_when_no_variant_is_right(self):
        self.add_variant("worse", NOTHING)
        self.add_variant("broken", NOTHING)
        service = self.begin()
        checks = self.doctor(service)
        self.assertEqual(checks["selftest"][0]["status"], "fail", checks["selftest"])
        self.assertNotIn("backend.variant", checks)
        self.assertFalse((service.home / "data/variants.json").exists())
