"""Just enough GGUF to make files that a store accepts, or must not."""
import random
import struct
from pathlib import Path

ALIGNMENT = 32
UINT32, STRING = 4, 8


def _text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def metadata(key, kind, value):
    """One key with its value, as bytes."""
    return _text(key) + struct.pack("<I", kind) + (_text(value) if kind == STRING else struct.pack("<I", value))


def _pad(size):
    return -size % ALIGNMENT


def header(pairs, tensors):
    """@param pairs  list of bytes from `metadata`; @param tensors  list of (name, dims, type, offset)"""
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs)
    for name, dims, kind, offset in tensors:
        out += _text(name) + struct.pack("<I", len(dims)) + b"".join(struct.pack("<Q", d) for d in dims)
        out += struct.pack("<IQ", kind, offset)
    return out + b"\0" * _pad(len(out))


def write_ballast(path, size_bytes, seed=1):
    """A well-formed GGUF of about `size_bytes`: right header, one F32 tensor of noise. Nothing can run it; a store can keep it."""
    noise = random.Random(seed).randbytes(1 << 20)
    count = size_bytes // 4
    pairs = [metadata("general.architecture", STRING, "llama"), metadata("general.name", STRING, f"ballast {seed}"),
             metadata("llama.context_length", UINT32, 512), metadata("llama.embedding_length", UINT32, 64),
             metadata("llama.block_count", UINT32, 1)]
    with open(path, "wb") as out:
        out.write(header(pairs, [("token_embd.weight", [count], 0, 0)]))
        left, block = count * 4, 0
        while left > 0:
            piece = struct.pack("<Q", block) + noise[8:]  # each MiB differs: a shifted copy cannot pass
            out.write(piece[:left])
            left -= len(piece)
            block += 1
    return Path(path)

