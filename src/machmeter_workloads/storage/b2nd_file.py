"""Compressed float16 in tiles of 32 x 32 pixels with all their bands, so that a window costs little."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import blosc2
import numpy as np

from machmeter_workloads.errors import DamagedFileError, UnfitSizeError
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
from machmeter_workloads.storage.widening import as_tensor, widen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from machmeter_workloads.storage.source import OpenFile, Source
    from machmeter_workloads.storage.widening import FloatTarget

MAGIC = b"mm-b2nd1"
VALUE = np.dtype("<f2")
ENTRY = np.dtype([("offset", "<u8"), ("length", "<u4"), ("checksum", "<u8")])
#: Pixels along the side of a tile. It belongs to the format's first version.
TILE = 32
LEVEL = 9


class Window(NamedTuple):
    """A rectangle of pixels."""

    top: int
    left: int
    height: int
    width: int


class _Piece(NamedTuple):
    """Where a tile and a window overlap: rows and columns in the one and in the other."""

    number: int
    of_tile: tuple[slice, slice]
    of_window: tuple[slice, slice]


def write_b2nd(path: Path, cube: NDArray[np.floating]) -> None:
    """Write a cube as a Blosc2 array of float16 in the order (bands, H, W), chunked by ``TILE`` pixels.

    ``blosc2.open`` reads the file. Behind what it reads stands our own table, which lets a reader take single
    chunks, check them, and leave the array's metadata alone: for each chunk its offset (uint64), compressed
    length (uint32) and checksum (uint64), then format and version (8 bytes), bands, height, width (uint32),
    and the checksum of all this (uint64); little-endian. A chunk of zeros alone is not stored: its length is
    0.

    Parameters
    ----------
    path : Path
        Usually ending in ``.b2nd``.
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
    tile = _tile_shape(values.shape)
    array = blosc2.asarray(
        values,
        chunks=tile,
        blocks=tile,
        cparams={
            "codec": blosc2.Codec.LZ4,
            "filters": [blosc2.Filter.BITSHUFFLE],
            "filters_meta": [0],
            "clevel": LEVEL,
            "typesize": VALUE.itemsize,
            "nthreads": 1,
        },
    )
    frame = array.to_cframe()
    table = _chunk_table(frame, [array.schunk.get_chunk(n) for n in range(array.schunk.nchunks)])
    write_atomically(path, [frame, seal(table.tobytes() + pack_head(MAGIC, values.shape))])


