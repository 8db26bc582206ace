"""What our own file formats begin with, and the checksum that seals it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import xxhash

from machmeter_workloads.errors import DamagedFileError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

Shape = tuple[int, ...]

#: Eight bytes that name format and version, then bands, height and width.
HEAD = struct.Struct("<8s3I")
SEAL = struct.Struct("<Q")


def checksum(content: bytes | memoryview | NDArray[Any]) -> int:
    """Compute the checksum of our formats: XXH3, 64 bits, which is about as fast as reading memory.

    Parameters
    ----------
    content : contiguous buffer
        Bytes, or an array of any type.

    Returns
    -------
    int
        64 bits.
    """
    return xxhash.xxh3_64_intdigest(content)


def seal(content: bytes) -> bytes:
    """Append a checksum.

    Parameters
    ----------
    content : bytes
        A header.

    Returns
    -------
    bytes
        Eight more.
    """
    return content + SEAL.pack(checksum(content))


def check_seal(path: Path, sealed: memoryview) -> None:
    """Check what ``seal`` appended.

    Parameters
    ----------
    path : Path
        The file, for the error.
    sealed : memoryview
        Header and checksum.

    Raises
    ------
    DamagedFileError
        They do not fit each other.
    """
    content, expected = sealed[: -SEAL.size], SEAL.unpack(sealed[-SEAL.size :])[0]
    if checksum(content) != expected:
        raise DamagedFileError.of(path, "the checksum of its header does not fit")


def pack_head(magic: bytes, shape: Shape) -> bytes:
    """Write the beginning of a header.

    Parameters
    ----------
    magic : bytes
        Eight, naming format and version.
    shape : tuple of int
        Bands, height, width.

    Returns
    -------
    bytes
        ``HEAD.size``.
    """
    return HEAD.pack(magic, *shape)


def read_head(path: Path, head: memoryview, magic: bytes) -> Shape:
    """Read the beginning of a header; what it says holds only once its seal was checked.

    Parameters
    ----------
    path : Path
        The file, for the error.
    head : memoryview
        Its first ``HEAD.size`` bytes.
    magic : bytes
        Eight, naming format and version.

    Returns
    -------
    tuple of int
        Bands, height, width.

    Raises
    ------
    DamagedFileError
        It is another kind of file, or an empty cube.
    """
    found, *shape = HEAD.unpack(head)
    if found != magic:
        raise DamagedFileError.of(path, f"{found!r} stands where {magic!r} should")
    if min(shape) < 1:
        raise DamagedFileError.of(path, f"its header reads {shape} instead of bands, height and width")
    return tuple(shape)


def require_shape(path: Path, found: Shape, expected: Shape) -> None:
    """Check that a file holds a cube of the size that is loaded.

    Parameters
    ----------
    path : Path
        The file, for the error.
    found, expected : tuple of int
        Both in the same order of axes.

    Raises
    ------
    DamagedFileError
        They differ.
    """
    if tuple(found) != tuple(expected):
        raise DamagedFileError.of(path, f"its shape is {tuple(found)} instead of {tuple(expected)}")
