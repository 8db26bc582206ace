import math
from itertools import product

import histories
import numpy as np
import pytest
from numpy.typing import NDArray

from machmeter.analysis.changepoints import ChangePoint, change_points

Values = NDArray[np.float64]


def noisy(seed: int, length: int = 200, **steps: float) -> Values:
    """Normal noise of 2% with steps: `at100=0.05` makes everything from position 100 on 5% slower."""
    places = {int(name.removeprefix("at")): size for name, size in steps.items()}
    return histories.with_steps(histories.gaussian(np.random.default_rng(seed), length), places)


def places(values: Values, **options: float) -> list[int]:
    return [each.index for each in change_points(values, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize("family", histories.FAMILIES)
def test_a_step_of_ten_percent_is_found_in_every_kind_of_noise(family: str) -> None:
    """In 19 of 20 histories the step is found within five commits, with at most one other report in ten."""
    hits, others = 0, 0
    for seed in range(20):
        noise = histories.FAMILIES[family](np.random.default_rng([31, seed]), 200)
        found = places(histories.with_steps(noise, {120: 0.10}))
        hit = any(abs(index - 120) <= 5 for index in found)
        hits += hit
        others += len(found) - hit
    assert hits >= 19
    assert others <= 2


@pytest.mark.parametrize("family", list(histories.FAMILIES)[:7])
def test_noise_alone_is_rarely_reported(family: str) -> None:
    """Forty histories without a change have at most six changes, for drift too, which looks like changes."""
    make = histories.FAMILIES[family]
    series = (histories.with_steps(make(np.random.default_rng([32, seed]), 200), {}) for seed in range(40))
    assert sum(len(change_points(values)) for values in series) <= 6


def test_a_recovery_does_not_hide_the_regression() -> None:
    """A step that is undone thirty commits later gives both changes."""
    found = change_points(noisy(1, length=400, at200=0.06, at230=1 / 1.06 - 1))
    assert [round(each.ratio, 1) for each in found] == [1.1, 0.9]
    assert [abs(each.index - place) <= 2 for each, place in zip(found, (200, 230), strict=True)] == [
        True,
        True,
    ]


def test_a_new_step_is_reported_within_few_commits() -> None:
    """A step of 10% is reported when three or four slow commits were measured."""
    values = noisy(2, at150=0.10)
    first = next(late for late in range(1, 30) if places(values[: 150 + late]))
    assert first in {3, 4}


def test_change_at_a_break_is_not_reported() -> None:
    """A step where the work is known to have changed is fitted and not reported; another one still is."""
    found = change_points(noisy(3, at60=0.20, at140=0.06), breaks=[60])
    assert [abs(each.index - 140) <= 2 for each in found] == [True]
    assert found[0].before == pytest.approx(0.012, rel=0.01)


@pytest.mark.parametrize("breaks", [[0], [200], [-3], [1, 199], [100, 100], [100, 101]])
def test_breaks_may_lie_anywhere(breaks: list[int]) -> None:
    """Breaks at the ends, beyond them, twice or side by side do no harm."""
    assert change_points(noisy(4), breaks=breaks) == ()


@pytest.mark.parametrize("n", range(6))
def test_very_short_history_has_no_changes(n: int) -> None:
    """Fewer than six measurements tell nothing, however different they are."""
    assert change_points(np.arange(1.0, n + 1)) == ()


@pytest.mark.parametrize("n", range(6, 16))
def test_short_history_without_noise_shows_its_step(n: int) -> None:
    """Six exact measurements suffice for a step in their middle."""
    assert places(np.repeat([1.0, 2.0], [n // 2, n - n // 2])) == [n // 2]


@pytest.mark.parametrize("value", [0.0, 1.0, -5.0, 1e-300, 1e300])
def test_constant_history_has_no_changes(value: float) -> None:
    """Equal measurements have no change, whatever they are."""
    assert change_points(np.full(100, value)) == ()


def test_constant_history_with_one_outlier_has_no_changes() -> None:
    """One measurement that differs is no change, even among equal ones."""
    values = np.ones(50)
    values[20] = 3.0
    assert change_points(values) == ()


def test_quantised_history_shows_its_step() -> None:
    """Values of which most are equal, as counted bytes are, have no scale and still show a step."""
    rng = np.random.default_rng(5)
    values = 4096.0 * (1000 + (rng.random(120) < 0.2) + 50 * (np.arange(120) >= 70))
    assert places(values) == [70]


def test_lone_outlier_creates_no_change() -> None:
    """A measurement a hundred times as large adds no change, wherever it is."""
    for position, seed in product(range(0, 200, 7), (20, 21, 22)):
        values = noisy(seed)
        values[position] *= 100
        assert change_points(values) == ()


def test_lone_outlier_does_not_move_a_change() -> None:
    """With an outlier beside the step the step is still found where it is."""
    values = noisy(7, at100=0.10)
    values[[97, 104]] *= 10
    assert [abs(index - 100) <= 1 for index in places(values)] == [True]


@pytest.mark.parametrize("factor", [1e-12, 1e9])
def test_unit_does_not_matter(factor: float) -> None:
    """In another unit the changes are at the same places and as large."""
    values = noisy(8, at80=0.05, at140=0.05)
    here, there = change_points(values), change_points(values * factor)
    assert [each.index for each in there] == [each.index for each in here]
    assert [each.ratio for each in there] == pytest.approx([each.ratio for each in here])


@pytest.mark.parametrize("seed", range(5))
def test_reversed_history_has_mirrored_changes(seed: int) -> None:
    """Read backwards, a history has its changes at the mirrored places with inverse ratios."""
    values = noisy(seed, at70=0.08, at130=0.08)
    forth, back = change_points(values), change_points(values[::-1].copy())[::-1]
    assert [200 - each.index for each in back] == [each.index for each in forth]
    assert [1 / each.ratio for each in back] == pytest.approx([each.ratio for each in forth])


def test_history_with_zeros_is_compared_by_differences() -> None:
    """Values that are not all positive have changes with their ratio where that means something."""
    values = np.random.default_rng(9).normal(size=100) * 0.1 + np.where(np.arange(100) < 50, 1.0, 3.0)
    values[10] = 0.0
    (change,) = change_points(values)
    assert change.index == 50
    assert change.low < 3.0 < change.high


def test_negative_level_has_no_ratio() -> None:
    """From a level below zero on there is a change but no ratio."""
    values = np.random.default_rng(10).normal(size=100) * 0.1 + np.where(np.arange(100) < 50, -1.0, 1.0)
    (change,) = change_points(values)
    assert math.isnan(change.ratio)
    assert (change.before, change.after) == pytest.approx((-1.0, 1.0), abs=0.05)


def test_small_change_counts_only_if_asked_for() -> None:
    """A change of 0.5% in a quiet history is reported with a smaller `minimum` only."""
    rng = np.random.default_rng(11)
    values = np.exp(rng.normal(0, 0.001, 100)) * np.where(np.arange(100) < 50, 1.0, 1.005)
    assert places(values) == []
    assert places(values, minimum=0.001) == [50]


def test_surer_changes_are_a_subset() -> None:
    """With a smaller `alpha` only the changes with a smaller p-value remain."""
    values = noisy(12, at60=0.015, at140=0.08)
    assert set(places(values, alpha=1e-6)) <= set(places(values))
    assert all(each.p_value <= 1e-6 for each in change_points(values, alpha=1e-6))


def test_range_and_interval_enclose_their_estimates() -> None:
    """The place lies in its range, the ratio in its interval, and the ratio is that of the levels."""
    (change,) = change_points(noisy(13, at90=0.05))
    assert change.first <= change.index <= change.last
    assert change.low < change.ratio < change.high
    assert change.ratio == pytest.approx(change.after / change.before)


def found_near(seed: int, place: int, size: float) -> ChangePoint:
    noise = histories.gaussian(np.random.default_rng(seed), 200)
    found = change_points(histories.with_steps(noise, {place: size}))
    return min(found, key=lambda each: abs(each.index - place))


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """In at least 90% of 150 histories the 95% interval holds the true ratio and the range the true place."""
    changes = [found_near(1000 + seed, 110, 0.06) for seed in range(150)]
    assert np.mean([each.low <= 1.06 <= each.high for each in changes]) >= 0.90
    assert np.mean([each.first <= 110 <= each.last for each in changes]) >= 0.90


def test_interval_is_as_wide_as_a_bootstrap_says() -> None:
    """The interval is 1 to 1.7 times as wide as that of 2,000 resamples: it allows for wander."""
    values, rng = noisy(14, at100=0.05), np.random.default_rng(15)
    change = found_near(14, 100, 0.05)
    logs = np.log(values)
    before = rng.choice(logs[: change.index], (2000, change.index)).mean(axis=1)
    after = rng.choice(logs[change.index :], (2000, 200 - change.index)).mean(axis=1)
    low, high = np.quantile(np.exp(after - before), [0.025, 0.975])
    assert 1.0 <= (change.high - change.low) / (high - low) <= 1.7


def test_values_are_left_alone() -> None:
    """The caller's array is the same afterwards."""
    values = noisy(16, at100=0.05)
    copy = values.copy()
    change_points(values)
    np.testing.assert_array_equal(values, copy)
