"""The median of some samples and how far it could lie elsewhere."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

#: Coverage that an interval has at least.
CONFIDENCE = 0.95

#: With fewer samples even the smallest and the largest one enclose the median too seldom.
SMALLEST_INTERVAL = 6

_EXACT_UP_TO = 1000
_NORMAL_975 = 1.959964


@dataclass(frozen=True, slots=True)
class Estimate:
    """A median with its surroundings.

    Parameters
    ----------
    median, low, high : float
        All in the unit of the samples.
    is_interval : bool
        True: `low` to `high` is a confidence interval of the median. False: too few samples for one,
        `low` to `high` is their smallest and largest value.
    """

    median: float
    low: float
    high: float
    is_interval: bool


def estimate(values: Sequence[float]) -> Estimate:
    """Estimate the median with the order-statistics interval, or min to max below six samples.

    The interval takes independent samples for granted. Samples of one process are not independent (the
    process is machmeter's unit), so it describes the samples at hand and is no verdict about a commit.

    Parameters
    ----------
    values : sequence of float
        At least one.

    Returns
    -------
    Estimate
        Its interval covers the median with at least `CONFIDENCE`, whatever the distribution.

    Raises
    ------
    ValueError
        If there are no values.

    References
    ----------
    H. A. David, H. N. Nagaraja, Order Statistics, 3rd edition, Wiley 2003, section 7.1.
    """
    if not values:
        msg = "an estimate needs at least one value"
        raise ValueError(msg)
    ordered = sorted(values)
    left_out = _left_out_on_each_side(len(ordered))
    is_interval = left_out is not None
    skip = left_out or 0
    return Estimate(median(ordered), ordered[skip], ordered[-1 - skip], is_interval)


@lru_cache(maxsize=1024)
def _left_out_on_each_side(count: int) -> int | None:
    """Count how many of the smallest (and of the largest) values the interval may leave out.

    The number of values below the true median is binomial (count, 1/2). Leaving out j on each side misses the
    median with probability 2 P(B <= j), which must not exceed 1 - `CONFIDENCE`.
    """
    if count < SMALLEST_INTERVAL:
        return None
    if count > _EXACT_UP_TO:
        return math.floor((count - _NORMAL_975 * math.sqrt(count)) / 2) - 1
    allowed = (1 - CONFIDENCE) / 2 * 2**count
    missed, left_out = 1, 0
    while missed + math.comb(count, left_out + 1) <= allowed:
        left_out += 1
        missed += math.comb(count, left_out)
    return left_out
