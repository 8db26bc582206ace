"""Rounding to float16 without losing a value silently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from machmeter_workloads.errors import WorkloadError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FLOAT16_MAX = float(np.finfo(np.float16).max)


class UnfitValuesError(WorkloadError):
    """A cube holds values that a file must not or cannot hold."""

    @classmethod
    def of(cls, path: Path, detail: str) -> Self:
        """Say which values.

        Parameters
        ----------
        path : Path
            The file that holds them, or should have.
        detail : str
            What was found, without a full stop.

        Returns
        -------
        UnfitValuesError
        """
        return cls(
            f"{path} holds {detail}.",
            "A network trained on such values learns nothing, and does not say so.",
            "Repair the cube, or choose a format of float32 if its values are only large.",
        )


def require_finite(path: Path, cube: NDArray[np.floating]) -> None:
    """Refuse NaN and infinity.

    Parameters
    ----------
    path : Path
        The file, for the error.
    cube : ndarray, float16 or float32
        Any shape that is not empty.

    Raises
    ------
    UnfitValuesError
        There are such values.
    """
    # The smallest and the largest value are NaN if a single one is.
    if not np.isfinite([cube.min(), cube.max()]).all():
        raise UnfitValuesError.of(path, f"{np.count_nonzero(~np.isfinite(cube))} values that are no numbers")


def to_half(path: Path, cube: NDArray[np.floating]) -> NDArray[np.float16]:
    """Round to float16.

    Parameters
    ----------
    path : Path
        The file, for the error.
    cube : ndarray, float16 or float32
        Any shape that is not empty.

    Returns
    -------
    ndarray, float16
        The same shape.

    Raises
    ------
    UnfitValuesError
        A value is not finite, or larger than 65504.
    """
    require_finite(path, cube)
    largest = max(float(cube.max()), -float(cube.min()))
    if largest > FLOAT16_MAX:
        raise UnfitValuesError.of(path, f"{largest:g}, and float16 ends at {FLOAT16_MAX:g}")
    return cube.astype(np.float16)


def bands_first(path: Path, cube: NDArray[np.floating]) -> NDArray[np.float16]:
    """Round to float16 and lay every band down in one piece, as our own formats keep a cube.

    Parameters
    ----------
    path : Path
        The file, for the error.
    cube : ndarray, shape (H, W, bands), float16 or float32
        Any strides.

    Returns
    -------
    ndarray, shape (bands, H, W), float16
        Contiguous.

    Raises
    ------
    UnfitValuesError
        A value is not finite, or larger than 65504.
    """
    return np.ascontiguousarray(to_half(path, cube).transpose(2, 0, 1))
