#!/usr/bin/env python3
"""Writes the seeds of the GGUF fuzz target: good files, one file for each kind of bad one that llama.cpp tests its own parser
with, and one for each published flaw of GGUF readers (named by its CVE). Usage: make_gguf_seeds.py [FOLDER]"""
import struct
import sys
from pathlib import Path

U8, U16, U32, I32, F32, BOOL, STRING, ARRAY, U64, F64 = 0, 2, 4, 5, 6, 7, 8, 9, 10, 12
TYPE_F32, TYPE_Q4_K, TYPE_I8, TYPE_F64 = 0, 12, 24, 28
ALIGNMENT = 32


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def u64(value: int) -> bytes:
    return struct.pack("<Q", value % 2**64)


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return u64(len(data)) + data


def key(name: str | bytes, type: int, value: bytes) -> bytes:
    return text(name) + u32(type) + value


def array(element: int, count: int, elements: bytes = b"") -> bytes:
    return u32(element) + u64(count) + elements


def tensor(name: str, dims: list[int], type: int = TYPE_F32, offset: int = 0) -> bytes:
    return text(name) + u32(len(dims)) + b"".join(map(u64, dims)) + u32(type) + u64(offset)


def gguf(keys=(), tensors=(), data: int = 0, magic=b"GGUF", version: int = 3, tensor_count=None, key_count=None, alignment: int = ALIGNMENT) -> bytes:
    """A file as told; the two counts are the true ones unless given."""
    head = magic + u32(version) + u64(len(tensors) if tensor_count is None else tensor_count)
    head += u64(len(keys) if key_count is None else key_count) + b"".join(keys) + b"".join(tensors)
    return head + bytes(-len(head) % alignment) + bytes(data)


ARCHITECTURE = key("general.architecture", STRING, text("llama"))
ONE = [tensor("t", [8])]


def good() -> dict[str, bytes]:
    vocabulary = key("tokenizer.ggml.tokens", ARRAY, array(STRING, 3, text("<s>") + text("a") + text("b")))
    every_type = [key(f"a.{type}", type, bytes([1] * size)) for type, size in
                  ((U8, 1), (1, 1), (U16, 2), (3, 2), (U32, 4), (I32, 4), (F32, 4), (BOOL, 1), (U64, 8), (11, 8), (F64, 8))]
    arrays = [key(f"b.{type}", ARRAY, array(type, 2, bytes(2 * size))) for type, size in ((U8, 1), (U16, 2), (I32, 4), (F32, 4), (BOOL, 1), (U64, 8))]
    quantized = [tensor("q", [512, 2], TYPE_Q4_K), tensor("f", [3], offset=576)]
    numbers = {"context_length": 2048, "embedding_length": 8, "block_count": 1, "expert_count": 4, "attention.head_count": 2, "pooling_type": 1}
    model = [ARCHITECTURE, key("general.type", STRING, text("model")), *(key(f"llama.{name}", U32, u32(value)) for name, value in numbers.items()),
             vocabulary, key("tokenizer.chat_template", STRING, text("{% if tools %}<think>")), key("general.file_type", U32, u32(1024 + 15))]
    return {
        "good_empty": gguf(),
        "good_model": gguf(model, [tensor("token_embd.weight", [8, 3]), tensor("output_norm.weight", [8], offset=96)], 128),
        "good_types": gguf([ARCHITECTURE, *every_type, *arrays, vocabulary], [tensor("a", [3]), tensor("b", [2, 5], offset=32)], 72),
        "good_quantized": gguf([ARCHITECTURE, key("general.file_type", U32, u32(15))], quantized, 576 + 12),
        "good_alignment": gguf([key("general.alignment", U32, u32(64)), ARCHITECTURE], [tensor("a", [1]), tensor("b", [1], offset=64)], 68, alignment=64),
        "good_shard": gguf([ARCHITECTURE, key("split.no", U16, b"\1\0"), key("split.count", U16, b"\2\0"), key("split.tensors.count", I32, u32(9))], ONE, 32),
        "good_last_padding": gguf([ARCHITECTURE], [tensor("t", [3])], 32),
        "good_version_2": gguf([ARCHITECTURE], ONE, 32, version=2),
    }


