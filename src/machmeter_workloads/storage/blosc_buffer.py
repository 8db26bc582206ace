"""Decompressing one Blosc buffer, after a look at what it promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import blosc2

from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.storage.source import as_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from machmeter_workloads.storage.source import Memory

HEADER_BYTES = 16


def decompress_into(path: Path, buffer: memoryview, target: Memory) -> None:
    """Decompress with one thread, straight into memory that is there.

    Other threads of Python run meanwhile if ``blosc2.set_releasegil(True)`` was called.

    Parameters
    ----------
    path : Path
        The file, for the error.
    buffer : memoryview
        One compressed buffer, of Blosc1 or Blosc2.
    target : writable, contiguous buffer
        Filled to the end.

    Raises
    ------
    DamagedFileError
        The buffer is cut off, holds another number of bytes, or does not decompress.
    """
    memory = as_bytes(target)
    check_buffer(path, buffer, len(memory))
    try:
        blosc2.decompress2(buffer, dst=memory, nthreads=1)
    except (RuntimeError, ValueError) as error:
        raise DamagedFileError.of(path, "its compressed bytes do not decompress") from error


def check_buffer(path: Path, buffer: memoryview, expected: int) -> None:
    """Check a buffer's own header before memory is touched.

    Parameters
    ----------
    path : Path
        The file, for the error.
    buffer : memoryview
        One compressed buffer.
    expected : int
        Bytes that should come out.

    Raises
    ------
    DamagedFileError
        The buffer is cut off, or holds another number of bytes.
    """
    # Version, codec version, flags, type size, then three little-endian uint32: uncompressed bytes, block
    # bytes, compressed bytes. Blosc2 begins with the same 16 bytes.
    if len(buffer) < HEADER_BYTES:
        raise DamagedFileError.of(path, f"{len(buffer)} bytes follow its header")
    uncompressed = int.from_bytes(buffer[4:8], "little")
    compressed = int.from_bytes(buffer[12:16], "little")
    if uncompressed != expected:
        raise DamagedFileError.of(path, f"it promises {expected} bytes and holds {uncompressed}")
    if compressed != len(buffer):
        raise DamagedFileError.of(path, f"it holds {len(buffer)} of {compressed} compressed bytes")
