"""Runs tests/tray/screenshots as a user who is not root, for a program that refuses root."""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness import BIN, PLUGINS, ROOT

NOBODY = 65534
PYTHON = "/usr/bin/python3"  # the one that runs this may be root's own
SOURCES = ("tests/e2e/*.py", "tests/tray/*.py", "tests/tray/screenshots", "tray/icons/*.svg")
PROGRAMS = ("hearthd", "hearth-fetch", "hearth-runner", "hearth-tray")


def take_pictures(panel, output):
    """Of one panel, by a copy of what that needs in a folder of the other user: this one may be closed to him."""
    with tempfile.TemporaryDirectory(prefix="hearth-nobody-") as name:
        folder = Path(name)
        _copy(folder)
        command = [PYTHON, str(folder / "tests/tray/screenshots"), "--panel", panel, "--output", str(folder / "shots")]
        environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HEARTH_TEST_SLOW")}
        environment |= {"HOME": name, "TMPDIR": name, "LANG": "C.UTF-8", "HEARTH_BIN_DIR": str(folder / "bin"),
                        "PYTHONUNBUFFERED": "1"}
        with open(folder / "said", "wb") as said:
            child = subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said, user=NOBODY,
                                     group=NOBODY, extra_groups=[])
        try:
            code = child.wait()
        finally:
            child.terminate()  # and it ends what it started
            child.wait()
            _bring_back(folder, output, panel)
    if code != 0:
        raise AssertionError(f"taking pictures of {panel} as another user ended with {code}")


def _copy(folder):
    files = [path.relative_to(ROOT) for pattern in SOURCES for path in ROOT.glob(pattern)]
    for path in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    (folder / "bin").mkdir()
    for program in PROGRAMS:
        shutil.copy(BIN / program, folder / "bin")
    shutil.copytree(PLUGINS / "echo", folder / PLUGINS.relative_to(BIN.parent) / "echo")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def _bring_back(folder, output, panel):
    """The pictures, and what the script printed with the places where they are now."""
    shots = folder / "shots" / panel
    if shots.exists():
        shutil.rmtree(output / panel, ignore_errors=True)
        shutil.copytree(shots, output / panel)
    lines = (folder / "said").read_text(errors="replace").splitlines()
    for line in lines[lines[:1] == [panel]:]:  # the name is there already
        print(line.replace(str(shots.parent), str(output)), flush=True)
