"""What a writer of a peer's format is given: a series of half-precision cubes, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class HalfSample:
    """One cube with its mask, in the precision and the order in which our own best formats keep them.

    Parameters
    ----------
    index : int
        Its place in the series, from 0.
    cube : ndarray, shape (bands, H, W), float16
        Reflectance.
    mask : ndarray, shape (H, W), uint8
        Labels.
    """

    index: int
    cube: NDArray[np.generic]
    mask: NDArray[np.generic]


@dataclass(frozen=True)
class HalfSeries:
    """A series of cubes to be written.

    Parameters
    ----------
    count, bands, height, width : int
        Cubes, and the size of each.
    samples : iterable of HalfSample
        ``count`` of them, in the order of their indices; gone through once.
    """

    count: int
    bands: int
    height: int
    width: int
    samples: Iterable[HalfSample]
