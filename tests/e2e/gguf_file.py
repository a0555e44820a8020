"""Just enough GGUF to make files for tests: a writer, and a splitter that does what llama-gguf-split does."""
import struct
from pathlib import Path

ALIGNMENT = 32
UINT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64 = 2, 4, 5, 6, 7, 8, 9, 10
FIXED = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


def _text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def _value(kind, value):
    if kind == STRING:
        return _text(value)
    return struct.pack({UINT16: "<H", UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<B", UINT64: "<Q"}[kind], value)


def metadata(key, kind, value):
    """One key with its value, as bytes."""
    return _text(key) + struct.pack("<I", kind) + _value(kind, value)


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
    import random
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


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, form):
        value = struct.unpack_from("<" + form, self.data, self.at)[0]
        self.at += struct.calcsize(form)
        return value

    def text(self):
        size = self.number("Q")
        self.at += size
        return self.data[self.at - size:self.at].decode()

    def skip_value(self, kind):
        if kind == STRING:
            self.text()
        elif kind == ARRAY:
            inner, count = self.number("I"), self.number("Q")
            if inner in FIXED:
                self.at += FIXED[inner] * count
            else:
                for _ in range(count):
                    self.skip_value(inner)
        else:
            self.at += FIXED[kind]


def split(path, prefix, shards):
    """Splits a model into `PREFIX-0000N-of-0000M.gguf`. @return their paths, in order"""
    data = Path(path).read_bytes()
    reader = _Reader(data)
    reader.at = 8
    tensor_count, pair_count = reader.number("Q"), reader.number("Q")
    pairs = []
    for _ in range(pair_count):
        start = reader.at
        key = reader.text()
        reader.skip_value(reader.number("I"))
        if not key.startswith("split."):
            pairs.append(data[start:reader.at])
    tensors = []
    for _ in range(tensor_count):
        name, rank = reader.text(), reader.number("I")
        dims = [reader.number("Q") for _ in range(rank)]
        tensors.append([name, dims, reader.number("I"), reader.number("Q")])
    base = reader.at + _pad(reader.at)
    ends = sorted([t[3] for t in tensors] + [len(data) - base])
    following = {offset: ends[ends.index(offset) + 1] for offset in ends[:-1]}

    def share(number):
        return tensors[number * tensor_count // shards:(number + 1) * tensor_count // shards]

    paths = []
    for number in range(shards):
        mine, infos, blobs, offset = share(number), [], [], 0
        for name, dims, kind, old in mine:
            blob = data[base + old:base + following[old]]
            infos.append((name, dims, kind, offset))
            blobs.append(blob + b"\0" * _pad(len(blob)))
            offset += len(blobs[-1])
        marks = [metadata("split.no", UINT16, number), metadata("split.count", UINT16, shards),
                 metadata("split.tensors.count", INT32, tensor_count)]
        out = Path(f"{prefix}-{number + 1:05}-of-{shards:05}.gguf")
        out.write_bytes(header((pairs if number == 0 else []) + marks, infos) + b"".join(blobs))
        paths.append(out)
    return paths
