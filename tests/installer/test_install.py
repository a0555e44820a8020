"""installer/install.sh against a server of ours: install, again, upgrade, damaged downloads, uninstall."""
import hashlib
import http.server
import io
import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
import threading
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "installer/install.sh"

# Stand-ins that do what the script asks of them; what runs is noted in $HOME/calls.
HEARTHD = "#!/bin/sh\necho hearthd {version}\n"
HEARTH = '#!/bin/sh\necho "$@" >>"$HOME/../calls"\n[ "$1 $2" != "status -q" ] || [ -e "$HOME/../running" ]\n'


def archive(version, extra=()):
    """A tarball as CPack makes it. @param extra  names of further files, put in as they are"""
    top = f"hearth-{version}-linux-{platform.machine()}"
    files = {"bin/hearthd": HEARTHD.format(version=version), "bin/hearth": HEARTH, "share/doc/hearth/LICENSE": "MIT\n",
             f"share/doc/hearth/only-in-{version}": "x\n",
             "share/applications/hearth-tray.desktop": "[Desktop Entry]\nExec=/staging/usr/bin/hearth-tray --x\n"}
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name, text in [*((f"{top}/{name}", text) for name, text in files.items()), *((name, "bad\n") for name in extra)]:
            member = tarfile.TarInfo(name)
            member.size = len(text)
            member.mode = 0o755 if "/bin/" in name else 0o644
            tar.addfile(member, io.BytesIO(text.encode()))
    return data.getvalue()


