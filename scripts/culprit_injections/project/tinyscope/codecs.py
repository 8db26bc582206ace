"""Strips of pixels and masks as bytes, and back."""

import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

_CHECK = struct.Struct("<I")
_MODULUS = 65521
_LOW_BITS = 0x7F
_MORE = 0x80


@lru_cache(maxsize=128)
def _weights(length: int) -> np.ndarray:
    steps = np.arange(1, length + 1, dtype=np.uint64)
    return (steps * steps % _MODULUS).astype(np.uint32)


def checksum(payload: bytes | memoryview) -> int:
    """Return a sum of the bytes and of their positions."""
    data = np.frombuffer(payload, np.uint8)
    plain = int(data.sum(dtype=np.uint64)) % _MODULUS
    weighted = int((_weights(len(data)) * data).sum(dtype=np.uint64)) % _MODULUS
    return plain | weighted << 16


def split_planes(pixels: np.ndarray) -> bytes:
    """Return the low bytes of 16-bit pixels, then the high ones."""
    return (pixels & 0xFF).astype(np.uint8).tobytes() + (pixels >> 8).astype(np.uint8).tobytes()


def join_planes(data: bytes, shape: tuple[int, int]) -> np.ndarray:
    """Return 16-bit pixels of their low and high bytes."""
    low, high = np.frombuffer(data, np.uint8).reshape(2, *shape)
    pixels = high.astype(np.uint16)
    pixels <<= 8
    pixels |= low
    return pixels


def delta(pixels: np.ndarray) -> np.ndarray:
    """Return the difference of each pixel to its left neighbour, modulo 65536."""
    differences = pixels.copy()
    differences[:, 1:] -= pixels[:, :-1]
    return differences


def undo_delta(differences: np.ndarray) -> np.ndarray:
    """Return the pixels of their differences."""
    return np.cumsum(differences, axis=1, dtype=np.uint16)


def encode_strip(pixels: np.ndarray) -> bytes:
    """Compress rows of 16-bit pixels."""
    body = zlib.compress(split_planes(delta(pixels)), 6)
    return _CHECK.pack(checksum(body)) + body


def decode_strip(payload: memoryview, shape: tuple[int, int]) -> np.ndarray:
    """Decompress rows of 16-bit pixels; raise ValueError where they are damaged."""
    (expected,) = _CHECK.unpack_from(payload)
    body = payload[_CHECK.size :]
    if checksum(body) != expected:
        raise ValueError("A strip is damaged.")
    return undo_delta(join_planes(inflate(body), shape))


def inflate(body: memoryview) -> bytes:
    """Decompress a payload."""
    return zlib.decompress(body)


def integers(payload: bytes | memoryview) -> Iterator[int]:
    """Yield integers of seven bits a byte, low bits first."""
    number = shift = 0
    for byte in bytes(payload):
        number |= (byte & _LOW_BITS) << shift
        if byte & _MORE:
            shift += 7
        else:
            yield number
            number = shift = 0


def encode_runs(mask: np.ndarray) -> bytes:
    """Write a mask as the lengths of its runs, background first."""
    flat = np.concatenate(([0], mask.ravel() != 0, [0])).astype(np.int8)
    edges = np.flatnonzero(np.diff(flat))
    ends = np.concatenate(([0], edges, [mask.size]))
    encoded = bytearray()
    for length in np.diff(ends).tolist():
        rest = length
        while rest > _LOW_BITS:
            encoded.append(rest & _LOW_BITS | _MORE)
            rest >>= 7
        encoded.append(rest)
    return bytes(encoded)


def decode_runs(payload: bytes | memoryview, shape: tuple[int, int]) -> np.ndarray:
    """Read a mask."""
    lengths = list(integers(payload))
    values = np.zeros(len(lengths), bool)
    values[1::2] = True
    return np.repeat(values, lengths).reshape(shape)
