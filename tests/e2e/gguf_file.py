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
    return _write(path, llama_keys(seed), "token_embd.weight", size_bytes, seed)


def write_shard(path, size_bytes, shard, count):
    """One file of a split model; `shard` counts from 0."""
    split = [metadata("split.no", UINT32, shard), metadata("split.count", UINT32, count)]
    return _write(path, llama_keys(shard) + split, f"blk.{shard}.weight", size_bytes, 100 + shard)


def write_projector(path, size_bytes):
    """An mmproj, by its architecture."""
    pairs = [metadata("general.architecture", STRING, "clip"), metadata("general.type", STRING, "mmproj")]
    return _write(path, pairs, "v.patch_embd.weight", size_bytes, 200)


def llama_keys(seed):
    return [metadata("general.architecture", STRING, "llama"), metadata("general.name", STRING, f"ballast {seed}"),
            metadata("llama.context_length", UINT32, 512), metadata("llama.embedding_length", UINT32, 64),
            metadata("llama.block_count", UINT32, 1)]


def _write(path, pairs, tensor, size_bytes, seed):
    noise = random.Random(seed).randbytes(1 << 20)
    count = size_bytes // 4
    with open(path, "wb") as out:
        out.write(header(pairs, [(tensor, [count], 0, 0)]))
        left, block = count * 4, 0
        while left > 0:
            piece = struct.pack("<Q", block) + noise[8:]  # each MiB differs: a shifted copy cannot pass
            out.write(piece[:left])
            left -= len(piece)
            block += 1
    return Path(path)

