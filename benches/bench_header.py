#!/usr/bin/env python3
"""Milliseconds to parse a header of Llama 3's size (8 MB: 128k tokens and their merges), against ggml's own parser, by turns in
one process. Target: 1.5 times ggml's. Needs a build with HEARTH_BENCHES (preset bench)."""
import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import ROOT, median, quiet, report

sys.path.insert(0, str(ROOT / "tools/make_model"))

import gguf  # noqa: E402  (of tools/make_model)

PAIRS = 15
TOKENS, MERGES, LAYERS = 128_256, 280_147, 32
PLACES = [path for path in (Path(os.environ["HEARTH_BIN_DIR"]), ROOT / "build/bench/bin") if (path / "header_bench").exists()]


def key(name, value):
    return gguf.encode_string(name) + gguf.encode_value(value)


def header():
    """Of a Llama 3 8B; its tensors are one element each: their data is not what is measured."""
    keys = [key("general.architecture", gguf.text("llama")), key("llama.block_count", gguf.uint(LAYERS)),
            key("tokenizer.ggml.tokens", gguf.array(gguf.STRING, [f"token{number:07}" for number in range(TOKENS)])),
            key("tokenizer.ggml.token_type", gguf.array(gguf.INT32, [1] * TOKENS)),
            key("tokenizer.ggml.merges", gguf.array(gguf.STRING, [f"a{number % 999} b{number % 97:04}" for number in range(MERGES)]))]
    names = [f"blk.{layer}.{part}.weight" for layer in range(LAYERS) for part in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down", "attn_norm", "ffn_norm")]
    infos = [gguf.encode_string(name) + struct.pack("<IQIQ", 1, 1, gguf.F32, 32 * number) for number, name in enumerate(names)]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(keys)) + b"".join(keys) + b"".join(infos)
    return head + bytes(gguf.padding(len(head)) + 32 * len(infos)), len(head)


def main():
    if not PLACES:
        print("bench_header: no header_bench; build the preset 'bench'", file=sys.stderr)
        return 1
    data, size = header()
    with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
        file.write(data)
        file.flush()
        output = quiet.sample(lambda: subprocess.run([PLACES[0] / "header_bench", file.name, str(PAIRS)], check=True, capture_output=True).stdout)
    times = {name: median(samples) for name, samples in json.loads(output).items()}
    ratio = times["ours"] / times["theirs"]
    return report("header", times["ours"], times["theirs"], "ms", PAIRS, ratio <= 1.5, target="<= 1.5 x ggml", header_bytes=size,
                  keeping_all_arrays=round(times["keeping"], 3))


if __name__ == "__main__":
    sys.exit(main())
