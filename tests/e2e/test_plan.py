"""What a model needs and how it would run, before it is downloaded and when it is loaded."""
import json
import os
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools/make_probe"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools/make_model"))

import families
import filled
import models
import processes
from harness import DOES_NOT_FIT, DONE, NOT_FOUND, USAGE, HearthTest, needs_llama
from hub import Hub
from probe import write_probe

MIB = 1 << 20
LIMIT = 400 * MIB

CHOICE_KEYS = {"quant", "fits", "placement", "context", "parallel", "kv_type", "load_mode", "memory", "tokens_per_second", "quality", "source"}
DEVICE_KEYS = {"id", "weights", "kv", "state", "compute", "output", "projector", "draft", "fixed", "mapped", "repacked"}


def small_model(folder, layers):
    """A few megabytes of weights, and a cache of four kilobytes a token for each two layers."""
    probe = families.dense("llama", layers, 512, 512, 8, 8, 2048, 32768, file_type="Q8_0")
    path = Path(folder) / f"layers-{layers}.gguf"
    filled.write_filled(probe, str(path))
    return path


@needs_llama
class Planning(HearthTest):
    def plan(self, model, **wishes):
        response = self.client.post("/hearth/v1/plan", {"model": str(model)} | wishes)
        self.assertEqual(response.status, 200, response)
        return response.json()

    def test_the_json_is_the_contract(self):
        plan = self.plan(self.service.add_model(models.tiny()))
        self.assertEqual(plan["version"], 1)
        self.assertTrue(plan["installed"])
        for choice in [*plan["choices"], plan["pick"]]:
            self.assertLessEqual(CHOICE_KEYS, set(choice))
            for device in choice["memory"]["devices"]:
                self.assertLessEqual(DEVICE_KEYS, set(device))
            parts = sum(device[key] for device in choice["memory"]["devices"]
                        for key in ("weights", "kv", "state", "compute", "projector", "draft"))
            self.assertEqual(parts, choice["memory"]["total_bytes"])
        self.assertTrue(plan["pick"]["reason"])

    def test_a_file_is_planned_without_being_taken(self):
        plan = self.plan(models.tiny().as_uri())
        self.assertFalse(plan["installed"])
        self.assertTrue(plan["pick"]["fits"])
        self.assertGreater(plan["header_bytes"], 0)

    def test_a_pretended_machine_changes_the_answer(self):
        name = self.service.add_model(models.tiny())
        small = self.plan(name, ram="40MiB")
        self.assertIsNone(small["pick"])
        self.assertTrue(small["advice"])
        with_gpu = self.plan(name, gpus=["6GiB:168GB/s", "8GiB"])
        self.assertEqual(with_gpu["pick"]["placement"], "gpu")
        self.assertIn("gpu0", [device["id"] for device in with_gpu["pick"]["memory"]["devices"]])

    def test_what_was_measured_stands_in_the_next_plan(self):
        name = self.service.add_model(models.other())
        before = self.plan(name)["pick"]
        self.assertEqual(before["source"], "closed-form")
        self.service.generate(name, "hello", options={"num_predict": 40})

        def measured():
            pick = self.plan(name)["pick"]
            return pick if pick["source"] == "measured" else None
        after = self.eventually(measured, what="a measurement")
        self.assertAlmostEqual(after["memory"]["total_bytes"], before["memory"]["total_bytes"], delta=before["memory"]["total_bytes"] * 0.005)
        self.assertEqual(after["context"], before["context"])

    def test_a_split_file_is_planned_from_its_first_shard(self):
        with tempfile.TemporaryDirectory(prefix="hearth-split-") as folder:
            shards = models.split_tiny(folder, "shards", 3)
            plan = self.plan(shards[0].as_uri())
        self.assertEqual(plan["pick"]["quant"], "F32")
        self.assertAlmostEqual(plan["pick"]["size_bytes"], models.tiny().stat().st_size, delta=20_000)

    def test_a_context_beyond_the_model_is_never_cut_silently(self):
        pick = self.plan(self.service.add_model(models.other()), context=100_000)["pick"]
        self.assertLess(pick["context"], 100_000)
        self.assertIn("100000 were asked for", pick["reason"])

    def test_quantizing_is_offered_where_only_big_files_are(self):
        with tempfile.TemporaryDirectory(prefix="hearth-offer-") as folder:
            path = Path(folder) / "big-f32.gguf"
            filled.write_filled(families.dense("llama", 8, 1024, 1024, 16, 8, 4096, 32768, file_type="F16"), str(path))
            name = self.service.add_model(path)
        plan = self.plan(name, ram="290MiB")
        self.assertIsNone(plan["pick"], plan)
        self.assertIn("hearth quantize " + name, plan["advice"])

    def test_a_model_without_a_tokenizer_is_refused_and_ends_nothing(self):
        with tempfile.TemporaryDirectory(prefix="hearth-probe-") as folder:
            write_probe(families.dense("llama", 2, 512, 512, 8, 8, 2048, 32768, file_type="Q8_0"), str(Path(folder) / "bare.gguf"))
            name = self.service.add_model(Path(folder) / "bare.gguf")
        refused = self.service.cli("run", name, "hello")
        self.assertIn("tokenizer", refused.stderr)
        self.assertEqual(self.service.log_tail(200).count("ended unexpectedly"), 0)

    def test_an_architecture_that_nobody_knows_is_called_so(self):
        with tempfile.TemporaryDirectory(prefix="hearth-unknown-") as folder:
            path = Path(folder) / "unknown.gguf"
            text = models.tiny().read_bytes().replace(b"llama.", b"llamb.")
            length = (5).to_bytes(8, "little")
            path.write_bytes(text.replace(length + b"llama", length + b"llamb"))
            plan = self.plan(path.as_uri())
        self.assertIsNone(plan["pick"])
        self.assertEqual(plan["choices"][0]["source"], "dry-run")
        self.assertIn("llamb", plan["advice"])

    def test_the_command_prints_a_table_and_exit_codes(self):
        name = self.service.add_model(models.tiny())
        result = self.service.cli("plan", name)
        self.assert_exit(result, DONE)
        self.assertIn("F32", result.stdout)
        self.assert_json_output(self.service.cli("plan", name, "--json"))
        refused = self.service.cli("plan", name, "--ram", "40MiB")
        self.assertEqual(refused.returncode, DOES_NOT_FIT, refused)
        self.assert_exit(self.service.cli("plan", "./no-such-model.gguf"), NOT_FOUND)
        for wrong in (["--kv", "q9"], ["--ram", "much"], ["--gpu", "6GiB:fast"], ["--ctx", "0"], ["--load-mode", "x"]):
            result = self.service.cli("plan", name, *wrong)
            self.assertIn(result.returncode, (USAGE,), f"{wrong}: {result}")
            self.assertTrue(result.stderr.strip())

    def test_wrong_bodies_are_typed(self):
        for body in ({}, {"model": 7}, {"model": "tiny", "context": -1}, {"model": "tiny", "gpus": "6GiB"}, {"model": "tiny", "kv_type": "x"}):
            self.assert_error(self.client.post("/hearth/v1/plan", body), 400, ("invalid_argument", "request.invalid", "argument.invalid"))


