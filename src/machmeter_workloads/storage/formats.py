"""The storage formats of HTC's benchmark, by name."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from machmeter_workloads.storage.blosc_file import write_blosc
from machmeter_workloads.storage.dat_file import write_dat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Format:
    """How a cube becomes a file.

    Parameters
    ----------
    suffix : str
        Of the file's name, with the dot.
    write : callable
        Takes the path and a cube, ndarray, shape (H, W, bands), float32.
    """

    suffix: str
    write: Callable[[Path, NDArray[np.float32]], None]


def write_half_precision(path: Path, cube: NDArray[np.float32]) -> None:
    """Write a cube as a Blosc file of float16.

    Parameters
    ----------
    path : Path
        Usually ending in ``.blosc``.
    cube : ndarray, shape (H, W, bands), float32
        Values up to 65504.

    Raises
    ------
    UnwritableError
        The disk is full, or the folder may not be written.
    """
    write_blosc(path, cube.astype(np.float16))


# A format whose bytes change gets a new name: two commits share these files.
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "original": Format(".dat", write_dat),
        "blosc": Format(".blosc", write_blosc),
        "fp16": Format(".blosc", write_half_precision),
    }
)
