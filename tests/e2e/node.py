"""Programs of Node with packages from npm, for tests: exact versions and hashes from a lock file, in a cache outside the repository.

    HEARTH_CACHE     the cache; default ${XDG_CACHE_HOME:-~/.cache}/hearth-build
"""
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path


def packages(folder, name):
    """@param folder  with package.json and package-lock.json
    @return the folder with their node_modules. None and says why when they cannot be had"""
    if not shutil.which("node") or not shutil.which("npm"):
        print(f"skip {name}: node or npm is missing")
        return None
    cache = Path(os.environ.get("HEARTH_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hearth-build")
    lock = (folder / "package-lock.json").read_bytes()
    kept = cache / f"{name}-{hashlib.sha256(lock).hexdigest()[:16]}"
    if (kept / "complete").exists():
        return kept
    cache.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=cache))
    for file in ("package.json", "package-lock.json"):
        shutil.copy(folder / file, work)
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=work,
                          capture_output=True, text=True)
    if done.returncode != 0:
        shutil.rmtree(work, ignore_errors=True)
        print(f"skip {name}: npm could not install the packages: " + " ".join(done.stderr.split())[-300:])
        return None
    (work / "complete").touch()
    try:
        work.rename(kept)
    except OSError:  # another run was faster
        shutil.rmtree(work, ignore_errors=True)
    return kept


def run_program(program, folder, kept, settings, timeout, environment=None):
    """Runs FOLDER/PROGRAM with the packages in `kept`; it reads its settings from $HEARTH_CLIENT_TEST. @return what came of it, as text"""
    work = Path(tempfile.mkdtemp(prefix="hearth-node-"))
    try:  # node looks for packages beside the program
        for path in [*folder.glob("*.mjs"), folder / "package.json", Path(__file__).parent / "checks.mjs"]:
            shutil.copy(path, work)
        (work / "node_modules").symlink_to(kept / "node_modules")
        return subprocess.run(["node", program], cwd=work, capture_output=True, text=True, timeout=timeout,
                              env=os.environ | {"HEARTH_CLIENT_TEST": json.dumps(settings)} | (environment or {}))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def count_checks(done, name):
    """Prints the lines of a suite, "ok …" and "FAIL …", under a name. @return (passed, failed)"""
    lines = done.stdout.splitlines()
    for line in lines:
        print(line.replace("ok ", f"ok   {name}: ", 1) if line.startswith("ok ") else
              line.replace("FAIL ", f"FAIL {name}: ", 1) if line.startswith("FAIL ") else line, flush=True)
    failed = sum(line.startswith("FAIL ") for line in lines)
    if done.returncode != 0:
        print(f"FAIL {name}: the suite ended with {done.returncode}\n{done.stderr[-2000:]}")
        failed += 1
    return sum(line.startswith("ok ") for line in lines), failed
