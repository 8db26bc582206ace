import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from machmeter.report.estimate import CONFIDENCE, Estimate, estimate


def coverage(count: int, left_out: int) -> float:
    """Try every way in which `count` values can lie below or above their median, and count the hits."""
    hits = 0
    for sides in itertools.product((0, 1), repeat=count):
        below = count - sum(sides)
        hits += left_out < below < count - left_out
    return float(hits / 2**count)


@pytest.mark.parametrize("count", range(6, 15))
def test_interval_is_the_narrowest_symmetric_one_that_covers_enough(count: int) -> None:
    """Against enumeration: it covers 95%, and leaving out one more value on each side would not."""
    left_out = int(estimate(range(count)).low)
    assert coverage(count, left_out) >= CONFIDENCE > coverage(count, left_out + 1)


@pytest.mark.parametrize("count", [20, 99, 1000, 1001, 5000])
def test_interval_of_many_values_covers_enough(count: int) -> None:
    """Against scipy's binomial distribution, also where the normal approximation takes over."""
    found = estimate(range(count))
    covered = 1 - 2 * float(stats.binom.cdf(found.low, count, 0.5))
    assert CONFIDENCE <= covered < CONFIDENCE + 0.04


@pytest.mark.parametrize("count", range(1, 6))
def test_too_few_values_give_their_range(count: int) -> None:
    """Below six values nothing covers 95%: smallest and largest are given and marked as such."""
    values = [float(value) for value in range(count)]
    assert estimate(values) == Estimate((count - 1) / 2, 0.0, count - 1.0, is_interval=False)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_median_lies_within_its_surroundings(values: list[float]) -> None:
    """Whatever the values, low <= median <= high, and all three lie among them."""
    found = estimate(values)
    assert min(values) <= found.low <= found.median <= found.high <= max(values)


def test_no_values_are_an_error() -> None:
    """A median of nothing is refused."""
    with pytest.raises(ValueError, match="at least one"):
        estimate([])


def test_equal_values_have_no_width() -> None:
    """Equal samples give an interval of a single point."""
    found = estimate([2.5] * 8)
    assert (found.low, found.high, found.is_interval) == (2.5, 2.5, True)
    assert math.isclose(found.median, 2.5)