def read_b2nd(path: Path, source: Source = UNLIMITED) -> NDArray[np.float16]:
    """Read a cube and check it.

    Parameters
    ----------
    path : Path
        Written by ``write_b2nd``.
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
    with source.open(path) as file:
        tiles = Tiles(file)
        _, height, width = tiles.shape
        return tiles.read(Window(0, 0, height, width)).transpose(1, 2, 0)


def read_window(
    path: Path, top: int, left: int, height: int, width: int, source: Source = UNLIMITED
) -> NDArray[np.float16]:
    """Read a window, decompressing only the tiles that it touches, and check these.

    Parameters
    ----------
    path : Path
        Written by ``write_b2nd``.
    top, left, height, width : int
        Pixels.
    source : Source
        Where the bytes come from.

    Returns
    -------
    ndarray, shape (bands, height, width), float16
        Contiguous.

    Raises
    ------
    UnfitSizeError
        The window reaches out of the cube.
    DamagedFileError
        The file is cut off or changed, or holds something else.
    MissingDataError, UnreadableError
        It is not there, or may not be read.
    """
    with source.open(path) as file:
        return Tiles(file).read(Window(top, left, height, width))


class Tiles:
    """A file of tiles that is open.

    Parameters
    ----------
    file : OpenFile
        What ``Source.open`` gives; stays the caller's.

    Attributes
    ----------
    shape : tuple of int
        Bands, height, width.

    Raises
    ------
    DamagedFileError
        The file is cut off, or holds something else.
    """

    def __init__(self, file: OpenFile) -> None:
        end = HEAD.size + SEAL.size
        if file.size < end:
            raise DamagedFileError.of(file.path, f"it ends after {file.size} bytes")
        head = file.read(HEAD.size, file.size - end)
        self.shape: Shape = read_head(file.path, head, MAGIC)
        self._tile = _tile_shape(self.shape)
        self._columns = -(-self.shape[2] // TILE)
        count = -(-self.shape[1] // TILE) * self._columns
        # Before the table is read: a forged shape asks for any length.
        if file.size < count * ENTRY.itemsize + end:
            raise DamagedFileError.of(file.path, f"it is too short for {count} tiles")
        sealed = file.read(count * ENTRY.itemsize + end, file.size - count * ENTRY.itemsize - end)
        check_seal(file.path, sealed)
        self._table: list[tuple[int, int, int]] = np.frombuffer(sealed, ENTRY, count).tolist()
        self._file = file
        self._spare: memoryview | None = None

    def read(self, window: Window) -> NDArray[np.float16]:
        """Read a window.

        Parameters
        ----------
        window : Window
            Inside the cube.

        Returns
        -------
        ndarray, shape (bands, window.height, window.width), float16
            Contiguous.

        Raises
        ------
        UnfitSizeError
            The window reaches out of the cube.
        DamagedFileError
            A tile is damaged.
        """
        pieces = self._pieces(window)
        values = np.empty((self.shape[0], window.height, window.width), VALUE)
        scratch = np.empty(math.prod(self._tile), VALUE)
        for piece in pieces:
            values[:, *piece.of_window] = self._decode(piece.number, scratch)[:, *piece.of_tile]
        return values

    def decode_into(
        self, target: FloatTarget, top: int, left: int, scratch: NDArray[np.float16] | None = None
    ) -> None:
        """Decompress a window tile by tile, and widen each into the target.

        Other threads of Python run meanwhile if ``blosc2.set_releasegil(True)`` was called.

        Parameters
        ----------
        target : Tensor or ndarray, shape (bands, height, width), float32
            Decides the window's size.
        top, left : int
            The window's place in the cube.
        scratch : ndarray, one-dimensional, float16, optional
            At least ``TILE`` * ``TILE`` * bands values; to be used again, one for each thread.

        Raises
        ------
        UnfitSizeError
            The window reaches out of the cube.
        DamagedFileError
            The cube has another number of bands, or a tile is damaged.
        """
        bands, height, width = target.shape
        require_shape(self._file.path, self.shape[:1], (bands,))
        tensor = as_tensor(target)
        scratch = np.empty(math.prod(self._tile), VALUE) if scratch is None else scratch
        for piece in self._pieces(Window(top, left, height, width)):
            widen(tensor[:, *piece.of_window], self._decode(piece.number, scratch)[:, *piece.of_tile])

    def _pieces(self, window: Window) -> Iterator[_Piece]:
        _, height, width = self.shape
        if not (0 <= window.top <= height - window.height and 0 <= window.left <= width - window.width):
            raise UnfitSizeError(
                f"{window} reaches out of {self._file.path}, which has {height} x {width} pixels.",
                "A window is cut out of one cube.",
                "Choose a smaller one.",
            )
        return (
            _Piece(row * self._columns + column, (in_tile_y, in_tile_x), (in_window_y, in_window_x))
            for row, in_tile_y, in_window_y in _overlaps(window.top, window.height)
            for column, in_tile_x, in_window_x in _overlaps(window.left, window.width)
        )

    def _decode(self, number: int, scratch: NDArray[np.float16]) -> NDArray[np.float16]:
        offset, length, expected = self._table[number]
        values = scratch[: math.prod(self._tile)]
        if length == 0:
            values[:] = 0
        else:
            chunk = self._file.read(length, offset, self._spare)
            if self._spare is None or len(self._spare) < length:
                self._spare = chunk
            if checksum(chunk) != expected:
                raise DamagedFileError.of(self._file.path, f"the checksum of its tile {number} does not fit")
            decompress_into(self._file.path, chunk, values)
        return values.reshape(self._tile)


def _tile_shape(shape: Shape) -> Shape:
    bands, height, width = shape
    return bands, min(TILE, height), min(TILE, width)


def _overlaps(start: int, length: int) -> Iterator[tuple[int, slice, slice]]:
    """Walk along one axis: the number of each tile, what is used of it, and where in the window that goes."""
    for number in range(start // TILE, -(-(start + length) // TILE)):
        first, last = max(start, number * TILE), min(start + length, (number + 1) * TILE)
        yield number, slice(first - number * TILE, last - number * TILE), slice(first - start, last - start)


def _chunk_table(frame: bytes, chunks: list[bytes]) -> NDArray[np.void]:
    table = np.zeros(len(chunks), ENTRY)
    end = 0
    for entry, chunk in zip(table, chunks, strict=True):
        # Blosc2 keeps no bytes of a chunk of zeros, only a mark in its index.
        if np.frombuffer(blosc2.decompress2(chunk), np.uint8).any():
            start = frame.index(chunk, end)
            end = start + len(chunk)
            entry["offset"], entry["length"], entry["checksum"] = start, len(chunk), checksum(chunk)
    return table
