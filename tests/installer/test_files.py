"""The files that are installed, by the tools that judge such files."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ["installer/install.sh", "installer/setup", "installer/quickstart", "installer/first_run", "installer/package", "installer/debian/postinst", "installer/debian/prerm",
           "installer/debian/postrm", "tests/installer/boot", "tests/installer/boot_checks", "tests/checks/packages", "tests/checks/llama_source", "cmake/llama/fetch.sh",
           "cmake/llama/source.sh", "cmake/llama/build.sh"]


class Scripts(unittest.TestCase):
    def test_shellcheck_is_silent(self):
        result = subprocess.run(["shellcheck", "-x", "-P", "SCRIPTDIR", *SCRIPTS], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stdout), (0, ""))


class Units(unittest.TestCase):
    def test_systemd_has_nothing_to_say_about_them(self):
        """systemd-analyze ends with 0 even for unknown keys, and says it on stderr."""
        with tempfile.TemporaryDirectory(prefix="hearth-units-") as name:
            folder = Path(name)
            for unit in (ROOT / "installer/systemd").iterdir():
                text = unit.read_text().replace("@HEARTHD@", "/bin/true").replace("@HEARTH@", "/bin/true")
                (folder / unit.name.removesuffix(".in").replace("@", "@user")).write_text(text)
            for manager, units in [("--user", ["hearthd.socket", "hearthd.service"]), ("--system", ["hearthd@user.service"])]:
                result = subprocess.run(["systemd-analyze", manager, "verify", "--man=no", *(str(folder / unit) for unit in units)],
                                        env=os.environ | {"XDG_RUNTIME_DIR": name}, capture_output=True, text=True)
                said = "\n".join(line for line in result.stderr.splitlines() if name in line or "hearthd" in line)
                self.assertEqual((result.returncode, said), (0, ""))


class Desktop(unittest.TestCase):
    """What an installed prefix tells a desktop and a software centre about the tray."""

    def setUp(self):
        self.tree = Path(tempfile.mkdtemp(prefix="hearth-desktop-"))
        self.addCleanup(shutil.rmtree, self.tree)
        for folder, files in [("metainfo", [ROOT / "installer/desktop/org.hearth.Tray.metainfo.xml"]), ("applications", []),
                              ("icons/hicolor/scalable/apps", (ROOT / "tray/icons").glob("hearth-tray-*.svg"))]:
            (self.tree / "usr/share" / folder).mkdir(parents=True)
            for file in files:
                shutil.copy(file, self.tree / "usr/share" / folder)
        self.entry = self.tree / "usr/share/applications/hearth-tray.desktop"
        self.entry.write_text((ROOT / "installer/desktop/hearth-tray.desktop.in").read_text().replace("@HEARTH_TRAY_EXEC@", "hearth-tray"))

    def test_the_desktop_file_is_valid(self):
        result = subprocess.run(["desktop-file-validate", self.entry], capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stdout), (0, ""))

    def appstream(self):
        """@return (exit code, what appstreamcli says)"""
        result = subprocess.run(["appstreamcli", "validate-tree", "--no-net", "--strict", "--no-color", self.tree], capture_output=True, text=True)
        return result.returncode, result.stdout

    def test_appstream_accepts_the_component_and_finds_its_desktop_file(self):
        code, said = self.appstream()
        self.assertEqual(code, 0, said)
        self.entry.unlink()
        code, said = self.appstream()
        self.assertNotEqual(code, 0, "the check above sees nothing: " + said)


if __name__ == "__main__":
    unittest.main()