def bad_heads() -> dict[str, bytes]:
    return {
        "magic": gguf(magic=b"GGMF"),
        "too_short": b"GGUF",
        "version_0": gguf(version=0),
        "version_1": gguf(version=1),
        "version_of_the_future": gguf(version=4),
        "big_endian": b"GGUF" + struct.pack(">IQQ", 3, 1, 1) + bytes(64),
        "tensor_count_negative": gguf(tensor_count=-1),
        "tensor_count_too_large": gguf(tensor_count=2**40),
        "key_count_negative": gguf(key_count=-1),
        "key_count_too_large": gguf(key_count=2**40),
    }


def bad_keys() -> dict[str, bytes]:
    def alignment(value: int) -> bytes:
        return gguf([key("general.alignment", U32, u32(value))], ONE, 32)

    return {
        "key_length_too_large": gguf([u64(2**40) + b"kkkk"]),
        "key_empty": gguf([key("", U32, u32(1))]),
        "key_with_odd_characters": gguf([key("a/\0", U32, u32(1))]),
        "key_twice": gguf([key("k", U32, u32(1)), key("k", U32, u32(2))]),
        "value_type_unknown": gguf([key("k", 13, bytes(8))]),
        "element_type_unknown": gguf([key("k", ARRAY, array(13, 1, bytes(8)))]),
        "array_of_arrays": gguf([key("k", ARRAY, array(ARRAY, 1, array(U32, 0)))]),
        "array_longer_than_any": gguf([key("k", ARRAY, array(U32, 2**62))]),
        "array_longer_than_the_file": gguf([key("k", ARRAY, array(U64, 1000))]),
        "text_longer_than_any": gguf([key("k", STRING, u64(2**63))]),
        "text_longer_than_the_file": gguf([key("k", STRING, u64(1000))]),
        "text_in_array_too_long": gguf([key("k", ARRAY, array(STRING, 2, text("a") + u64(2**64 - 8)))]),
        "alignment_zero": alignment(0),
        "alignment_no_power_of_two": alignment(13),
        "alignment_too_large": alignment(2**31),
        "alignment_of_another_type": gguf([key("general.alignment", U64, u64(32))], ONE, 32),
    }


def bad_tensors() -> dict[str, bytes]:
    def one(dims: list[int], type: int = TYPE_F32, data: int = 32) -> bytes:
        return gguf([ARCHITECTURE], [tensor("t", dims, type)], data)

    return {
        "tensor_name_too_long": gguf([], [tensor("t" * 64, [1])], 32),
        "tensor_name_empty": gguf([], [tensor("", [1])], 32),
        "tensor_twice": gguf([], [tensor("t", [8]), tensor("t", [8], offset=32)], 64),
        "no_dimensions": one([]),
        "too_many_dimensions": one([1, 1, 1, 1, 1]),
        "dimension_zero": one([4, 0]),
        "dimension_negative": one([-1]),
        "elements_overflow": one([2**32, 2**32], TYPE_I8),
        "bytes_overflow": one([2**62], TYPE_F64),
        "tensor_type_unknown": one([256], 43),
        "tensor_type_removed": one([256], 4),
        "row_of_half_a_block": one([128], TYPE_Q4_K, 96),
    }


