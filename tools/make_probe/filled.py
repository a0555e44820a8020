"""The same models with weights and a tokenizer: random blocks, repeated, so that gigabytes are written in seconds."""
import hashlib
import os
import struct

import gguf
from probe import FILE_TYPES, TYPES, Probe, Tensor
from vocabulary import byte_pair_vocabulary, word_piece_metadata

PATTERN_BYTES = 1 << 20
SMALL = struct.pack("<e", 0.0004)  # scale of a block: what passes through stays finite


def noise(seed: str, count: int) -> bytes:
    return hashlib.shake_128(seed.encode()).digest(count)


def block(type: str, random: bytes) -> bytes:
    """One block with sensible scales; `random` is as long as the block."""
    if type == "F32":
        return struct.pack("<f", (random[0] - 127.5) / 6400)
    if type == "F16":
        return struct.pack("<e", (random[0] - 127.5) / 6400)
    if type in ("Q4_K", "Q5_K"):  # scale, least value, six-bit scales, quants
        return SMALL + struct.pack("<e", 0.003) + random[4:]
    if type == "Q6_K":  # quants, signed scales, scale
        return random[:-2] + struct.pack("<e", 0.00002)
    if type == "MXFP4":  # exponent, quants
        return bytes([120]) + random[1:]
    return SMALL + random[2:]  # Q5_0, Q8_0


def pattern(type: str, seed: str) -> bytes:
    size = TYPES[type][2]
    count = PATTERN_BYTES // max(size, 64) // 4 + 7  # odd, so that rows do not repeat
    random = noise(seed, count * size)
    once = b"".join(block(type, random[at : at + size]) for at in range(0, count * size, size))
    return once * (PATTERN_BYTES // len(once) + 1)


def constant_of(name: str) -> float | None:
    """What vectors must be for the sums to stay finite."""
    if name.endswith("norm.weight") or "rope_f" in name or name.endswith(("ssm_d", "norm")):
        return 1.0
    return -1.0 if name.endswith("ssm_a") else None


def write_tensor(file, tensor: Tensor, patterns: dict[str, bytes]) -> None:
    constant = constant_of(tensor.name)
    if tensor.type == "F32" and constant is not None:
        file.write(struct.pack("<f", constant) * (tensor.size // 4))
    else:
        if tensor.type not in patterns:
            patterns[tensor.type] = pattern(tensor.type, tensor.type)
        content = patterns[tensor.type]
        for left in range(tensor.size, 0, -len(content)):
            file.write(content if left >= len(content) else content[:left])
    file.write(bytes(gguf.padding(tensor.size)))


def tokenizer(probe: Probe) -> dict:
    if probe.architecture == "clip":
        return {}  # a projector reads no text
    size = probe.metadata[f"{probe.architecture}.vocab_size"].data
    if probe.architecture.endswith("bert"):
        return word_piece_metadata(size)[1]
    return byte_pair_vocabulary(size, size - 8).metadata()


def write_filled(probe: Probe, path: str) -> None:
    metadata = {
        "general.architecture": gguf.text(probe.architecture),
        "general.description": gguf.text("Random weights, made for tests: its text has no meaning"),
        "general.file_type": gguf.uint(FILE_TYPES[probe.file_type]),
    }
    metadata |= probe.metadata | tokenizer(probe)
    head = [struct.pack("<4sIQQ", b"GGUF", 3, len(probe.tensors), len(metadata))]
    head += [gguf.encode_string(key) + gguf.encode_value(value) for key, value in metadata.items()]
    offset = 0
    for tensor in probe.tensors:
        extents = struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape)
        head.append(gguf.encode_string(tensor.name) + extents + struct.pack("<IQ", TYPES[tensor.type][0], offset))
        offset += tensor.size + gguf.padding(tensor.size)
    header = b"".join(head)
    patterns: dict[str, bytes] = {}
    with open(path, "wb") as file:
        file.write(header + bytes(gguf.padding(len(header))))
        for tensor in probe.tensors:
            write_tensor(file, tensor, patterns)
    os.chmod(path, 0o644)
