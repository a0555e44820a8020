"""Models for tests, all made here: nothing is downloaded. Kept in a cache that is keyed by their generator."""
import functools
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import gguf_file
import judges
from harness import ROOT

GENERATOR = ROOT / "tools/make_model"
CACHE = Path(os.environ.get("HEARTH_TEST_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hearth-build/test-models")


@functools.lru_cache(maxsize=None)
def _folder():
    """The cache of this version of the generator."""
    sources = hashlib.sha256()
    for path in sorted(GENERATOR.glob("*.py")):
        sources.update(path.read_bytes())
    folder = CACHE / sources.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@functools.lru_cache(maxsize=None)
def _made(name, make):
    """The file, made by `make(path)` when it is not there; it appears whole."""
    path = _folder() / name
    if not path.exists():
        temporary = path.with_name(f".{os.getpid()}-{name}")
        make(temporary)
        temporary.rename(path)
    return path


def _generate(path, *arguments):
    subprocess.run([sys.executable, GENERATOR / "make_model.py", *arguments, path], check=True, stdout=subprocess.DEVNULL)


def small_valid(folder):
    """A small well-formed GGUF that a store can keep and no engine can run."""
    return gguf_file.write_ballast(Path(folder) / "small.gguf", 1_000_000)


def tiny():
    """Runs in milliseconds a token; says many words, never ends before the limit, makes no sense."""
    return _made("hearth-tiny.gguf", lambda path: _generate(path, "--shape", "tiny"))


def other():
    """Like tiny, with other weights."""
    return _made("hearth-other.gguf", lambda path: _generate(path, "--shape", "tiny", "--seed", "2"))


def tools():
    """Like tiny, with a chat template that takes tools and lets it think first."""
    return _made("hearth-tools.gguf", lambda path: _generate(path, "--shape", "tiny", "--chat", "tools"))


def embedder():
    """For embeddings only."""
    return _made("hearth-embed.gguf", lambda path: _generate(path, "--shape", "embed"))


def split_tiny(folder, name, shards):
    """The weights of tiny in several files. @return their paths, in order"""
    _generate(Path(folder) / f"{name}.gguf", "--shape", "tiny", "--split", str(shards))
    return sorted(Path(folder).glob(f"{name}-*-of-*.gguf"))


def three_small():
    """Three different models of the shape of a real one with 135M parameters, in F16: 270 MB each."""
    return [_made(f"hearth-small{seed}.gguf", lambda path, seed=seed: _generate(path, "--shape", "135m", "--seed", str(seed)))
            for seed in (1, 2, 3)]


def half_billion_f16(folder):
    """The shape of a real 0.5B model with random weights, in F16: a gigabyte, so not kept."""
    path = Path(folder) / "half.gguf"
    _generate(path, "--shape", "0.5b")
    return path


def half_billion():
    """The shape of a real 0.5B model with random weights, quantized to Q4_K_M by llama.cpp's own program."""
    return _made("half-billion-q4_k_m.gguf", lambda path: _quantized(path, "1"))


def other_half_billion():
    """Like half_billion, with other weights."""
    return _made("other-half-billion-q4_k_m.gguf", lambda path: _quantized(path, "2"))


def _quantized(path, seed):
    whole = path.with_suffix(".f16")
    _generate(whole, "--shape", "0.5b", "--seed", seed)
    judges.quantize(whole, path, "Q4_K_M")
    whole.unlink()
