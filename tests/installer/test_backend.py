"""`hearth backend`, the real command end to end: packages made by installer/pack_backend, from files and through the npm client from a
registry of ours, used by a real service."""
import fcntl
import gzip
import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from harness import DONE, FAILED, HAS_LLAMA, NOT_ALLOWED, NOT_FOUND, PLUGINS, USAGE, Service, seconds  # noqa: E402
from npm_registry import Registry, integrity_of  # noqa: E402

SCOPE = "@hearth-test"
needs_npm = unittest.skipUnless(shutil.which("npm"), "needs npm")


def pack(folder, output, *options):
    """@return the tarball that installer/pack_backend made"""
    said = subprocess.run([ROOT / "installer/pack_backend", "--scope", SCOPE, "--output", output, *options, folder], check=True,
                          capture_output=True, text=True).stdout
    return Path(said.splitlines()[0])


def parrot(folder, version="1.0.0", **wrong):
    """The echo plugin as somebody else would name it. @param wrong  keys of the manifest that are not as they should be"""
    folder.mkdir(parents=True)
    shutil.copy(PLUGINS / "echo/hearth-echo.so", folder / "hearth-parrot.so")
    manifest = json.loads((PLUGINS / "echo/backend-echo.json").read_text())
    manifest |= {"name": "parrot", "version": version, "library": "hearth-parrot.so", "devices": ["beak"]} | wrong
    (folder / "backend-parrot.json").write_text(json.dumps(manifest))
    return folder


def repack(tarball, target, change):
    """The tarball's members through `change`, a function of their list. @return target"""
    with tarfile.open(tarball) as tar:
        members = [(member, tar.extractfile(member).read()) for member in tar.getmembers()]
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for member, data in change(members):
            member.size = len(data) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(data))
    target.write_bytes(gzip.compress(content.getvalue()))
    return target


def member(name, kind=tarfile.REGTYPE, link=""):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


