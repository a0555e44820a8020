"""A backend that somebody else wrote: built against the installed header alone, checked by the kit, used by name."""
import json
import os
import shutil
import subprocess

from harness import BIN, DONE, PLUGINS, ROOT, HearthTest, Service, seconds

THIRD = ROOT / "tests/plugins/third"


class ThirdPlugin(HearthTest):
    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.destroy)
        cls.client = cls.service.client
        home = cls.service.home
        include = home / "include/hearth"  # what an install has, and nothing else of the sources
        include.mkdir(parents=True)
        shutil.copy(ROOT / "plugins/abi/hearth_backend.h", include)
        sources = shutil.copytree(THIRD, home / "elsewhere")
        built = subprocess.run(["sh", sources / "build.sh", home / "data/plugins/third", home / "include"], cwd=home, capture_output=True, text=True)
        if built.returncode != 0:
            raise AssertionError(f"build.sh failed:\n{built.stdout}\n{built.stderr}")
        cls.folder = home / "data/plugins/third"
        cls.manifest = json.loads(next(cls.folder.glob("backend-*.json")).read_text())
        cls.name = cls.manifest["name"]
        cls.service.start()

    def check(self, library, *arguments):
        return subprocess.run([BIN / "hearth-plugin-check", str(library), *arguments], env=self.service.environment, capture_output=True, text=True,
                              timeout=seconds(120))

    def test_the_kit_passes_it(self):
        result = self.check(self.folder / self.manifest["library"])
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_the_kit_passes_echo(self):
        result = self.check(PLUGINS / "echo/hearth-echo.so")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_the_kit_finds_what_is_wrong(self):
        library = self.service.home / "empty.so"
        source = self.service.home / "empty.c"
        source.write_text("int nothing;\n")
        subprocess.run(["clang-19", "-shared", "-fPIC", "-o", library, source], check=True)
        self.assertNotEqual(self.check(library).returncode, 0)
        self.assertNotEqual(self.check(self.service.home / "absent.so").returncode, 0)

    def test_it_answers_run(self):
        result = self.service.cli("run", "--backend", self.name, "x", "hi")
        self.assert_exit(result, DONE)
        self.assertTrue(result.stdout.strip())

    def test_it_is_listed(self):
        self.assertIn(self.name, self.client.get("/hearth/v1/capabilities").body.decode())

    def test_a_library_that_was_changed_is_not_loaded(self):
        folder = self.service.home / "data/plugins/changed"
        shutil.copytree(self.folder, folder)
        manifest = self.manifest | {"name": "changed"}
        next(folder.glob("backend-*.json")).unlink()
        (folder / "backend-changed.json").write_text(json.dumps(manifest))
        library = folder / self.manifest["library"]
        os.chmod(library, 0o644)
        with open(library, "ab") as out:
            out.write(b"x")
        self.service.restart()
        try:
            response = self.client.post("/api/generate", {"model": "x", "backend": "changed", "prompt": "hi", "stream": False})
            self.assert_error(response, (400, 500), ("backend.failed", "backend.not_found"))
        finally:
            shutil.rmtree(folder)
            self.service.restart()

    def test_a_broken_manifest_hides_only_its_own_backend(self):
        folder = self.service.home / "data/plugins/broken"
        folder.mkdir()
        (folder / "backend-broken.json").write_text("{")
        try:
            self.service.restart()
            self.assert_exit(self.service.cli("run", "--backend", self.name, "x", "hi"), DONE)
        finally:
            shutil.rmtree(folder)
