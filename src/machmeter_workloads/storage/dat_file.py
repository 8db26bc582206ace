"""The camera's own cube file: big-endian float32 behind three big-endian integers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.storage.atomic import write_atomically
from machmeter_workloads.storage.source import UNLIMITED

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from machmeter_workloads.storage.source import Source

DIMENSIONS = 3
INTEGER = np.dtype(">i4")
VALUE = np.dtype(">f4")
HEADER_BYTES = DIMENSIONS * INTEGER.itemsize


def write_dat(path: Path, cube: NDArray[np.float32]) -> None:
    """Write a cube as the Tivita camera does.

    Three int32 (width, height, bands), then float32 in the order (W, H, bands), the rows from the bottom to
    the top. Source: ``read_tivita_hsi`` in IMSY-DKFZ/htc, htc/tivita/hsi.py, turned round.

    Parameters
    ----------
    path : Path
        Usually ending in ``.dat``.
    cube : ndarray, shape (H, W, bands), float32
        Any strides.

    Raises
    ------
    UnwritableError
        The disk is full, or the folder may not be written.
    """
    values = np.flip(np.swapaxes(cube, 0, 1), axis=1).astype(VALUE, order="C")
    write_atomically(path, [np.array(values.shape, dtype=INTEGER).tobytes(), values.data.cast("B")])


def read_dat(path: Path, source: Source = UNLIMITED) -> NDArray[np.float32]:
    """Read a cube as HTC does: flip, swap the axes, convert to the computer's own float32.

    Parameters
    ----------
    path : Path
        A file of the Tivita camera.
    source : Source
        Where the bytes come from.

    Returns
    -------
    ndarray, shape (H, W, bands), float32
        In memory it still lies as (W, H, bands), as it does in HTC.

    Raises
    ------
    DamagedFileError
        The header or the values are cut off, or do not fit each other.
    MissingDataError, UnreadableError
        It is not there, or may not be read.
    """
    content = source.read(path)
    shape = np.frombuffer(content[:HEADER_BYTES], INTEGER).tolist() if len(content) >= HEADER_BYTES else []
    if not shape or min(shape) < 1:
        raise DamagedFileError.of(path, f"its header reads {shape} instead of width, height and bands")
    held = (len(content) - HEADER_BYTES) / VALUE.itemsize
    if held != math.prod(shape):
        raise DamagedFileError.of(path, f"it holds {held:.12g} of {math.prod(shape)} values")
    values = np.frombuffer(content, VALUE, offset=HEADER_BYTES).reshape(shape)
    return np.swapaxes(np.flip(values, axis=1), 0, 1).astype(np.float32)
