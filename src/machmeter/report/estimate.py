"""The median of some samples and how far it could lie elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

from machmeter.machine.intervals import median_interval

#: Coverage that an interval has at least.
CONFIDENCE = 0.95

#: With fewer samples even the smallest and the largest one enclose the median too seldom.
SMALLEST_INTERVAL = 6


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
    """
    interval = median_interval(values)
    return Estimate(*interval, is_interval=len(values) >= SMALLEST_INTERVAL)