class BackendCase(unittest.TestCase):
    """A home, a registry, and parrot in two versions as tarballs."""

    @classmethod
    def setUpClass(cls):
        cls.packed = Path(tempfile.mkdtemp(prefix="hearth-backend-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.packed)
        cls.first = pack(parrot(cls.packed / "first", "1.0"), cls.packed)
        cls.second = pack(parrot(cls.packed / "second", "1.1"), cls.packed)

    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.destroy)
        self.registry = Registry()
        self.addCleanup(self.registry.close)
        home = self.service.home
        self.service.environment |= {
            "HEARTH_BACKEND_SCOPE": SCOPE, "npm_config_registry": self.registry.url, "npm_config_cache": f"{home}/npm-cache",
            "npm_config_userconfig": f"{home}/no-npmrc", "npm_config_fetch_retries": "0", "NO_PROXY": "*"}
        self.plugins = home / "data/plugins"

    def backend(self, *words, code=DONE, environment=None):
        result = self.service.cli("backend", *words, environment=environment, timeout=300)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def rows(self):
        answer = json.loads(self.backend("list", "--json").stdout)
        self.assertEqual(answer["version"], 1)
        return {f"{row['name']}@{row['version']}": row for row in answer["backends"]}

    def used(self):
        return sorted(name for name, row in self.rows().items() if row["used"] and row["from"] != "package")

    def leftovers(self):
        """What is in the plugin folder beside versions and choices."""
        return sorted(path.name for path in self.plugins.glob("*") if path.name not in (".versions", ".used")) + \
            sorted(path.name for path in self.plugins.glob(".*") if path.name not in (".versions", ".used"))

    def assert_nothing_installed(self, result, *texts):
        for text in texts:
            self.assertIn(text, result.stderr)
        self.assertIn("hint: ", result.stderr)
        self.assertEqual([row for row in self.rows().values() if row["from"] != "package"], [])
        self.assertEqual(self.leftovers(), [])
        self.assertEqual(list(self.plugins.glob(".versions/*")), [])

    def answers(self, backend="parrot"):
        """A service finds the backend and loads it. @return its version, as the service knows it"""
        self.service.restart()
        result = self.service.cli("load", "anything", "--backend", backend)
        self.assertEqual(result.returncode, DONE, result.stderr)
        self.assertTrue(self.service.cli("run", "--backend", backend, "anything", "hi").stdout.strip())
        known = self.service.client.get("/hearth/v1/capabilities").json()["backends"]
        return next(row["version"] for row in known if row["name"] == backend)


class FromAFile(BackendCase):
    def test_is_installed_used_pinned_rolled_back_and_removed(self):
        first = json.loads(self.backend("install", "--from", self.first, "--json").stdout)
        self.assertEqual((first["version"], first["installed"]["name"], first["installed"]["used"], first["restart_needed"]), (1, "parrot", True, False))
        self.assertEqual(first["integrity"], integrity_of(self.first.read_bytes()))
        self.assertEqual(self.answers(), "1.0")
        result = self.backend("install", "parrot", "--from", self.second)
        self.assertIn("installed parrot@1.1.0", result.stdout)
        self.assertIn("hearth service restart", result.stderr, "a service runs")
        self.assertEqual(self.used(), ["parrot@1.1.0"])
        self.assertEqual(self.answers(), "1.1")
        self.backend("use", "parrot@1.0.0")
        self.assertEqual(self.answers(), "1.0")
        self.backend("use", "parrot")
        self.assertEqual(self.used(), ["parrot@1.1.0"], "the newest, when no version is named")
        result = self.backend("remove", "parrot@1.1.0")
        self.assertIn("no backend parrot is used now; hearth backend use parrot@1.0.0", result.stdout)
        self.assertEqual([name for name in self.rows() if name.startswith("parrot")], ["parrot@1.0.0"])
        self.assertEqual(self.used(), [])
        self.backend("remove", "parrot")
        self.assertEqual(self.leftovers(), [])
        self.service.restart()
        self.assertEqual(self.service.cli("run", "--backend", "parrot", "x", "hi").returncode, NOT_FOUND)

    def test_is_used_after_the_command_that_is_named(self):
        self.service.start()
        self.addCleanup(self.service.cli, "service", "stop")
        self.assertIn("hearth service restart\n", self.backend("install", "--from", self.first).stderr)
        for command, code in [("load x --backend parrot", NOT_FOUND), ("service restart", DONE), ("load x --backend parrot", DONE)]:
            self.assertEqual(self.service.cli(*command.split()).returncode, code, command)

    def test_says_what_there_is(self):
        self.backend("install", "--from", self.first)
        row = self.rows()["parrot@1.0.0"]
        self.assertEqual((row["from"], row["backend"], row["devices"], row["used"]), ("user", "parrot", ["beak"], True))
        echo = next(row for row in self.rows().values() if row["name"] == "echo")
        self.assertEqual((echo["from"], echo["used"]), ("package", True))
        lines = self.backend("list").stdout.splitlines()
        self.assertEqual(lines[0].split("\t"), ["NAME", "VERSION", "FROM", "USED", "BACKEND", "FORMATS", "DEVICES"])
        self.assertIn("parrot\t1.0.0\tuser\tyes\tparrot\t-\tbeak", lines)
        self.assertIn("parrot@1.0.0", self.backend("list", "-q").stdout.splitlines())

    def test_is_nobody_elses_to_change(self):
        self.backend("install", "--from", self.first)
        for path in [self.plugins, *self.plugins.rglob("*")]:
            if not path.is_symlink():
                self.assertFalse(path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH | stat.S_ISUID), path)

    def test_is_taken_once(self):
        self.backend("install", "--from", self.first)
        before = self.rows()
        result = self.backend("install", "--from", self.first, code=FAILED)
        self.assertIn("is installed already", result.stderr)
        self.assertIn("hearth backend remove parrot@1.0.0", result.stderr)
        self.assertEqual(self.rows(), before)

    def test_has_to_have_the_checksum_that_was_given(self):
        data = self.first.read_bytes()
        self.backend("install", "--from", self.first, "--sha256", hashlib.sha256(data).hexdigest())
        self.backend("remove", "parrot")
        self.backend("install", "--from", self.first, "--integrity", integrity_of(data))
        self.backend("remove", "parrot")
        wrong = self.backend("install", "--from", self.first, "--sha256", "0" * 64, code=FAILED)
        self.assert_nothing_installed(wrong, "the tarball is damaged or another one")
        self.backend("install", "--from", self.first, "--sha256", "0" * 63, code=USAGE)

    def test_has_to_be_what_was_asked_for(self):
        self.assert_nothing_installed(self.backend("install", "cuda", "--from", self.first, code=FAILED), "holds parrot@1.0.0")
        self.assert_nothing_installed(self.backend("install", "parrot@2.0.0", "--from", self.first, code=FAILED), "holds parrot@1.0.0")

    def test_is_refused_when_it_is_hostile_or_broken(self):
        target = self.packed / f"bad-{self.id()}.tgz"
        library = "package/plugin/hearth-parrot.so"
        cases = [
            ("climbs", lambda m: [*m, (member("package/../../../evil"), b"x")]),
            ("is absolute", lambda m: [*m, (member("/tmp/hearth-evil"), b"x")]),
            ("is a symbolic link", lambda m: [*m, (member("package/plugin/l", tarfile.SYMTYPE, "/etc"), b"")]),
            ("is a hard link", lambda m: [*m, (member("package/plugin/l", tarfile.LNKTYPE, "/etc/passwd"), b"")]),
            ("is a device", lambda m: [*m, (member("package/plugin/null", tarfile.CHRTYPE), b"")]),
            ("comes twice", lambda m: [*m, (member(library), b"x")]),
            ("sha256", lambda m: [(each, data + b"x" if each.name == library else data) for each, data in m]),
            ("its library is not there", lambda m: [pair for pair in m if pair[0].name != library]),
            ("it must have one", lambda m: [pair for pair in m if "backend-" not in pair[0].name]),
            ("there is no package.json", lambda m: [pair for pair in m if "package.json" not in pair[0].name]),
        ]
        for text, change in cases:
            with self.subTest(text=text):
                result = self.backend("install", "--from", repack(self.first, target, change), code=FAILED)
                self.assert_nothing_installed(result, text)
        self.assertFalse(Path("/tmp/hearth-evil").exists())

    def test_is_refused_when_it_was_cut(self):
        data = self.first.read_bytes()
        for part in (0.1, 0.5, 0.95):
            cut = self.packed / "cut.tgz"
            cut.write_bytes(data[:int(len(data) * part)])
            self.assert_nothing_installed(self.backend("install", "--from", cut, code=FAILED), "the archive is refused")
        (self.packed / "text.tgz").write_text("<html>no such page</html>")
        self.assert_nothing_installed(self.backend("install", "--from", self.packed / "text.tgz", code=FAILED), "the archive is refused")
        self.backend("install", "--from", self.packed / "absent.tgz", code=FAILED)

    def test_is_refused_for_another_machine_or_another_abi(self):
        def with_hearth(**wrong):
            def change(members):
                for each, data in members:
                    if each.name == "package/package.json":
                        package = json.loads(data)
                        package["hearth"] |= wrong
                        data = json.dumps(package).encode()
                    yield each, data
            return repack(self.first, self.packed / "other.tgz", change)
        self.assert_nothing_installed(self.backend("install", "--from", with_hearth(platform="plan9-mips"), code=FAILED), "is for plan9-mips")
        self.assert_nothing_installed(self.backend("install", "--from", with_hearth(abi=99), code=FAILED), "plugin ABI 99")
        self.assert_nothing_installed(self.backend("install", "--from", with_hearth(plugin="../.."), code=FAILED), "climbs")

    def test_runs_no_code_of_a_plugin_while_it_is_judged(self):
        folder = parrot(self.packed / "boom")
        source = self.packed / "boom.c"
        mark = self.packed / "it-ran"
        source.write_text('#include <fcntl.h>\nvoid* hearth_backend_get(int v) { (void)v; return 0; }\n'
                          f'__attribute__((constructor)) static void boom(void) {{ open("{mark}", O_CREAT | O_WRONLY, 0600); }}\n')
        subprocess.run(["clang-19", "-shared", "-fPIC", "-o", folder / "hearth-parrot.so", source], check=True)
        manifest = json.loads((folder / "backend-parrot.json").read_text())
        manifest["sha256"] = hashlib.sha256((folder / "hearth-parrot.so").read_bytes()).hexdigest()
        (folder / "backend-parrot.json").write_text(json.dumps(manifest))
        self.backend("install", "--from", pack(folder, self.packed / "boom-out", "--version", "6.6.6"))
        self.assertFalse(mark.exists())

    def test_cleans_up_after_one_that_was_killed(self):
        stale = self.plugins / ".staging-killed/package"
        stale.mkdir(parents=True)
        (stale / "half").touch()
        self.backend("install", "--from", self.first)
        self.assertEqual(self.leftovers(), [])

    def test_belongs_to_one_command_at_a_time(self):
        self.plugins.mkdir()
        folder = os.open(self.plugins, os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, folder)
        fcntl.flock(folder, fcntl.LOCK_EX)
        self.assertIn("another hearth backend is at work", self.backend("install", "--from", self.first, code=FAILED).stderr)


