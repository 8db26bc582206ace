"""The stretches of a history in which a change is looked for."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Seeds:
    """Every split of every stretch, stretch after stretch.

    Parameters
    ----------
    start, end : ndarray, shape (stretches,), intp
        The stretches, `end` excluded.
    begins : ndarray, shape (stretches,), intp
        Where the splits of a stretch begin among all splits.
    split : ndarray, shape (splits,), intp
        First position after the split.
    left, right : ndarray, shape (splits,), intp
        Measurements of the stretch before and after the split.
    first, last : ndarray, shape (splits,), intp
        The stretch of every split.
    per_left, per_right, per_both : ndarray, shape (splits,), float64
        One over `left`, one over `right`, and the sum of the two.
    """

    start: Places
    end: Places
    begins: Places
    split: Places
    left: Places
    right: Places
    first: Places
    last: Places
    per_left: NDArray[np.float64]
    per_right: NDArray[np.float64]
    per_both: NDArray[np.float64]


@lru_cache(maxsize=64)
def seeds(n: int, shortest: int) -> Seeds:
    """Cover 0 ... n with stretches of length n, n/2, n/4 ... that overlap by half.

    Seeded binary segmentation: Kovacs, Buehlmann, Li, Munk, Biometrika 2023, definition 1 with decay 1/2.
    A change is the only one in at least one of them unless its neighbours are very near, so that a later
    recovery cannot hide it.

    Parameters
    ----------
    n : int
        Length of the history.
    shortest : int
        Measurements that have to remain on both sides of a split.
    """
    starts, ends = [], []
    length, count = n, 1
    while length >= 2 * shortest:
        begin = np.arange(count) * (n - length) // max(count - 1, 1)
        starts.append(begin)
        ends.append(begin + length)
        length, count = (length + 1) // 2, 2 * count + 1
    none = np.zeros(0, dtype=np.intp)
    start, end = np.concatenate([none, *starts]), np.concatenate([none, *ends])
    splits = end - start - 2 * shortest + 1
    begins = np.cumsum(splits) - splits
    left = np.arange(int(splits.sum())) - np.repeat(begins, splits) + shortest
    first, last = np.repeat(start, splits), np.repeat(end, splits)
    right = last - first - left
    each = 1 / left, 1 / right
    return Seeds(start, end, begins, first + left, left, right, first, last, *each, each[0] + each[1])
