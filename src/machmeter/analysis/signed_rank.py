"""Wilcoxon's signed-rank statistic, its exact tail, and the location and interval that belong to it."""

from functools import lru_cache
from math import floor, sqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

#: Up to here the null distribution is counted out. Beyond, the normal one takes its place, whose tails are
#: wider: by 4% of a tail of 1e-3, and a fifth of one of 1e-5.
_EXACT_UP_TO: Final = 256

#: Keeps a sum such as 77.99999999999999, left by a division, from losing a rank.
_ROUNDING: Final = 1e-9


class Location(NamedTuple):
    """The centre of some values between the ends of its interval, all in their unit."""

    centre: float
    low: float
    high: float


def positive_ranks(ordered: NDArray[np.float64], centre: float) -> float:
    """Sum the ranks of the values above a centre, where values are ranked by their distance from it.

    Counted as the number of Walsh averages (the means of two values, each value also with itself) above the
    centre, which is the same number (J. W. Tukey 1949; Hollander, Wolfe, Chicken, Nonparametric Statistical
    Methods, 3rd edition, Wiley 2014, section 3.2); an average on the centre counts half.

    Parameters
    ----------
    ordered : ndarray, shape (n,), float64
        Ascending.
    centre : float
        In the unit of the values.

    Returns
    -------
    float
        Between 0 and n (n + 1) / 2, a multiple of 1/4.
    """
    mirrored = 2 * centre - ordered
    not_above = ordered.searchsorted(mirrored, "left") + ordered.searchsorted(mirrored, "right")
    on_both_sides = 2 * ordered.size**2 - int(not_above.sum())
    with_itself = np.count_nonzero(ordered > centre) + np.count_nonzero(ordered >= centre)
    return (on_both_sides + with_itself) / 4


def upper_tail(positive: float, count: int) -> float:
    """Give P(W >= positive) for independent values that are symmetric about the centre.

    F. Wilcoxon, Individual comparisons by ranking methods, Biometrics Bulletin 1 (1945) 80-83. Nothing else
    about the values matters, their spread, tails and outliers included: given the distances, each of the
    2**n patterns of signs is equally likely.

    Parameters
    ----------
    positive : float
        The sum of the positive ranks. A fraction counts as the whole number below it: the safe side.
    count : int
        Number of values.
    """
    whole = floor(positive + _ROUNDING)
    total = count * (count + 1) // 2
    if whole <= 0:
        return 1.0
    if count <= _EXACT_UP_TO:
        return float(_lower_tail(count)[total - whole])
    return float(ndtr((total / 2 - whole + 0.5) / _deviation(count)))


def locate(values: NDArray[np.float64], miss: float, inflation: float = 1.0) -> Location:
    """Give the Hodges-Lehmann centre and its signed-rank interval.

    The centre is the median of the Walsh averages; the interval leaves out as many of them at each end as
    the test would (J. L. Hodges, E. L. Lehmann, Annals of Mathematical Statistics 34 (1963) 598-611). Takes
    time and memory in proportion to n**2: 4 ms at 1,000 values.

    Parameters
    ----------
    values : ndarray, shape (n,), float64
        At least one. Too few for `miss`, and the interval spans them all but misses more often.
    miss : float
        The probability that the interval lies on one given side of the true centre.
    inflation : float
        By what factor the standard error exceeds that of independent values.
    """
    doubled = np.concatenate([values[row:] + values[row] for row in range(values.size)])
    last = doubled.size - 1
    skipped = _left_out(values.size, miss, inflation)
    lower, upper = last // 2, (last + 1) // 2
    doubled.partition(sorted({skipped, lower, upper, last - skipped}))
    centre = (doubled[lower] + doubled[upper]) / 4
    return Location(float(centre), float(doubled[skipped]) / 2, float(doubled[last - skipped]) / 2)


def _left_out(count: int, miss: float, inflation: float) -> int:
    """Count the Walsh averages that lie outside the interval at each end."""
    half = count * (count + 1) / 4
    if count <= _EXACT_UP_TO:
        rejected = int(_lower_tail(count).searchsorted(miss, "right")) - 1
    else:
        rejected = floor(half + float(ndtri(miss)) * _deviation(count) - 0.5)
    return max(0, floor(half - min(inflation, count) * (half - rejected) + _ROUNDING))


@lru_cache(maxsize=64)
def _lower_tail(count: int) -> NDArray[np.float64]:
    """Give P(W <= w) for w = 0 ... n (n + 1) / 2: each rank is added or not, with an even chance."""
    chances = np.zeros(count * (count + 1) // 2 + 1)
    chances[0] = 1.0
    for rank in range(1, count + 1):
        chances[rank:] += chances[:-rank].copy()
        chances /= 2
    return np.cumsum(chances)


def _deviation(count: int) -> float:
    """Give the standard deviation of the sum of the positive ranks."""
    return sqrt(count * (count + 1) * (2 * count + 1) / 24)
