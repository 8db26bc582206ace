"""Runs of blocks out of a Blosc1 file, so that a cube is decoded in pieces that stay in the cache."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.storage.blosc_buffer import HEADER_BYTES, decompress_into
from machmeter_workloads.storage.blosc_file import BLOSC1_VERSION, EXTENDED_FLAGS, open_blosc
from machmeter_workloads.storage.header import require_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from machmeter_workloads.loaders.scratch import Scratch
    from machmeter_workloads.storage.source import OpenFile

# Room for the header of the file, that of the buffer, and the places of a thousand blocks.
PREFIX_BYTES = 4096
# Version, codec version, flags, type size; then uncompressed bytes, those of a block, compressed bytes.
BLOSC1_HEADER = struct.Struct("<4B3I")
STORED_FLAG = 0b10
PLACE = np.dtype("<u4")
# Bytes of a float32: pieces of a file end between two values.
LARGEST_VALUE = 4


@dataclass(frozen=True)
class BloscBlocks:
    """Where the blocks of an open file lie.

    A run of blocks is a Blosc1 buffer itself, once a header and the blocks' moved places stand before it.
    Source of the layout: README_CHUNK_FORMAT.rst of Blosc/c-blosc.

    Parameters
    ----------
    file : OpenFile
        Must stay open as long as anything is decoded.
    offset : int
        Where in the file the buffer begins, bytes.
    header : tuple of int
        The fields of ``BLOSC1_HEADER``.
    edges : ndarray, shape (blocks + 1,), int64
        Where each block begins and the last one ends, bytes from ``offset``.
    block_bytes : int
        Uncompressed bytes of a block; the last one may hold less.
    """

    file: OpenFile
    offset: int
    header: tuple[int, ...]
    edges: NDArray[np.int64]
    block_bytes: int

    @property
    def total_bytes(self) -> int:
        """Uncompressed bytes of the whole file."""
        return self.header[4]

    def cover(self, first: int, last: int) -> tuple[int, int]:
        """Extend a range of uncompressed bytes to whole blocks.

        Parameters
        ----------
        first, last : int
            Bytes that are wanted.

        Returns
        -------
        start, stop : int
            Where the blocks that hold them begin and end.
        """
        total, block = self.total_bytes, self.block_bytes
        start, stop = first - first % block, last + -last % block
        # Blosc packs a short last block in another way, and takes it for one only behind a whole one.
        if start + block > total:
            start = max(0, start - block)
        return start, total if stop + block > total else stop

    def runs(self, piece_bytes: int, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Divide a range of whole blocks into runs.

        Parameters
        ----------
        piece_bytes : int
            What a run should hold about; it is at least one block.
        start, stop : int
            Uncompressed bytes, as ``cover`` gives them; the whole file is such a range.

        Yields
        ------
        start, stop : int
            Uncompressed bytes, one run after the other.
        """
        step = max(1, piece_bytes // self.block_bytes) * self.block_bytes
        while start < stop:
            _, end = self.cover(start, min(start + step, stop))
            yield start, end
            start = end

    def decode(self, start: int, target: memoryview, scratch: Scratch) -> None:
        """Read and decompress one run.

        Parameters
        ----------
        start : int
            Its first uncompressed byte.
        target : memoryview
            Writable bytes, as many as the run has.
        scratch : Scratch
            Holds the compressed bytes.

        Raises
        ------
        DamagedFileError
            The file ends too early, or its bytes do not decompress.
        UnreadableError
            The storage failed.
        """
        if len(target) == self.total_bytes:
            buffer = scratch.bytes("compressed", self.header[6])
            self.file.read_into(buffer, self.offset)
        else:
            buffer = self._run(start, len(target), scratch)
        decompress_into(self.file.path, buffer, target)

    def _run(self, start: int, count: int, scratch: Scratch) -> memoryview:
        first, blocks = start // self.block_bytes, -(-count // self.block_bytes)
        edges = self.edges[first : first + blocks + 1]
        table = HEADER_BYTES + blocks * PLACE.itemsize
        buffer = scratch.bytes("compressed", table + int(edges[-1] - edges[0]))
        BLOSC1_HEADER.pack_into(buffer, 0, *self.header[:4], count, self.block_bytes, len(buffer))
        buffer[HEADER_BYTES:table] = (edges[:-1] - edges[0] + table).astype(PLACE).tobytes()
        self.file.read_into(buffer[table:], self.offset + int(edges[0]))
        return buffer


class BlockReader:
    """Looks where the blocks lie in the files of one series.

    Such files begin with the same bytes, a pickled shape and dtype, which are unpickled once.

    Parameters
    ----------
    shape : tuple of int
        What every file must hold.
    dtype : numpy.dtype
        Likewise.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
        self._shape = shape
        self._dtype = dtype
        self._bytes = math.prod(shape) * dtype.itemsize
        self._known = b""

    def look(self, file: OpenFile, scratch: Scratch) -> BloscBlocks:
        """Find the blocks of a file.

        Parameters
        ----------
        file : OpenFile
            Written by ``write_blosc``, or by HTC for a single array.
        scratch : Scratch
            Holds the beginning of the file.

        Returns
        -------
        BloscBlocks

        Raises
        ------
        DamagedFileError
            The file is cut off, or holds something else, or another shape or dtype.
        UnreadableError
            The storage failed.
        """
        prefix = file.read(min(file.size, PREFIX_BYTES), spare=scratch.bytes("prefix", PREFIX_BYTES))
        known = self._known
        if not known or prefix[: len(known)] != known:
            known = self._known = self._unpickle(file)
        return _find_blocks(file, prefix, len(known), self._bytes)

    def _unpickle(self, file: OpenFile) -> bytes:
        """Look into a file as a whole, and give what stands before its buffer."""
        content = file.read(file.size)
        stored = open_blosc(content, file.path)
        require_shape(file.path, stored.shape, self._shape)
        if stored.dtype != self._dtype:
            raise DamagedFileError.of(file.path, f"it holds {stored.dtype} instead of {self._dtype}")
        return bytes(content[: len(content) - len(stored.buffer)])


def _find_blocks(file: OpenFile, prefix: memoryview, offset: int, expected: int) -> BloscBlocks:
    if len(prefix) < offset + HEADER_BYTES:
        raise DamagedFileError.of(file.path, f"{len(prefix) - offset} bytes follow its header")
    header = BLOSC1_HEADER.unpack_from(prefix, offset)
    version, _, flags, _, total, block_bytes, compressed = header
    if version > BLOSC1_VERSION or flags & EXTENDED_FLAGS == EXTENDED_FLAGS:
        raise DamagedFileError.of(file.path, "its compressed bytes are not those of Blosc1")
    if total != expected:
        raise DamagedFileError.of(file.path, f"it promises {expected} bytes and holds {total}")
    if compressed != file.size - offset:
        raise DamagedFileError.of(
            file.path, f"it holds {file.size - offset} of {compressed} compressed bytes"
        )
    edges = _find_edges(file, prefix, offset, header)
    if edges is None:
        # What cannot be divided is a single block.
        return BloscBlocks(file, offset, header, np.array([0, compressed]), total)
    return BloscBlocks(file, offset, header, edges, block_bytes)


def _find_edges(
    file: OpenFile, prefix: memoryview, offset: int, header: tuple[int, ...]
) -> NDArray[np.int64] | None:
    """Read where the blocks begin; None if the bytes are stored as they are, or the blocks in any order."""
    _, _, flags, _, total, block_bytes, compressed = header
    if flags & STORED_FLAG or not LARGEST_VALUE <= block_bytes <= total or block_bytes % LARGEST_VALUE:
        return None
    begin = offset + HEADER_BYTES
    length = -(-total // block_bytes) * PLACE.itemsize
    if begin + length > file.size:
        raise DamagedFileError.of(file.path, f"it ends within the places of its {length // 4} blocks")
    inside = begin + length <= len(prefix)
    table = prefix[begin : begin + length] if inside else file.read(length, begin)
    edges = np.append(np.frombuffer(table, PLACE).astype(np.int64), compressed)
    # Several threads of a writer leave the blocks in the order in which they finished.
    ordered = edges[0] >= HEADER_BYTES + length and bool((np.diff(edges) > 0).all())
    return edges if ordered else None