@needs_npm
class FromNpm(BackendCase):
    def publish(self, *tarballs, **wrong):
        for tarball in tarballs:
            self.name = self.registry.publish(tarball.read_bytes(), **wrong)

    def test_the_latest_version_is_fetched_checked_and_used(self):
        self.publish(self.first, self.second)
        result = self.backend("install", "parrot")
        self.assertIn(f"fetching {self.name} 1.1.0 with npm", result.stderr)
        self.assertEqual(self.used(), ["parrot@1.1.0"])
        self.assertEqual(self.answers(), "1.1")

    def test_an_older_version_is_fetched_when_it_is_named(self):
        self.publish(self.first, self.second)
        self.backend("install", "parrot@1.0.0")
        self.assertEqual(self.used(), ["parrot@1.0.0"])
        self.backend("install", "parrot")
        self.assertEqual(self.used(), ["parrot@1.1.0"])
        fetched = len(self.registry.asked)
        again = json.loads(self.backend("install", "parrot@1.0.0", "--json").stdout)
        self.assertFalse(again["fresh"])
        self.assertNotIn(".tgz", "".join(self.registry.asked[fetched:]), "it is here")
        self.assertEqual(self.used(), ["parrot@1.0.0"])

    def test_the_full_name_of_a_package_needs_no_scope(self):
        self.publish(self.first)
        self.backend("install", self.name, environment={"HEARTH_BACKEND_SCOPE": ""})
        self.backend("remove", "parrot")
        self.backend("install", f"{self.name}@1.0.0")
        self.assertEqual(self.used(), ["parrot@1.0.0"])

    def test_what_nobody_published_is_said_to_be_so(self):
        for name in ("cuda", "vulkan"):
            result = self.backend("install", name, code=NOT_FOUND)
            self.assert_nothing_installed(result, f"the registry that npm uses has no {SCOPE}/hearth-backend-{name}-", "--from FILE")
        self.publish(self.first)
        self.assert_nothing_installed(self.backend("install", "parrot@7.0.0", code=NOT_FOUND), "has no", "@7.0.0")

    def test_without_a_scope_nobody_is_asked(self):
        result = self.backend("install", "cuda", code=NOT_FOUND, environment={"HEARTH_BACKEND_SCOPE": ""})
        self.assert_nothing_installed(result, "nobody is known to publish the backend cuda", "--from FILE")
        self.assertEqual(self.registry.asked, [])

    def test_a_tarball_that_was_damaged_on_its_way_is_refused(self):
        self.publish(self.first)
        self.registry.damaged.add(self.name)
        self.assert_nothing_installed(self.backend("install", "parrot", code=FAILED), "damaged")

    def test_a_registry_that_lies_about_the_integrity_is_refused(self):
        self.publish(self.first, integrity=integrity_of(b"another one"))
        self.assert_nothing_installed(self.backend("install", "parrot", code=FAILED), "damaged")

    def test_a_registry_without_a_checksum_that_counts_is_refused(self):
        self.publish(self.first, integrity="sha1-qZk+NkcGgWq6PiVxeFDCbJzQ2J0=")
        self.assert_nothing_installed(self.backend("install", "parrot", code=FAILED), "no checksum that counts")

    def test_a_package_of_another_name_is_refused(self):
        data = repack(self.first, self.packed / "renamed.tgz", lambda m: [
            (each, data.replace(b"hearth-backend-parrot-", b"hearth-backend-cuda-") if each.name.endswith("package.json") else data) for each, data in m])
        self.publish(data)
        self.assert_nothing_installed(self.backend("install", "cuda", code=FAILED), "holds parrot@1.0.0")

    def test_a_registry_that_refuses_or_is_away_is_named(self):
        self.publish(self.first)
        self.registry.refused = 403
        self.assert_nothing_installed(self.backend("install", "parrot", code=NOT_ALLOWED), "does not give")
        gone = {"npm_config_registry": "http://127.0.0.1:9/"}
        self.assert_nothing_installed(self.backend("install", "parrot", code=FAILED, environment=gone), "npm could not fetch", "npm ping")

    def test_the_folder_where_somebody_stands_does_not_name_a_registry(self):
        self.publish(self.first)
        (self.service.home / ".npmrc").write_text(f"{SCOPE}:registry=http://127.0.0.1:9/\n")
        (self.service.home / "package.json").write_text("{}")
        self.backend("install", "parrot")

    def test_no_script_of_a_package_runs(self):
        mark = self.packed / "a-script-ran"
        scripts = {name: f"touch {mark}" for name in ("preinstall", "install", "postinstall", "prepare", "prepack", "postpack")}

        def change(members):
            for each, data in members:
                if each.name == "package/package.json":
                    data = json.dumps(json.loads(data) | {"scripts": scripts}).encode()
                yield each, data
        self.publish(repack(self.first, self.packed / "scripts.tgz", change))
        self.backend("install", "parrot")
        self.assertFalse(mark.exists())

    def test_without_npm_the_command_is_printed(self):
        result = self.backend("install", "cuda@0.5.0", code=FAILED, environment={"PATH": "/nowhere"})
        self.assert_nothing_installed(result, "npm is not installed", f"npm pack --ignore-scripts {SCOPE}/hearth-backend-cuda-", "@0.5.0", "hearth backend install --from FILE")


