"""Compressed float16 in pieces that fit into a processor's own cache, decoded and widened one by one."""

from __future__ import annotations

import contextlib
import itertools
import math
from typing import TYPE_CHECKING

import blosc2
import numpy as np

from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.storage.atomic import write_atomically
from machmeter_workloads.storage.blosc_buffer import decompress_into
from machmeter_workloads.storage.half_precision import bands_first
from machmeter_workloads.storage.header import (
    HEAD,
    SEAL,
    Shape,
    check_seal,
    checksum,
    pack_head,
    read_head,
    require_shape,
    seal,
)
from machmeter_workloads.storage.source import UNLIMITED
from machmeter_workloads.storage.widening import flat, widen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from machmeter_workloads.storage.source import OpenFile, Source
    from machmeter_workloads.storage.widening import FloatTarget

    #: Takes offset and length, gives these bytes of the file.
    Fetch = Callable[[int, int], memoryview]

MAGIC = b"mm-lz4-1"
VALUE = np.dtype("<f2")
ENTRY = np.dtype([("length", "<u4"), ("checksum", "<u8")])
#: Values in a chunk: a MiB, which a second-level cache holds. It belongs to the format's first version.
CHUNK_VALUES = 1 << 19
# Said explicitly, because the library's own choice may differ between computers and versions.
BLOCK_BYTES = 1 << 16
LEVEL = 9


def write_lz4_16(path: Path, cube: NDArray[np.floating]) -> None:
    """Write a cube as chunks of float16 in the order (bands, H, W): LZ4 after a bit shuffle.

    The header: format and version (8 bytes), bands, height, width (uint32), for each chunk its compressed
    length (uint32) and the checksum of its compressed bytes (uint64), and the header's own checksum (uint64);
    little-endian. Then follow the chunks, each one Blosc2 buffer of ``CHUNK_VALUES`` values, the last one of
    what is left. The same cube gives the same bytes: one thread compresses.

    Parameters
    ----------
    path : Path
        Usually ending in ``.lz4``.
    cube : ndarray, shape (H, W, bands), float16 or float32
        Any strides.

    Raises
    ------
    UnfitValuesError
        A value is not finite, or larger than 65504.
    UnwritableError
        The disk is full, or the folder may not be written.
    """
    values = bands_first(path, cube).astype(VALUE, copy=False)
    row = values.reshape(-1)
    chunks = [_compressed(row[start : start + CHUNK_VALUES]) for start in range(0, len(row), CHUNK_VALUES)]
    table = np.array([(len(chunk), checksum(chunk)) for chunk in chunks], ENTRY)
    write_atomically(path, [seal(pack_head(MAGIC, values.shape) + table.tobytes()), *chunks])


def read_lz4_16(path: Path, source: Source = UNLIMITED) -> NDArray[np.float16]:
    """Read a cube and check it.

    Parameters
    ----------
    path : Path
        Written by ``write_lz4_16``.
    source : Source
        Where the bytes come from.

    Returns
    -------
    ndarray, shape (H, W, bands), float16
        In memory it lies as (bands, H, W).

    Raises
    ------
    DamagedFileError
        The file is cut off or changed, or holds something else.
    MissingDataError, UnreadableError
        It is not there, or may not be read.
    """
    with stream_lz4_16(path, source) as chunks:
        values = np.empty(chunks.shape, VALUE)
        chunks.decode_half_into(values)
    return values.transpose(1, 2, 0)


def new_scratch() -> NDArray[np.float16]:
    """Allocate what a thread decodes into.

    Returns
    -------
    ndarray, shape (CHUNK_VALUES,), float16
        One chunk.
    """
    return np.empty(CHUNK_VALUES, VALUE)


