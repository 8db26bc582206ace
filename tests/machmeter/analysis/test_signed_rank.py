from itertools import product
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from machmeter.analysis.signed_rank import locate, positive_ranks, upper_tail

#: Whole numbers: distances from a centre of whole numbers are exact, and ties occur.
whole = st.lists(st.integers(-20, 20), min_size=1, max_size=12)


def ranked_by_hand(values: list[int], centre: int) -> float:
    """Rank the distances, ties sharing their mean rank, zeros included and counted half."""
    total = 0.0
    for value in values:
        distance = abs(value - centre)
        nearer = sum(abs(other - centre) < distance for other in values)
        tied = sum(abs(other - centre) == distance for other in values)
        rank = nearer + (tied + 1) / 2
        total += rank if value > centre else rank / 2 if value == centre else 0
    return total


def tail_by_hand(positive: float, count: int) -> float:
    """Try all patterns of signs."""
    sums = [
        sum(rank for rank, sign in enumerate(signs, 1) if sign) for signs in product((0, 1), repeat=count)
    ]
    return sum(total >= positive for total in sums) / len(sums)


@given(whole, st.integers(-20, 20))
def test_counting_walsh_averages_is_ranking(values: list[int], centre: int) -> None:
    """The positive ranks are what ranking by distance gives, ties and zeros included."""
    assert ranked_by_hand(values, centre) == positive_ranks(np.sort(np.array(values, dtype=float)), centre)


@given(whole, st.integers(-20, 20))
def test_turning_the_signs_swaps_positive_and_negative_ranks(values: list[int], centre: int) -> None:
    """Positive ranks of the values and of the negated values add up to all ranks."""
    given_values = np.sort(np.array(values, dtype=float))
    both = positive_ranks(given_values, centre) + positive_ranks(np.sort(-given_values), -centre)
    assert len(values) * (len(values) + 1) / 2 == both


@pytest.mark.parametrize("count", [1, 2, 5, 8, 12])
def test_the_tail_counts_all_patterns_of_signs(count: int) -> None:
    """The tail is the share of all 2**n sign patterns, at every sum of ranks."""
    total = count * (count + 1) // 2
    for positive in range(total + 1):
        assert tail_by_hand(positive, count) == pytest.approx(upper_tail(positive, count), rel=1e-12)


def test_half_a_rank_counts_as_less() -> None:
    """A sum between two ranks has the larger p-value of the two."""
    assert upper_tail(30.0, 8) == upper_tail(30.5, 8)


def test_the_normal_tail_is_the_wider_one() -> None:
    """Where the normal tail takes over, it errs on the safe side, by at most a fifth down to 1e-5."""
    count, total = 256, 256 * 257 // 2
    deviation = (count * (count + 1) * (2 * count + 1) / 24) ** 0.5
    for positive in range(round(total / 2 + 2 * deviation), round(total / 2 + 4.2 * deviation), 97):
        exact = upper_tail(positive, count)
        normal = float(norm.sf((positive - 0.5 - total / 2) / deviation))
        assert exact <= normal <= exact * 6 / 5


def test_the_tail_goes_on_smoothly_where_the_normal_one_begins() -> None:
    """The same distance in deviations has nearly the same tail at 256 and 257 values."""
    tails = []
    for count in (256, 257):
        half, deviation = count * (count + 1) / 4, (count * (count + 1) * (2 * count + 1) / 24) ** 0.5
        tails.append(upper_tail(half + 3 * deviation, count))
    assert tails[0] == pytest.approx(tails[1], rel=0.04)


@given(whole)
def test_the_centre_is_the_median_of_the_walsh_averages(values: list[int]) -> None:
    """The centre is the median of the means of all pairs of values, each value also with itself."""
    averages = [(a + b) / 2 for i, a in enumerate(values) for b in values[i:]]
    assert np.median(averages) == pytest.approx(locate(np.array(values, dtype=float), 0.025).centre)


@pytest.mark.parametrize("count", [7, 20, 60])
@pytest.mark.parametrize("miss", [0.02, 0.025])
def test_the_interval_holds_what_the_test_does_not_reject(count: int, miss: float) -> None:
    """Just inside the interval's ends the one-sided test does not reject, just outside it does."""
    values = np.random.default_rng(count).normal(size=count)
    ordered, where, step = np.sort(values), locate(values, miss), 1e-9
    assert upper_tail(positive_ranks(ordered, where.low + step), count) > miss
    assert upper_tail(positive_ranks(ordered, where.low - step), count) <= miss
    negative = np.sort(-values)
    assert upper_tail(positive_ranks(negative, -where.high + step), count) > miss
    assert upper_tail(positive_ranks(negative, -where.high - step), count) <= miss


def test_the_interval_of_many_values_is_that_of_the_exact_count() -> None:
    """Beyond the exact distribution the interval is neither narrower nor 1% wider than of as many values."""
    values = np.random.default_rng(1).normal(size=257)
    many, few = locate(values, 0.025), locate(values[:256], 0.025)
    assert many.high - many.low == pytest.approx(few.high - few.low, rel=0.02)


def test_the_interval_misses_as_often_as_it_says() -> None:
    """An interval with 2% on each side holds the centre of heavy-tailed values in about 96%."""
    samples = np.random.default_rng(2).standard_t(3, size=(4000, 15))
    inside = sum(where.low <= 0 <= where.high for where in (locate(row, 0.02) for row in samples))
    assert 0.955 < inside / 4000 < 0.975


def test_too_few_values_span_the_interval() -> None:
    """With five values no interval of 96% exists, and all of them are it."""
    where = locate(np.array([3.0, 1.0, 2.0, 5.0, 4.0]), 0.02)
    assert (where.low, where.centre, where.high) == (1.0, 3.0, 5.0)


@pytest.mark.parametrize("inflation", [1.5, 50.0, inf])
def test_an_inflated_interval_is_wider(inflation: float) -> None:
    """A larger standard error widens the interval, at most to the range of the values."""
    values = np.random.default_rng(4).normal(size=40)
    plain, wide = locate(values, 0.025), locate(values, 0.025, inflation)
    assert values.min() <= wide.low < plain.low
    assert plain.high < wide.high <= values.max()


@given(st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=2, max_size=30), st.floats(0.1, 10))
def test_location_moves_and_stretches_with_the_values(values: list[float], factor: float) -> None:
    """Negating and stretching all values does the same to centre and interval."""
    there, mirrored = locate(np.array(values), 0.02), locate(-factor * np.array(values), 0.02)
    expected = (-factor * there.centre, -factor * there.high, -factor * there.low)
    assert expected == pytest.approx(tuple(mirrored), abs=1e-9)