class Published(HearthTest):
    """A repository of ten quantizations of a 7B model, with a tokenizer of real size: planned from one header."""

    # Bytes for one weight of each, about.
    QUANTS = {"Q2_K": 3.2, "Q3_K_M": 4.0, "IQ4_XS": 4.4, "Q4_K_S": 4.7, "Q4_K_M": 4.9, "Q5_K_S": 5.6, "Q5_K_M": 5.7, "Q6_K": 6.6, "Q8_0": 8.5, "F16": 16}
    BUDGET, QUICK_BUDGET = 10_000_000, 128 << 10

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="hearth-ten-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.hub = Hub(cls.folder)
        cls.addClassCleanup(cls.hub.stop)
        files = {f"m-{quant}.gguf": cls.folder / f"m-{quant}.gguf" for quant in cls.QUANTS}
        tokenizer = {}
        for quant in ("Q4_K_M", "Q8_0"):  # the two whose headers are read
            probe = families.dense("qwen2", 28, 3584, 18944, 28, 4, 152064, 131072, bias=True, file_type=quant)
            tokenizer = tokenizer or filled.tokenizer(probe)
            probe.metadata |= tokenizer
            write_probe(probe, str(files[f"m-{quant}.gguf"]))
        for quant, bits in cls.QUANTS.items():
            path = files[f"m-{quant}.gguf"]
            if not path.exists():
                with open(path, "wb") as hole:
                    hole.truncate(int(7.6e9 * bits / 8))
        cls.hub.add_repository("org/seven", files, unread=True)
        cls.service_environment = {"HF_ENDPOINT": cls.hub.url}
        super().setUpClass()

    def served(self):
        return sum(self.hub.served.values()) + sum(self.hub.store.served.values())

    def plan(self, **wishes):
        served = self.served()
        requests = len(self.hub.store.requests)
        started = time.monotonic()
        response = self.client.post("/hearth/v1/plan", {"model": "hf.co/org/seven", "ram": "12GiB"} | wishes)
        took = time.monotonic() - started
        self.assertEqual(response.status, 200, response)
        return response.json(), self.served() - served, len(self.hub.store.requests) - requests, took

    def test_tensor_exact_figures_cost_one_header(self):
        plan, served, _, took = self.plan()
        self.assertEqual(len(plan["choices"]), 10)
        self.assertEqual(plan["pick"]["quant"], "Q4_K_M")
        self.assertLessEqual(served, self.BUDGET)
        self.assertLessEqual(plan["header_bytes"], self.BUDGET)
        by_name = {choice["quant"]: choice for choice in plan["choices"]}
        weights = by_name["Q4_K_M"]["memory"]["devices"][0]["weights"]
        self.assertAlmostEqual(weights, (self.folder / "m-Q4_K_M.gguf").stat().st_size, delta=9_000_000)
        self.assertEqual(by_name["Q8_0"]["download_bytes"], (self.folder / "m-Q8_0.gguf").stat().st_size)
        print(f"     ten quants, exact: {served} bytes, {took * 1000:.0f} ms with the origin")

    def test_quick_figures_cost_64_kib(self):
        exact, *_ = self.plan()
        plan, served, requests, took = self.plan(quick=True)
        self.assertEqual(requests, 1)
        self.assertLessEqual(served, self.QUICK_BUDGET)
        self.assertEqual(plan["pick"]["quant"], exact["pick"]["quant"])
        self.assertEqual(plan["pick"]["memory"]["devices"][0]["kv"], exact["pick"]["memory"]["devices"][0]["kv"])
        close = exact["pick"]["memory"]["total_bytes"]
        self.assertAlmostEqual(plan["pick"]["memory"]["total_bytes"], close, delta=close * 0.01)
        print(f"     ten quants, quick: {served} bytes, {took * 1000:.0f} ms with the origin")

    def test_a_wished_quant_is_the_pick(self):
        plan, *_ = self.plan(quant="q8_0", ram="24GiB")
        self.assertEqual(plan["pick"]["quant"], "Q8_0")
        self.assert_error(self.client.post("/hearth/v1/plan", {"model": "hf.co/org/seven", "quant": "Q9"}), 404, "model.not_found")