class Packing(BackendCase):
    def test_gives_the_same_bytes_every_time(self):
        again = pack(self.packed / "first", self.packed / "again")
        self.assertEqual((again.name, again.read_bytes()), (self.first.name, self.first.read_bytes()))

    def test_refuses_a_library_that_is_not_its_manifests(self):
        folder = parrot(self.packed / "changed", sha256="0" * 64)
        result = subprocess.run([ROOT / "installer/pack_backend", "--scope", SCOPE, "--output", self.packed, folder], capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertIn("changed after its manifest", result.stderr)

    @needs_npm
    def test_npm_can_publish_it(self):
        said = subprocess.run(["npm", "publish", "--dry-run", "--json", self.first], capture_output=True, text=True, env=self.service.environment,
                              cwd=self.service.home, timeout=seconds(120))
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn(f"{SCOPE}/hearth-backend-parrot-", said.stdout)


@unittest.skipUnless(HAS_LLAMA, "this build has no llama plugin")
class LlamaUnderAnotherName(BackendCase):
    """The real engine, packed as a GPU backend would be: package cuda, backend llama."""

    def test_loads_a_model_and_gives_way_again(self):
        tarball = pack(PLUGINS / "llama", self.packed / "llama", "--name", "cuda", "--version", "9.9.9")
        self.backend("install", "cuda", "--from", tarball)
        self.assertEqual([row["used"] for name, row in sorted(self.rows().items()) if row["backend"] == "llama"], [True, False])
        self.assertIn(".versions/cuda@9.9.9/plugin/", self.library_that_loads_ember())
        self.assertIn("llama@", self.backend("remove", "cuda").stdout)
        self.assertNotIn(".versions", self.library_that_loads_ember())

    def library_that_loads_ember(self):
        """@return the command line of the runner that a new service loads the model that ships with"""
        self.service.environment["HEARTH_MODELS"] = str(ROOT / "models/ember")
        self.service.restart()
        self.service.models()  # waits until it is in the store
        result = self.service.cli("load", "ember")
        self.assertEqual(result.returncode, DONE, result.stderr)
        return Path(f"/proc/{self.service.runner_of('ember')}/cmdline").read_text()


if __name__ == "__main__":
    unittest.main()
