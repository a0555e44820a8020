"""llama.cpp's own programs of the same release: what Hearth is compared with."""
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import processes
from harness import FULL, ROOT, seconds
from unix_http import Client

SCRIPTS = ROOT / "cmake/llama"


def _run(script):
    return subprocess.run(["bash", "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


@functools.lru_cache(maxsize=None)
def folder(build=False):
    """Where llama-server and llama-quantize are; None where nobody has built them and `build` is false."""
    if not (SCRIPTS / "cache.sh").exists():
        return None
    if build:
        return Path(_run("cmake/llama/fetch.sh >/dev/null && cmake/llama/build.sh judges"))
    found = Path(_run("source cmake/llama/cache.sh && echo $tree/judges"))
    return found if (found / "llama-server").exists() else None


# Building takes minutes: only long runs do it.
AVAILABLE = folder(build=FULL or os.environ.get("HEARTH_JUDGES") == "1") is not None


def quantize(source, target, kind):
    subprocess.run([folder(build=True) / "llama-quantize", source, target, kind], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class LlamaServer:
    """llama-server on a Unix socket of its own; without a model it is the router.

    @param models  of the router: {name: path} of what it may load, one at a time
    """

    def __init__(self, model, context=4096, parallel=1, threads=2, wait=True, models=None, arguments=()):
        self.home = Path(tempfile.mkdtemp(prefix="hearth-judge-"))
        self.socket = self.home / "judge.sock"
        command = [folder() / "llama-server", "--host", self.socket, "--no-webui", "--log-disable"]
        settings = ["-c", context, "-np", parallel, "-t", threads, "--kv-unified", "--jinja"]
        if model is not None:
            command += ["-m", model, *settings]
        if models is not None:
            command += ["--models-dir", self._model_folder(models), "--models-max", 1, *settings]
        command += arguments
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.home), "LLAMA_CACHE": str(self.home)}
        self.process = subprocess.Popen([str(part) for part in command], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, cwd=self.home)
        self.client = Client(self.socket, timeout=seconds(300))
        if wait:
            processes.wait_until(self._ready, seconds(120), "llama-server to be ready")

    def _model_folder(self, models):
        folder = self.home / "models"
        folder.mkdir()
        for name, path in models.items():
            (folder / f"{name}.gguf").symlink_to(path)
        return folder

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"llama-server ended with {self.process.returncode}")
        try:
            return self.client.get("/health").status == 200
        except OSError:
            return False

    def post(self, target, body, **more):
        return self.client.post(target, body, **more)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
