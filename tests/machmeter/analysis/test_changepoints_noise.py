from statistics import median

import histories
import numpy as np
import pytest

from machmeter.analysis import noise


@pytest.mark.parametrize("memory", [0.0, 0.3, 0.9])
def test_variance_of_a_mean_is_the_sum_of_all_covariances(memory: float) -> None:
    """Wander aside, it is the mean of sd^2 r^|i-j| over all pairs of measurements."""
    variance = noise.Noise(2.0, memory).mean_variance(25)
    for m in range(1, 26):
        pairs = [4.0 * memory ** abs(i - j) if i != j else 4.0 for i in range(m) for j in range(m)]
        assert variance[m] == pytest.approx(sum(pairs) / m**2 + 4.0 * noise.WANDER**2)


def test_running_median_agrees_with_the_definition() -> None:
    """Inside it is the median of eleven neighbours; the ends repeat the last full window's."""
    series = np.random.default_rng(1).normal(size=60)
    middle = noise.running_median(series)
    inside = [median(series[place - 5 : place + 6].tolist()) for place in range(5, 55)]
    assert middle.tolist() == [inside[0]] * 5 + inside + [inside[-1]] * 5


@pytest.mark.parametrize("n", [3, 4, 5, 6, 11, 12])
def test_running_median_of_a_short_series_has_its_length(n: int) -> None:
    """Series shorter than the window have a running median too, within their range."""
    series = np.random.default_rng(n).normal(size=n)
    middle = noise.running_median(series)
    assert middle.size == n
    assert series.min() <= middle.min() <= middle.max() <= series.max()


@pytest.mark.parametrize("n", [1, 2, 7, 8])
def test_median_is_the_middle(n: int) -> None:
    """It is what the standard library says, for odd and even numbers of values."""
    values = np.random.default_rng(n).normal(size=n)
    assert noise.median(values) == median(values.tolist())


def test_only_lone_outliers_are_replaced() -> None:
    """One far value is replaced by the running median, two together stay, two on different sides go."""
    series, middle = np.zeros(30), np.zeros(30)
    series[[5, 10, 11, 20, 21, 29]] = 9.0, 9.0, 9.0, 9.0, -9.0, 9.0
    kept = noise.without_lone_outliers(series, middle, 3.0)
    assert np.flatnonzero(kept).tolist() == [10, 11]


def test_reach_spans_the_core_of_normal_noise() -> None:
    """For normal noise it is 3.5 standard deviations, and one value in twenty far out changes little."""
    rng = np.random.default_rng(2)
    clean = rng.normal(size=20_000)
    spoilt = np.where(rng.random(20_000) < 0.05, 50.0, clean)
    assert noise.reach(clean, 0.0) == pytest.approx(3.5, rel=0.03)
    assert noise.reach(spoilt, 0.0) == pytest.approx(3.5, rel=0.12)


def test_reach_spans_both_modes() -> None:
    """The slower mode of a machine that is in it for 30% of the commits is within reach of the faster one."""
    series = histories.bimodal(np.random.default_rng(3), 5000)
    assert noise.reach(series - np.median(series), 0.0) > np.quantile(series, 0.99) - np.median(series)


def test_reach_is_never_below_rounding() -> None:
    """Where most values are equal it is three times the floor."""
    assert noise.reach(np.zeros(50), 0.01) == pytest.approx(0.03)


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.8])
def test_noise_is_estimated_around_known_levels(memory: float) -> None:
    """Of long AR(1) noise the estimates of standard deviation and memory are within 0.08 of the truth."""
    series = histories.autoregressive(np.random.default_rng(4), 5000, memory)
    estimate = noise.noise_of_residuals(series, [], 0.0)
    assert estimate.sd == pytest.approx(1.0, abs=0.08)
    assert estimate.memory == pytest.approx(memory, abs=0.08)


@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_noise_is_estimated_before_levels_are_known(memory: float) -> None:
    """From differences of long AR(1) noise both estimates are within 0.12 of the truth."""
    series = histories.autoregressive(np.random.default_rng(4), 5000, memory)
    estimate = noise.noise_of_differences(series, 0.0)
    assert estimate.sd == pytest.approx(1.0, abs=0.12)
    assert estimate.memory == pytest.approx(memory, abs=0.12)


def test_noise_of_mostly_equal_values_is_not_zero() -> None:
    """Where most neighbours are equal, the rest still gives a scale between the floor and theirs."""
    series = np.where(np.random.default_rng(8).random(200) < 0.15, 1.0, 0.0)
    assert 0.01 < noise.noise_of_differences(series, 0.01).sd < 1.0


def test_few_steps_hardly_change_the_estimate_from_differences() -> None:
    """With three steps of ten standard deviations the estimates stay within a tenth."""
    series = np.random.default_rng(5).normal(size=600)
    stepped = series + 10.0 * (np.arange(600) // 150 % 2)
    plain, found = (noise.noise_of_differences(each, 0.0) for each in (series, stepped))
    assert found.sd == pytest.approx(plain.sd, rel=0.1)
    assert found.memory == pytest.approx(plain.memory, abs=0.1)


def test_too_many_levels_do_not_hide_memory() -> None:
    """Cut into levels of ten commits, noise with a memory of 0.6 still shows at least 0.5."""
    series = histories.autoregressive(np.random.default_rng(6), 1000, 0.6)
    residuals = (series.reshape(-1, 10) - series.reshape(-1, 10).mean(axis=1, keepdims=True)).ravel()
    assert noise.noise_of_residuals(residuals, list(range(10, 1000, 10)), 0.0).memory >= 0.5


def test_exact_levels_have_the_floor_as_noise() -> None:
    """Residuals that are all zero give the floor and no memory."""
    assert noise.noise_of_residuals(np.zeros(20), [10], 0.01) == noise.Noise(0.01, 0.0)


def test_unrest_is_one_where_it_is_calm_and_more_where_it_is_not() -> None:
    """A stretch with three times the scatter has unrest above 1.2, a calm one exactly one."""
    residuals = np.random.default_rng(7).normal(size=300) * np.where(np.arange(300) < 100, 3.0, 1.0)
    spread = noise.noise_of_residuals(residuals, [], 0.0)
    unrest = noise.unrest(residuals, spread)
    assert unrest[20:80].min() > 1.2
    assert unrest[150:].max() == 1.0
