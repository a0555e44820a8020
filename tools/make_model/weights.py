"""Pseudo-random weights, quickly and without libraries: SHAKE-128 gives bytes, tables turn them into normally distributed numbers."""
import array
import functools
import hashlib
import statistics
import struct
from collections.abc import Callable, Collection, Iterator

from gguf import F16, F32, Tensor

CHUNK = 1 << 23  # numbers


def random_bytes(seed: str, count: int) -> bytes:
    return hashlib.shake_128(seed.encode()).digest(count)


@functools.cache
def half_table(deviation: float) -> bytes:
    """For each random byte the upper byte of a half-precision number: sign, exponent and two bits of the fraction of one 256th of the
    normal distribution. The lower byte, eight more bits of the fraction, is random itself."""
    normal = statistics.NormalDist(0, deviation)
    return bytes(struct.pack("<e", normal.inv_cdf((index + 0.5) / 256))[1] for index in range(256))


@functools.cache
def single_table(deviation: float) -> tuple[float, ...]:
    normal = statistics.NormalDist(0, deviation)
    return tuple(normal.inv_cdf((index + 0.5) / 65536) for index in range(65536))


def normal_f16(seed: str, count: int, deviation: float) -> bytearray:
    data = bytearray(2 * count)
    raw = random_bytes(seed, 2 * count)
    data[0::2] = raw[:count]
    data[1::2] = raw[count:].translate(half_table(deviation))
    return data


def normal_f32(seed: str, count: int, deviation: float) -> bytearray:
    indices = array.array("H", random_bytes(seed, 2 * count))
    return bytearray(array.array("f", map(single_table(deviation).__getitem__, indices)).tobytes())


class Weights:
    """Makes tensors whose numbers depend on the seed and on the tensor's name alone."""

    def __init__(self, seed: int, type: int):
        self.seed = seed
        self.type = type

    def _normal(self, seed: str, count: int, deviation: float) -> bytearray:
        return (normal_f16 if self.type == F16 else normal_f32)(seed, count, deviation)

    def matrix(self, name: str, columns: int, rows: int, gain: float = 1.0, deviation: float | None = None,
               zero_rows: Collection[int] = ()) -> Tensor:
        """`columns` inputs, `rows` outputs; deviation gain/√columns keeps the size of what passes through."""
        spread = deviation if deviation is not None else gain / columns**0.5
        width = 2 if self.type == F16 else 4

        def chunks() -> Iterator[bytes]:
            step = max(1, CHUNK // columns)
            for first in range(0, rows, step):
                count = min(step, rows - first)
                data = self._normal(f"{self.seed}/{name}/{first}", count * columns, spread)
                for row in range(first, first + count):
                    if row in zero_rows:
                        start = (row - first) * columns * width
                        data[start : start + columns * width] = bytes(columns * width)
                yield data

        return Tensor(name, (columns, rows), self.type, chunks)

    def vector(self, name: str, length: int, value: float = 0.0, deviation: float = 0.0) -> Tensor:
        """`value` everywhere, or normally distributed around zero."""
        make: Callable[[], bytes]
        if deviation:
            make = lambda: normal_f32(f"{self.seed}/{name}", length, deviation)
        else:
            make = lambda: struct.pack("<f", value) * length
        return Tensor(name, (length,), F32, lambda: iter([make()]))