def bad_data() -> dict[str, bytes]:
    def two(offset: int, data: int = 64, keys=()) -> bytes:
        return gguf(keys, [tensor("a", [8]), tensor("t", [8], offset=offset)], data)

    return {
        "offset_behind_a_hole": two(64, 96),
        "offset_not_aligned": two(33),
        "offset_over_another": two(0),
        "offset_negative": two(2**63),
        "offset_of_another_alignment": two(32, 64, [key("general.alignment", U32, u32(64))]),
        "data_missing": gguf([], ONE),
        "data_one_byte_short": gguf([], ONE, 31),
        "data_longer_than_its_tensors": gguf([ARCHITECTURE], ONE, 65),
        "data_larger_than_any_file": gguf([], [tensor("t", [2**63 - 1], TYPE_I8)], 32),
    }


def flaws() -> dict[str, bytes]:
    """What broke other readers, as the advisories describe it."""
    name = b"llama."
    half = 2**63 - 64
    return {
        "cve_2024_39720_four_bytes": b"GGUF\3\0\0\0",
        "cve_2024_8063_layers_zero": gguf([ARCHITECTURE, key(name + b"block_count", U32, u32(0)), key(name + b"attention.head_count", U32, u32(0))], ONE, 32),
        "cve_2025_0317_alignment_one": gguf([key("general.alignment", U32, u32(1)), ARCHITECTURE], [tensor("t", [3])], 12, alignment=1),
        "cve_2024_12055_layers_as_text": gguf([ARCHITECTURE, key(name + b"block_count", STRING, text("16"))], ONE, 32),
        "cve_2025_0312_null_values": gguf([ARCHITECTURE, key("tokenizer.ggml.tokens", ARRAY, array(STRING, 0)), key("general.name", STRING, text(""))]),
        "cve_2025_0313_no_architecture": gguf([key("general.file_type", U32, u32(15))], ONE, 32),
        "cve_2025_0315_strings": gguf([key("tokenizer.ggml.tokens", ARRAY, array(STRING, 2**22))], data=900),
        "cve_2025_66959_key_count": gguf([ARCHITECTURE], key_count=2**63, data=900),
        "cve_2025_66960_dimensions": gguf([ARCHITECTURE], [text("t") + u32(2**31) + bytes(64)]),
        "cve_2026_7482_one_byte_more": gguf([ARCHITECTURE], [tensor("t", [33], TYPE_I8)], 32),
        "cve_2026_5757_offset": gguf([ARCHITECTURE], [tensor("t", [8], offset=2**63 - 32)], 32),
        "cve_2024_21802_tensor_count": gguf([ARCHITECTURE], tensor_count=2**61, data=900),
        "cve_2024_21825_array": gguf([key("k", ARRAY, array(U32, 2**62 + 1, bytes(4)))]),
        "cve_2024_21836_string": gguf([key("k", STRING, u64(2**64 - 1) + b"x")]),
        "cve_2024_23496_key": gguf([u64(2**64 - 1) + b"k" + u32(U32) + u32(1)]),
        "cve_2024_23605_tensor_name": gguf([], [u64(2**64 - 1) + b"t" + u32(1) + u64(1) + u32(0) + u64(0)]),
        "cve_2024_32878_uninitialized": gguf([ARCHITECTURE, text("k") + u32(STRING)]),
        "cve_2024_41130_null_data": gguf([ARCHITECTURE], [tensor("token_embd.weight", [8])]),
        "cve_2025_53630_sum_overflows": gguf([], [tensor("a", [half], TYPE_I8), tensor("b", [half], TYPE_I8, half), tensor("c", [192], TYPE_I8, 2 * half)], 96),
        "cve_2026_27940_padding_overflows": gguf([], [tensor("a", [2**63 - 1], TYPE_I8), tensor("b", [8], offset=2**63)], 32),
        "cve_2026_33298_product_overflows": gguf([], [tensor("t", [2**32, 2**32 + 1], TYPE_I8)], 32),
    }


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "corpus/gguf")
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, seeds in (("", good()), ("bad_", bad_heads() | bad_keys() | bad_tensors() | bad_data()), ("", flaws())):
        for name, data in seeds.items():
            (folder / (prefix + name)).write_bytes(data)


if __name__ == "__main__":
    main()