class TenModels(HearthTest):
    """Ten models whose caches lie on both sides of a limit: what is said to fit loads and answers, what is said not to is refused with a plan
    that then loads."""

    service_config = "[runtime]\nparallel = 1\n"
    time_limit = 300
    LAYERS = (2, 4, 8, 12, 16, 20, 24, 32, 40, 48)
    TRIES = 1  # more where memory that is not ours moves between a plan and its load
    WISH = {"context": 8192, "parallel": 2, "kv_type": "f16"}

    def load(self, name, wish):
        return self.client.post("/hearth/v1/load", {"model": name, "stream": False} | wish)

    def answer(self, name, wish):
        """One answer, and that the runner stayed inside the limit."""
        options = {"num_predict": 4, "num_ctx": wish["context"], "num_parallel": wish["parallel"], "kv_type": wish["kv_type"]}
        text, last = self.service.generate(name, "hello there", options=options)
        self.assertTrue(last.get("done"), last)
        runner = self.service.runner_of(name)
        peak = int(next(line for line in Path(f"/proc/{runner}/status").read_text().splitlines() if line.startswith("VmHWM")).split()[1]) * 1024
        self.assertLess(peak, LIMIT + 64 * MIB, f"{name} took {peak // MIB} MiB")
        return text

    def wish_of(self, choice):
        return {key: choice[key] for key in ("context", "parallel", "kv_type")}

    def compare_words_and_deeds(self):
        fitting, refused = 0, 0
        with tempfile.TemporaryDirectory(prefix="hearth-limit-") as folder:
            names = [self.service.add_model(small_model(folder, layers)) for layers in self.LAYERS]
        for name in names:
            with self.subTest(model=name):
                plan = self.client.post("/hearth/v1/plan", {"model": name} | self.WISH).json()
                loaded = self.load(name, self.WISH)
                if plan["pick"] and plan["pick"]["fits"]:
                    fitting += 1
                    self.assertEqual(loaded.status, 200, loaded)
                    self.answer(name, self.WISH)
                else:
                    refused += 1
                    self.assert_error(loaded, 507, "memory.insufficient")
                    self.assertIn("--ctx", loaded.json()["hint"])
                    self.assertTrue(plan["nearest"], plan)
                    for _ in range(self.TRIES):
                        nearest = self.wish_of(plan["nearest"][0])
                        again = self.load(name, nearest)
                        if again.status == 200:
                            break
                        plan = self.client.post("/hearth/v1/plan", {"model": name} | self.WISH).json()
                    self.assertEqual(again.status, 200, again)
                    self.answer(name, nearest)
                self.service.unload_all()
        self.assertGreaterEqual(fitting, 3)
        self.assertGreaterEqual(refused, 3)
        self.assertEqual(self.service.log_tail(400).count("ended unexpectedly"), 0)