class Lz4Chunks:
    """A compressed cube, made by ``open_lz4_16`` or ``stream_lz4_16``.

    Parameters
    ----------
    path : Path
        The file, for errors.
    size : int
        Of the file, bytes.
    fetch : callable
        Takes offset and length, gives these bytes of the file; they need to stay only until the next call.

    Attributes
    ----------
    shape : tuple of int
        Bands, height, width.

    Raises
    ------
    DamagedFileError
        The file is cut off or changed, or holds something else.
    """

    def __init__(self, path: Path, size: int, fetch: Fetch) -> None:
        self._path = path
        self._fetch = fetch
        self._require(size, HEAD.size)
        self.shape: Shape = read_head(path, fetch(0, HEAD.size), MAGIC)
        count = -(-math.prod(self.shape) // CHUNK_VALUES)
        header = HEAD.size + count * ENTRY.itemsize + SEAL.size
        # Before the table is read: a forged shape asks for any length.
        self._require(size, header)
        sealed = fetch(0, header)
        check_seal(path, sealed)
        table = np.frombuffer(sealed, ENTRY, count, HEAD.size)
        self._lengths: list[int] = table["length"].tolist()
        self._checksums: list[int] = table["checksum"].tolist()
        self._starts = list(itertools.accumulate(self._lengths, initial=header))
        if self._starts[-1] != size:
            raise DamagedFileError.of(path, f"it holds {size} of {self._starts[-1]} bytes")

    def decode_into(
        self, target: FloatTarget, scratch: NDArray[np.float16] | None = None, *, verify: bool = True
    ) -> None:
        """Decompress chunk by chunk, and widen each into the target while it is in the processor's cache.

        Other threads of Python run meanwhile if ``blosc2.set_releasegil(True)`` was called.

        Parameters
        ----------
        target : Tensor or ndarray, shape (bands, H, W), float32
            Contiguous.
        scratch : ndarray, one-dimensional, float16, optional
            At least one chunk, ``new_scratch()``; to be used again, one for each thread.
        verify : bool
            Whether the checksum of each chunk is computed and compared.

        Raises
        ------
        DamagedFileError
            The target has another shape, or a chunk is damaged.
        """
        require_shape(self._path, self.shape, target.shape)
        row = flat(target)
        scratch = new_scratch() if scratch is None else scratch
        for number, start in enumerate(range(0, len(row), CHUNK_VALUES)):
            values = scratch[: min(CHUNK_VALUES, len(row) - start)]
            self._decode(number, values, verify=verify)
            widen(row[start : start + len(values)], values)

    def decode_half_into(self, target: NDArray[np.float16], *, verify: bool = True) -> None:
        """Decompress without widening.

        Parameters
        ----------
        target : ndarray, shape (bands, H, W), float16
            Contiguous.
        verify : bool
            Whether the checksum of each chunk is computed and compared.

        Raises
        ------
        DamagedFileError
            The target has another shape, or a chunk is damaged.
        """
        require_shape(self._path, self.shape, target.shape)
        # Fails where reshape(-1) would fill a copy: the target is not contiguous.
        row = np.frombuffer(target, VALUE)
        for number, start in enumerate(range(0, len(row), CHUNK_VALUES)):
            self._decode(number, row[start : start + CHUNK_VALUES], verify=verify)

    def _decode(self, number: int, values: NDArray[np.float16], *, verify: bool) -> None:
        chunk = self._fetch(self._starts[number], self._lengths[number])
        if verify and checksum(chunk) != self._checksums[number]:
            raise DamagedFileError.of(self._path, f"the checksum of its chunk {number} does not fit")
        decompress_into(self._path, chunk, values)

    def _require(self, size: int, header: int) -> None:
        if size < header:
            raise DamagedFileError.of(self._path, f"it ends after {size} of {header} bytes of its header")


def open_lz4_16(content: bytes | bytearray | memoryview, path: Path) -> Lz4Chunks:
    """Look into the bytes of a file without decompressing them.

    Parameters
    ----------
    content : bytes, bytearray or memoryview
        The whole file; kept by what is returned.
    path : Path
        The file, for errors.

    Returns
    -------
    Lz4Chunks

    Raises
    ------
    DamagedFileError
        The file is cut off or changed, or holds something else.
    """
    view = memoryview(content)
    return Lz4Chunks(path, len(view), lambda offset, length: view[offset : offset + length])


@contextlib.contextmanager
def stream_lz4_16(
    path: Path, source: Source = UNLIMITED, spare: memoryview | None = None
) -> Iterator[Lz4Chunks]:
    """Open a file whose chunks are read one by one, just before each is decompressed.

    A thread then needs one compressed chunk instead of the whole file, its bytes are in the processor's cache
    when they are decompressed, and the kernel reads ahead meanwhile.

    Parameters
    ----------
    path : Path
        Written by ``write_lz4_16``.
    source : Source
        Where the bytes come from.
    spare : memoryview, optional
        Memory for one compressed chunk, to be used again; new memory for each file if it is not given.

    Yields
    ------
    Lz4Chunks
        Until the block ends.

    Raises
    ------
    DamagedFileError
        The file is cut off or changed, or holds something else.
    MissingDataError, UnreadableError
        It is not there, or may not be read.
    """
    with source.open(path) as file:
        yield Lz4Chunks(path, file.size, _fetcher(file, spare))


def _fetcher(file: OpenFile, spare: memoryview | None) -> Fetch:
    def fetch(offset: int, length: int) -> memoryview:
        nonlocal spare
        content = file.read(length, offset, spare)
        if spare is None or len(spare) < length:
            spare = content
        return content

    return fetch


def _compressed(values: NDArray[np.float16]) -> bytes:
    return blosc2.compress2(
        values,
        codec=blosc2.Codec.LZ4,
        filters=[blosc2.Filter.BITSHUFFLE],
        filters_meta=[0],
        typesize=VALUE.itemsize,
        clevel=LEVEL,
        blocksize=BLOCK_BYTES,
        nthreads=1,
    )
