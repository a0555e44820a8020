"""A model without weights, and its file."""
import dataclasses
import os
import struct

import gguf

# ggml's type number, elements of a block, bytes of a block.
TYPES = {
    "F32": (0, 1, 4),
    "F16": (1, 1, 2),
    "Q5_0": (6, 32, 22),
    "Q8_0": (8, 32, 34),
    "Q4_K": (12, 256, 144),
    "Q5_K": (13, 256, 176),
    "Q6_K": (14, 256, 210),
    "MXFP4": (39, 32, 17),
}
# What llama.cpp's quantizer takes when a row is no whole number of blocks.
FALLBACK = {"Q4_K": "Q5_0", "Q5_K": "Q8_0", "Q6_K": "Q8_0", "Q5_0": "F16", "Q8_0": "F16", "MXFP4": "F16"}
FILE_TYPES = {"F16": 1, "Q8_0": 7, "Q4_K_M": 15, "MXFP4": 38}


@dataclasses.dataclass
class Tensor:
    name: str
    shape: tuple[int, ...]  # the row first
    type: str

    @property
    def size(self) -> int:
        count = 1
        for extent in self.shape:
            count *= extent
        _, elements, size = TYPES[self.type]
        return count // elements * size


@dataclasses.dataclass
class Probe:
    architecture: str
    file_type: str = "Q4_K_M"
    metadata: dict[str, gguf.Value] = dataclasses.field(default_factory=dict)
    tensors: list[Tensor] = dataclasses.field(default_factory=list)

    def key(self, name: str, value) -> None:
        """One of the architecture's own keys; its GGUF type follows from the Python value."""
        self.metadata[f"{self.architecture}.{name}"] = value_of(value)

    def add(self, name: str, shape: tuple[int, ...], type: str = "F32") -> None:
        while shape[0] % TYPES[type][1]:
            type = FALLBACK[type]
        self.tensors.append(Tensor(name, shape, type))


def value_of(value) -> gguf.Value:
    if isinstance(value, list):
        return gguf.array(gguf.BOOL if isinstance(value[0], bool) else gguf.UINT32, value)
    if isinstance(value, bool):
        return gguf.flag(value)
    if isinstance(value, float):
        return gguf.real(value)
    return gguf.text(value) if isinstance(value, str) else gguf.uint(value)


def write_probe(probe: Probe, path: str) -> None:
    """The header, then a hole as long as the weights."""
    metadata = {
        "general.architecture": gguf.text(probe.architecture),
        "general.file_type": gguf.uint(FILE_TYPES[probe.file_type]),
    }
    metadata |= probe.metadata
    if probe.architecture != "clip" and "tokenizer.ggml.model" not in metadata:
        metadata["tokenizer.ggml.model"] = gguf.text("none")
    head = [struct.pack("<4sIQQ", b"GGUF", 3, len(probe.tensors), len(metadata))]
    head += [gguf.encode_string(key) + gguf.encode_value(value) for key, value in metadata.items()]
    offset = 0
    for tensor in probe.tensors:
        extents = struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape)
        head.append(gguf.encode_string(tensor.name) + extents + struct.pack("<IQ", TYPES[tensor.type][0], offset))
        offset += tensor.size + gguf.padding(tensor.size)
    header = b"".join(head)
    with open(path, "wb") as file:
        file.write(header + bytes(gguf.padding(len(header))))
        file.truncate(len(header) + gguf.padding(len(header)) + offset)
    os.chmod(path, 0o644)
