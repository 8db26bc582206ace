"""Which quality a JPEG file was saved with, as far as its quantisation table tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# The example table for brightness: ISO/IEC 10918-1 (ITU-T T.81), table K.1, row by row.
LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
QUALITIES = np.arange(1, 101)


def estimate_quality(table: Sequence[int]) -> int:
    """Find the quality whose table is nearest.

    Exact for files of libjpeg and all that scale the standard's table as it does; for others, such as
    cameras, the quality at which libjpeg would throw away about as much.

    Parameters
    ----------
    table : sequence of int, length 64
        For brightness, row by row, as Pillow gives it.

    Returns
    -------
    int
        1 to 100.
    """
    distances = np.abs(standard_tables() - np.asarray(table)).sum(axis=1)
    return int(QUALITIES[distances.argmin()])


def standard_tables() -> NDArray[np.int64]:
    """Scale the standard's table to every quality, as the Independent JPEG Group's library defines it.

    Returns
    -------
    ndarray, shape (100, 64), int64
        For the qualities 1 to 100, row by row.
    """
    percent = np.where(QUALITIES < 50, 5000 // QUALITIES, 200 - 2 * QUALITIES)[:, None]  # noqa: PLR2004
    return ((LUMINANCE.reshape(1, 64) * percent + 50) // 100).clip(1, 255)
