"""The storage formats by name: three of HTC's benchmark, and three of our own."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import numpy as np

from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.storage.b2nd_file import read_b2nd, write_b2nd
from machmeter_workloads.storage.blosc_file import read_blosc, write_blosc
from machmeter_workloads.storage.dat_file import read_dat, write_dat
from machmeter_workloads.storage.half_precision import to_half
from machmeter_workloads.storage.lz4_16_file import read_lz4_16, write_lz4_16
from machmeter_workloads.storage.raw16_file import read_raw16, write_raw16
from machmeter_workloads.storage.source import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from machmeter_workloads.storage.source import Source

CUBE_AXES = 3


@dataclass(frozen=True)
class Format:
    """How a cube becomes a file, and a file a cube.

    Parameters
    ----------
    suffix : str
        Of the file's name, with the dot.
    write : callable
        Takes the path and a cube, ndarray, shape (H, W, bands), float32.
    read : callable
        Takes the path and a ``Source``; gives a cube, ndarray, shape (H, W, bands), float16 or float32, any
        strides. Raises DamagedFileError, MissingDataError or UnreadableError.
    dtype : numpy.dtype
        What ``write`` rounds to.
    """

    suffix: str
    write: Callable[[Path, NDArray[np.float32]], None]
    read: Callable[[Path, Source], NDArray[np.floating]]
    dtype: np.dtype[np.floating] = field(default=np.dtype(np.float16))


def write_half_precision(path: Path, cube: NDArray[np.float32]) -> None:
    """Write a cube as a Blosc file of float16.

    Parameters
    ----------
    path : Path
        Usually ending in ``.blosc``.
    cube : ndarray, shape (H, W, bands), float32
        Any strides.

    Raises
    ------
    UnfitValuesError
        A value is not finite, or larger than 65504.
    UnwritableError
        The disk is full, or the folder may not be written.
    """
    write_blosc(path, to_half(path, cube))


def read_blosc_cube(path: Path, source: Source = UNLIMITED) -> NDArray[np.floating]:
    """Read a Blosc file that holds a cube, not a mask.

    Parameters
    ----------
    path : Path
        Written by ``write_blosc`` or ``write_half_precision``, or by HTC.
    source : Source
        Where the bytes come from.

    Returns
    -------
    ndarray, shape (H, W, bands), float16 or float32
        Contiguous.

    Raises
    ------
    DamagedFileError
        The file is cut off, or holds something else.
    MissingDataError, UnreadableError
        It is not there, or may not be read.
    """
    cube = read_blosc(path, source)
    if cube.ndim != CUBE_AXES or not np.issubdtype(cube.dtype, np.floating):
        raise DamagedFileError.of(path, f"it holds {cube.dtype} of shape {cube.shape} instead of a cube")
    return cast("NDArray[np.floating]", cube)


# A format whose bytes change gets a new name: two commits share these files.
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "original": Format(".dat", write_dat, read_dat, np.dtype(np.float32)),
        "blosc": Format(".blosc", write_blosc, read_blosc_cube, np.dtype(np.float32)),
        "fp16": Format(".blosc", write_half_precision, read_blosc_cube),
        "raw16": Format(".raw16", write_raw16, read_raw16),
        "lz4_16": Format(".lz4", write_lz4_16, read_lz4_16),
        "b2nd": Format(".b2nd", write_b2nd, read_b2nd),
    }
)
