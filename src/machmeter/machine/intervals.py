"""The median of some values and its interval from their order statistics."""

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import median
from typing import Final, NamedTuple

#: The interval misses the median with at most this probability.
_MISSES: Final = 0.05

_EXACT_UP_TO: Final = 1000
_NORMAL_975: Final = 1.959964


class Interval(NamedTuple):
    """A median between two of the values, all in their unit."""

    median: float
    low: float
    high: float


def median_interval(values: Sequence[float]) -> Interval:
    """Give the median with its distribution-free interval of at least 95%.

    The number of values below the true median is binomial (n, 1/2): leaving out the j smallest and the j
    largest misses it with probability 2 P(B <= j - 1). H. A. David, H. N. Nagaraja, Order Statistics,
    3rd edition, Wiley 2003, section 7.1. It takes independent values for granted.

    Parameters
    ----------
    values : sequence of float
        At least one. Below six, smallest and largest are given: they miss the median more often.

    Raises
    ------
    ValueError
        If there are no values.
    """
    if not values:
        msg = "a median needs at least one value"
        raise ValueError(msg)
    ordered = sorted(values)
    skip = _left_out(len(ordered))
    return Interval(median(ordered), ordered[skip], ordered[-1 - skip])


@lru_cache(maxsize=1024)
def _left_out(count: int) -> int:
    """Count how many values the interval leaves out on each side."""
    if count > _EXACT_UP_TO:
        return math.floor((count - _NORMAL_975 * math.sqrt(count)) / 2) - 1
    left_out, missed, allowed = 0, 1, _MISSES / 2 * 2**count
    while missed + math.comb(count, left_out + 1) <= allowed:
        left_out += 1
        missed += math.comb(count, left_out)
    return left_out
