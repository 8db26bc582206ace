"""Uncompressed float16, band after band, so that a file can be mapped and used as it lies on the disk."""

from __future__ import annotations

import math
import mmap
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from machmeter_workloads.errors import DamagedFileError, UnreadableError
from machmeter_workloads.storage.atomic import write_atomically
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
    from pathlib import Path

    from numpy.typing import NDArray

    from machmeter_workloads.storage.source import OpenFile, Source
    from machmeter_workloads.storage.widening import FloatTarget

MAGIC = b"mm-raw16"
#: The header fills one page of memory, so that the values begin with another.
PAYLOAD_OFFSET = 4096
VALUE = np.dtype("<f2")


def write_raw16(path: Path, cube: NDArray[np.floating]) -> None:
    """Write a cube as float16 in the order (bands, H, W), behind a header of one page.

    The header: format and version (8 bytes), bands, height, width (uint32), the checksum of the values
    (uint64), zeros, and its own checksum in the last 8 bytes; little-endian throughout.

    Parameters
    ----------
    path : Path
        Usually ending in ``.raw16``.
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
    header = pack_head(MAGIC, values.shape) + SEAL.pack(checksum(values))
    header = seal(header.ljust(PAYLOAD_OFFSET - SEAL.size, b"\0"))
    write_atomically(path, [header, values.data.cast("B")])


def read_raw16(path: Path, source: Source = UNLIMITED) -> NDArray[np.float16]:
    """Read a cube and check it.

    Parameters
    ----------
    path : Path
        Written by ``write_raw16``.
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
        shape, expected = _read_header(file)
        values = np.empty(shape, VALUE)
        file.read_into(values, PAYLOAD_OFFSET)
    if checksum(values) != expected:
        raise _changed(path)
    return values.transpose(1, 2, 0)


def map_raw16(path: Path) -> NDArray[np.float16]:
    """Map a cube into memory without reading it.

    Nothing is checked but header and length: that would read every page. A file that is cut off while it is
    mapped ends the process with SIGBUS. The map is freed with the last array that refers to it.

    Parameters
    ----------
    path : Path
        Written by ``write_raw16``.

    Returns
    -------
    ndarray, shape (bands, H, W), float16
        Read-only.

    Raises
    ------
    DamagedFileError
        The file has another length, or holds something else.
    MissingDataError, UnreadableError
        It is not there, or may not be read or mapped.
    """
    with UNLIMITED.open(path) as file:
        shape, _ = _read_header(file)
        try:
            # A private map, not a read-only one: what torch is shown must be writable memory, and a write
            # by mistake reaches neither the file nor anybody else.
            pages = mmap.mmap(file.descriptor, 0, access=mmap.ACCESS_COPY)
        except OSError as error:
            raise UnreadableError.of(path, error) from error
    values: NDArray[np.float16] = np.frombuffer(pages, VALUE, offset=PAYLOAD_OFFSET).reshape(shape).view()
    values.flags.writeable = False
    return values


def read_raw16_into(path: Path, source: Source, scratch: NDArray[np.float16]) -> NDArray[np.float16]:
    """Read a cube into memory that is used again and again; its checksum is not looked at.

    Parameters
    ----------
    path : Path
        Written by ``write_raw16``.
    source : Source
        Where the bytes come from.
    scratch : ndarray, one-dimensional, float16
        Large enough.

    Returns
    -------
    ndarray, shape (bands, H, W), float16
        The beginning of ``scratch``.

    Raises
    ------
    DamagedFileError
        The file has another length, holds something else, or more values than ``scratch`` has room for.
    MissingDataError, UnreadableError
        It is not there, or may not be read.
    """
    with source.open(path) as file:
        shape, _ = _read_header(file)
        count = math.prod(shape)
        if count > len(scratch):
            raise DamagedFileError.of(path, f"it holds {count} values where {len(scratch)} are expected")
        file.read_into(scratch[:count], PAYLOAD_OFFSET)
    return scratch[:count].reshape(shape)


def widen_raw16_into(
    path: Path,
    source: Source,
    target: FloatTarget,
    scratch: NDArray[np.float16],
    *,
    verify: bool = True,
) -> None:
    """Read a cube piece by piece and widen each straight into a target, while it is in the processor's cache.

    Parameters
    ----------
    path : Path
        Written by ``write_raw16``.
    source : Source
        Where the bytes come from.
    target : Tensor or ndarray, shape (bands, H, W), float32
        Contiguous.
    scratch : ndarray, one-dimensional, float16
        Holds one piece; about a MiB is right.
    verify : bool
        Whether the checksum of the values is computed and compared.

    Raises
    ------
    DamagedFileError
        The file is cut off or changed, or holds something else or another shape.
    MissingDataError, UnreadableError
        It is not there, or may not be read.
    """
    row, hasher = flat(target), xxhash.xxh3_64()
    with source.open(path) as file:
        shape, expected = _read_header(file)
        require_shape(path, shape, target.shape)
        for start in range(0, len(row), len(scratch)):
            piece = scratch[: len(row) - start]
            file.read_into(piece, PAYLOAD_OFFSET + start * VALUE.itemsize)
            if verify:
                hasher.update(piece)
            widen(row[start : start + len(piece)], piece)
    if verify and hasher.intdigest() != expected:
        raise _changed(path)


def _read_header(file: OpenFile) -> tuple[Shape, int]:
    page = file.read(PAYLOAD_OFFSET)
    shape = read_head(file.path, page[: HEAD.size], MAGIC)
    check_seal(file.path, page)
    expected = PAYLOAD_OFFSET + math.prod(shape) * VALUE.itemsize
    if file.size != expected:
        raise DamagedFileError.of(file.path, f"it holds {file.size} of {expected} bytes")
    return shape, SEAL.unpack_from(page, HEAD.size)[0]


def _changed(path: Path) -> DamagedFileError:
    return DamagedFileError.of(path, "the checksum of its values does not fit")
