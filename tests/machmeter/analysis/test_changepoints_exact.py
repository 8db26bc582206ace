"""Histories of exact values: counts, bytes, what `track_*` and `peakmem_*` give."""

import numpy as np
import pytest
from numpy.typing import NDArray

from machmeter.analysis import levels, noise
from machmeter.analysis.changepoints import change_points

Values = NDArray[np.float64]

PAIRS = [(1.0, 1.5), (0.0, 1.0), (1.0, 0.0), (5.0, 6.0), (-1.0, -2.0), (-3.0, 0.0), (-1.0, 1.0), (1e-9, 2e-9)]


def places(values: Values) -> list[int]:
    return [each.index for each in change_points(values)]


@pytest.mark.parametrize(("before", "after"), PAIRS)
@pytest.mark.parametrize("n", [6, 7, 13, 20, 40, 83, 200, 2000])
def test_exact_step_is_found_where_it_is(before: float, after: float, n: int) -> None:
    """Wherever it leaves three values on both sides, a step between values of any sign is exactly found."""
    for at in {*range(3, n - 2, max(n // 11, 1)), n - 3}:
        assert places(np.repeat([before, after], [at, n - at])) == [at]


@pytest.mark.parametrize(("before", "inside"), PAIRS)
@pytest.mark.parametrize(("n", "start", "length"), [(40, 17, 7), (83, 30, 8), (200, 97, 7), (200, 20, 100)])
def test_exact_level_between_two_others_is_found(
    before: float, inside: float, n: int, start: int, length: int
) -> None:
    """A level of at least seven values gives its begin and its end."""
    values = np.full(n, before)
    values[start : start + length] = inside
    assert places(values) == [start, start + length]


@pytest.mark.parametrize("length", [1, 2])
def test_shorter_exact_level_at_the_end_is_not_reported(length: int) -> None:
    """One or two values at the end may be a disturbance."""
    assert places(np.repeat([0.0, 1.0], [50 - length, length])) == []


def test_short_exact_level_inside_is_not_reported() -> None:
    """Six values between equal ones are a disturbance."""
    assert places(np.repeat([3.0, 4.0, 3.0], [30, 6, 30])) == []


def test_staircase_of_exact_levels_is_found() -> None:
    """Each of several steps up and down in a short history has its place."""
    assert places(np.repeat([4.0, 5.0, 7.0, 5.0, 4.0], 10)) == [10, 20, 30, 40]


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_jitter_of_one_count_is_not_reported_and_hides_no_step(share: float) -> None:
    """With some counts off by one, thirty histories have one report at most; a step of five is found."""
    reports = 0
    for seed in range(30):
        rng = np.random.default_rng([41, seed])
        counts = 20.0 + np.where(rng.random(120) < share, rng.choice([-1.0, 1.0], 120), 0.0)
        reports += len(places(counts))
        found = places(counts + 5.0 * (np.arange(120) >= 80))
        assert [abs(place - 80) <= 1 for place in found] == [True]
    assert reports <= 1


@pytest.mark.parametrize("values", [[6.0, 5.0, 5.0], [5.0, 6.0, 5.0], [6.0, 6.0, 5.0, 5.0, 5.0]])
def test_jitter_beside_an_exact_step_does_not_move_it(values: list[float]) -> None:
    """Of the changes within the first values of a new level the largest is the step."""
    assert places(np.array([0.0] * 60 + values)) == [60]


def test_outlier_does_not_set_the_unit_of_counts() -> None:
    """A step from 0 to 1 counts beside a single value of a billion."""
    values = np.repeat([0.0, 1.0], 30)
    values[10] = 1e9
    assert places(values) == [30]


def test_break_among_exact_levels_is_not_reported() -> None:
    """Of two exact steps the one at a known change of the work is left out."""
    values = np.repeat([1.0, 2.0, 3.0], 20)
    assert [each.index for each in change_points(values, breaks=[20])] == [40]


def test_exact_step_below_the_smallest_that_counts_is_not_reported() -> None:
    """A change of 0.9% is none where 1% is the smallest that counts."""
    values = np.repeat([1000.0, 1009.0], 30)
    assert places(values) == []
    assert [each.index for each in change_points(values, minimum=0.005)] == [30]


def test_exact_steps_are_the_places_where_values_change() -> None:
    """They are listed for a history of few jumps and not for noise."""
    assert levels.exact_steps(np.repeat([0.0, 1.0, 0.0], 20), 1e-4) == [20, 40]
    assert levels.exact_steps(np.random.default_rng(1).normal(size=60), 1e-4) is None


def test_rounding_has_no_memory() -> None:
    """Residuals far below the floor, all of one sign a level, are no correlated noise."""
    residuals = np.repeat([1e-16, -1e-16], 50)
    assert noise.noise_of_residuals(residuals, [50], 1e-4) == noise.Noise(1e-4, 0.0)
