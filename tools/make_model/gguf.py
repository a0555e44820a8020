"""Writing GGUF version 3."""
import dataclasses
import struct
from collections.abc import Callable, Iterator

ALIGNMENT = 32
F32, F16 = 0, 1
ELEMENT_BYTES = {F32: 4, F16: 2}
UINT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 2, 4, 5, 6, 7, 8, 9


@dataclasses.dataclass
class Value:
    """A metadata value with its GGUF type; of an array: the elements' type."""

    type: int
    data: object
    is_array: bool = False


def uint(value: int) -> Value:
    return Value(UINT32, value)


def real(value: float) -> Value:
    return Value(FLOAT32, value)


def text(value: str) -> Value:
    return Value(STRING, value)


def flag(value: bool) -> Value:
    return Value(BOOL, value)


def array(type: int, values: list) -> Value:
    return Value(type, values, True)


@dataclasses.dataclass
class Tensor:
    name: str
    shape: tuple[int, ...]  # the fastest dimension first, as GGUF stores it
    type: int
    chunks: Callable[[], Iterator[bytes]]  # the bytes, in pieces

    @property
    def size(self) -> int:
        count = 1
        for extent in self.shape:
            count *= extent
        return count * ELEMENT_BYTES[self.type]


@dataclasses.dataclass
class Model:
    metadata: dict[str, Value]
    tensors: list[Tensor]


def padding(size: int) -> int:
    return -size % ALIGNMENT


def encode_string(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def encode_scalar(type: int, value) -> bytes:
    if type == STRING:
        return encode_string(value)
    return struct.pack({UINT16: "<H", UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}[type], value)


def encode_value(value: Value) -> bytes:
    if not value.is_array:
        return struct.pack("<I", value.type) + encode_scalar(value.type, value.data)
    head = struct.pack("<IIQ", ARRAY, value.type, len(value.data))
    return head + b"".join(encode_scalar(value.type, item) for item in value.data)


def write_file(path: str, metadata: dict[str, Value], tensors: list[Tensor]) -> None:
    with open(path, "wb") as file:
        head = [struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata))]
        head += [encode_string(key) + encode_value(value) for key, value in metadata.items()]
        offset = 0
        for tensor in tensors:
            extents = struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape)
            head.append(encode_string(tensor.name) + extents + struct.pack("<IQ", tensor.type, offset))
            offset += tensor.size + padding(tensor.size)
        header = b"".join(head)
        file.write(header + bytes(padding(len(header))))
        for tensor in tensors:
            written = 0
            for chunk in tensor.chunks():
                written += file.write(chunk)
            assert written == tensor.size, (tensor.name, written, tensor.size)
            file.write(bytes(padding(tensor.size)))


def split_names(output: str, parts: int) -> list[str]:
    if parts == 1:
        return [output]
    stem = output[: -len(".gguf")] if output.endswith(".gguf") else output
    return [f"{stem}-{number:05d}-of-{parts:05d}.gguf" for number in range(1, parts + 1)]


def write_gguf(model: Model, paths: list[str]) -> None:
    """One file, or as many shards as there are paths, with tensors of about equal size in each."""
    if len(paths) == 1:
        write_file(paths[0], model.metadata, model.tensors)
        return
    total = sum(tensor.size for tensor in model.tensors)
    shards: list[list[Tensor]] = [[] for _ in paths]
    done = 0
    for left, tensor in zip(range(len(model.tensors), 0, -1), model.tensors):
        index = min(done * len(paths) // total, len(paths) - 1)
        empty = sum(1 for shard in shards if not shard)
        if left <= empty:  # every shard gets a tensor
            index = len(paths) - left
        shards[index].append(tensor)
        done += tensor.size
    for number, (path, tensors) in enumerate(zip(paths, shards)):
        own = {
            "split.no": Value(UINT16, number),
            "split.count": Value(UINT16, len(paths)),
            "split.tensors.count": Value(INT32, len(model.tensors)),
        }
        write_file(path, (model.metadata if number == 0 else {}) | own, tensors)