@needs_llama
class AroundTheLimit(TenModels):
    service_environment = {"HEARTH_RAM_LIMIT": str(LIMIT)}

    def test_what_is_said_is_what_happens(self):
        self.compare_words_and_deeds()

    def test_force_goes_ahead(self):
        with tempfile.TemporaryDirectory(prefix="hearth-limit-") as folder:
            name = self.service.add_model(small_model(folder, 56))
        refused = self.service.cli("run", name, "--ctx", "8192", "--parallel", "2", "--max-tokens", "2", "hello")
        self.assertEqual(refused.returncode, DOES_NOT_FIT, refused)
        self.assertIn("--force", refused.stderr)
        forced = self.service.cli("run", name, "--ctx", "8192", "--parallel", "2", "--force", "--max-tokens", "2", "hello", timeout=120)
        self.assert_exit(forced, DONE)
        self.service.unload_all()


class MemoryCgroup:
    """A cgroup of our own with a limit, of either version. @raise OSError where none can be made"""

    def __init__(self, limit):
        lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
        old = next((path for _, controllers, path in lines if "memory" in controllers.split(",")), None)
        parent = Path("/sys/fs/cgroup/memory" + old) if old else Path("/sys/fs/cgroup" + next(path for number, _, path in lines if number == "0"))
        self.folder = parent / f"hearth-test-{os.getpid()}"
        self.folder.mkdir()
        try:
            (self.folder / ("memory.limit_in_bytes" if old else "memory.max")).write_text(str(limit))
        except OSError:
            self.folder.rmdir()
            raise
        self.events = self.folder / ("memory.oom_control" if old else "memory.events")

    def take(self, pid):
        (self.folder / "cgroup.procs").write_text(str(pid))

    def kills(self):
        return int(next(line for line in self.events.read_text().splitlines() if line.startswith("oom_kill ")).split()[1])

    def remove(self):
        processes.wait_until(lambda: not (self.folder / "cgroup.procs").read_text(), 10, "the cgroup to be empty")
        self.folder.rmdir()


@needs_llama
class InACgroup(TenModels):
    """The same below a limit that the kernel enforces by killing."""

    TRIES = 3

    @classmethod
    def setUpClass(cls):
        if os.environ.get("HEARTH_PRESET", "dev") != "dev":
            raise unittest.SkipTest("a sanitizer's own memory grows below the limit")
        try:
            cls.cgroup = MemoryCgroup(700 * MIB)
        except (OSError, StopIteration) as error:
            raise unittest.SkipTest(f"no memory cgroup can be made here: {error}") from None
        cls.addClassCleanup(cls.cgroup.remove)
        super().setUpClass()
        cls.cgroup.take(cls.service.pid)

    def test_nothing_is_killed(self):
        self.compare_words_and_deeds()
        self.assertEqual(self.cgroup.kills(), 0)
        devices = self.client.get("/hearth/v1/devices").json()
        self.assertIn("cgroup", json.dumps(devices))