def snapshot(folder):
    """Everything below a folder: kind, mode and bytes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        found[str(path.relative_to(folder))] = (oct(status.st_mode), path.read_bytes() if path.is_file() else None)
    return found


class Server:
    """Serves `files`: name → bytes; what `cut` names ends in the middle."""

    def __init__(self):
        self.files, self.cut = {}, set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                content = outer.files.get(self.path.lstrip("/"))
                self.send_response(200 if content is not None else 404)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                name = self.path.lstrip("/")
                self.wfile.write((content or b"")[:len(content) // 2 if name in outer.cut else None])

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    def publish(self, version, content=None, sums=None):
        content = archive(version) if content is None else content
        name = f"hearth-{version}-linux-{platform.machine()}.tar.gz"
        self.files = {name: content, "SHA256SUMS": (sums or f"{hashlib.sha256(content).hexdigest()}  {name}\n").encode()}
        return name


class InstallScript(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="hearth-install-test-"))
        self.home = self.folder / "home"
        self.home.mkdir()
        self.server = Server()
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(self.server.close)
        (self.home / ".bashrc").write_bytes(b"alias l=ls\n# \xff no newline at the end")
        (self.home / ".zshrc").write_bytes(b"")
        (self.home / ".local/bin").mkdir(parents=True)
        (self.home / ".local/bin/mine").write_text("mine\n")
        self.before = snapshot(self.home)

    def run_script(self, *options, script=None, shell="sh"):
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"], "HEARTH_INSTALL_URL": self.server.url, "TMPDIR": str(self.folder)}
        text = script if script is not None else SCRIPT.read_text()
        return subprocess.run([shell, "-s", "--", *options], input=text, env=environment, capture_output=True, text=True, start_new_session=True)

    def install(self, *options):
        result = self.run_script(*options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def assert_nothing_happened(self, result, text):
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(text, result.stderr)
        self.assertEqual(snapshot(self.home), self.before)
        self.assertEqual([p.name for p in self.folder.iterdir() if p.name.startswith("hearth-install.")], [], "nothing is left in TMPDIR")

    def installed_version(self):
        return subprocess.run([self.home / ".local/bin/hearthd"], capture_output=True, text=True).stdout.strip()

    def test_installs_and_uninstalls_byte_for_byte(self):
        self.server.publish("1.0.0")
        result = self.install()
        self.assertIn("installed hearthd 1.0.0", result.stderr)
        self.assertEqual(self.installed_version(), "hearthd 1.0.0")
        found = subprocess.run(["bash", "--norc", "-c", ". ~/.bashrc; command -v hearth"], env={"HOME": str(self.home), "PATH": "/usr/bin:/bin"},
                               capture_output=True, text=True).stdout.strip()
        self.assertEqual(found, str(self.home / ".local/bin/hearth"))
        self.assertFalse((self.home / ".local/share/hearth").exists(), "that place is the store's")
        desktop = (self.home / ".local/share/applications/hearth-tray.desktop").read_text()
        self.assertIn(f"Exec={self.home}/.local/bin/hearth-tray --x\n", desktop)
        self.install("--uninstall")
        self.assertEqual(snapshot(self.home), self.before)

    def test_may_be_run_again(self):
        self.server.publish("1.0.0")
        self.install()
        once = snapshot(self.home)
        self.install()
        self.assertEqual(snapshot(self.home), once)
        self.install("--uninstall")
        self.assertEqual(snapshot(self.home), self.before)

    def test_upgrades_and_removes_what_the_new_version_has_not(self):
        self.server.publish("1.0.0")
        self.install()
        (self.folder / "running").touch()
        self.server.publish("1.1.0")
        self.install()
        self.assertEqual(self.installed_version(), "hearthd 1.1.0")
        notes = [path.name for path in (self.home / ".local/share/doc/hearth").iterdir() if path.name.startswith("only-in")]
        self.assertEqual(notes, ["only-in-1.1.0"])
        self.assertIn("service restart -q", (self.folder / "calls").read_text(), "a service that runs gets the new program")
        self.install("--uninstall")
        self.assertEqual(snapshot(self.home), self.before)

    def test_installs_nothing_that_was_tampered_with(self):
        name = self.server.publish("1.0.0")
        good = self.server.files[name]
        self.server.files[name] = good[:-20] + bytes([good[-20] ^ 1]) + good[-19:]
        self.assert_nothing_happened(self.run_script(), "the download is damaged")

    def test_installs_nothing_that_was_cut(self):
        name = self.server.publish("1.0.0")
        self.server.cut.add(name)
        self.assert_nothing_happened(self.run_script(), "could not download")
        self.server.cut.clear()
        self.server.files[name] = self.server.files[name][:100]
        self.assert_nothing_happened(self.run_script(), "the download is damaged")

    def test_installs_nothing_without_a_checksum(self):
        name = self.server.publish("1.0.0")
        for sums, text in [("", "lists no archive"), (f"{'0' * 63}  {name}\n", "damaged"), (f"{'z' * 64}  {name}\n", "damaged")]:
            self.server.files["SHA256SUMS"] = sums.encode()
            self.assert_nothing_happened(self.run_script(), text)
        del self.server.files["SHA256SUMS"]
        self.assert_nothing_happened(self.run_script(), "could not download")

    def test_installs_nothing_that_climbs_out_of_its_folder(self):
        self.server.publish("1.0.0", archive("1.0.0", extra=["hearth-1.0.0-linux/../../evil"]))
        self.assert_nothing_happened(self.run_script(), "outside of its folder")

    def test_installs_nothing_that_does_not_run_here(self):
        top = f"hearth-1.0.0-linux-{platform.machine()}"
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w:gz") as tar:
            member = tarfile.TarInfo(f"{top}/bin/hearthd")
            member.size, member.mode = 4, 0o755
            tar.addfile(member, io.BytesIO(b"\x7fELF"))
        self.server.publish("1.0.0", data.getvalue())
        self.assert_nothing_happened(self.run_script(), "cannot run it")

    def test_half_a_script_does_nothing(self):
        self.server.publish("1.0.0")
        text = SCRIPT.read_text()
        for part in (0.3, 0.6, 0.9):
            self.run_script(script=text[:int(len(text) * part)])
            self.assertEqual(snapshot(self.home), self.before)
        self.run_script(script=text[:text.rindex("main")])
        self.assertEqual(snapshot(self.home), self.before)

    def test_wants_https(self):
        result = self.run_script("--url", "http://example.org/hearth")
        self.assert_nothing_happened(result, "is not an https address")
        self.assert_nothing_happened(self.run_script("--url", "http://127.0.0.1.example.org"), "is not an https address")

    def test_takes_the_version_that_was_asked_for(self):
        first = self.server.publish("1.0.0")
        files = dict(self.server.files)
        self.server.publish("1.1.0")
        self.server.files["SHA256SUMS"] += files["SHA256SUMS"]
        self.server.files[first] = files[first]
        self.assert_nothing_happened(self.run_script(), "several versions")
        self.install("--version", "1.0.0")
        self.assertEqual(self.installed_version(), "hearthd 1.0.0")

    def test_leaves_profiles_alone_when_told_to(self):
        self.server.publish("1.0.0")
        result = self.install("--no-modify-path")
        self.assertEqual((self.home / ".bashrc").read_bytes(), self.before[".bashrc"][1])
        self.assertIn("export PATH=", result.stderr)

    def test_keeps_what_was_written_into_a_profile_later(self):
        self.server.publish("1.0.0")
        self.install()
        with open(self.home / ".bashrc", "ab") as profile:
            profile.write(b"export LATER=1\n")
        self.install("--uninstall")
        self.assertEqual((self.home / ".bashrc").read_bytes(), self.before[".bashrc"][1] + b"export LATER=1\n")

    def test_keeps_models_unless_told_to_purge(self):
        self.server.publish("1.0.0")
        self.install()
        model = self.home / ".local/share/hearth/blobs/sha256-1"
        model.parent.mkdir(parents=True)
        model.write_text("weights")
        result = self.install("--uninstall")
        self.assertIn("the models stay", result.stderr)
        self.assertTrue(model.exists())
        self.install()
        self.install("--uninstall", "--purge")
        (self.home / ".local/share").rmdir()  # it was kept for the models, and then belonged to nobody
        self.assertEqual(snapshot(self.home), self.before)

    def test_says_that_nothing_is_installed(self):
        self.assert_nothing_happened(self.run_script("--uninstall"), "nothing was installed")

    def test_runs_in_dash_and_bash(self):
        self.server.publish("1.0.0")
        for shell in ("dash", "bash"):
            result = self.run_script(shell=shell)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.install("--uninstall")
            self.assertEqual(snapshot(self.home), self.before)


if __name__ == "__main__":
    unittest.main()
