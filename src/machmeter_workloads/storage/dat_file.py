"""The camera's own cube file: big-endian float32 behind three big-endian integers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.storage.atomic import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DIMENSIONS = 3
INTEGER = np.dtype(">i4")
VALUE = np.dtype(">f4")


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


def read_dat(path: Path) -> NDArray[np.float32]:
    """Read a cube as HTC does: flip, swap the axes, convert to the computer's own float32.

    Parameters
    ----------
    path : Path
        A file of the Tivita camera.

    Returns
    -------
    ndarray, shape (H, W, bands), float32
        In memory it still lies as (W, H, bands), as it does in HTC.

    Raises
    ------
    DamagedFileError
        The header or the values are cut off, or do not fit each other.
    """
    with path.open("rb") as file:
        shape = np.fromfile(file, dtype=INTEGER, count=DIMENSIONS).tolist()
        values = np.fromfile(file, dtype=VALUE)
    if len(shape) < DIMENSIONS or min(shape) < 1:
        raise DamagedFileError.of(path, f"its header reads {shape} instead of width, height and bands")
    if values.size != math.prod(shape):
        raise DamagedFileError.of(path, f"it holds {values.size} of {math.prod(shape)} values")
    upright = np.flip(values.reshape(shape), axis=1)
    return np.swapaxes(upright, 0, 1).astype(np.float32)
