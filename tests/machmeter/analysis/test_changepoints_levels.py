import math
from itertools import combinations, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from machmeter.analysis import levels
from machmeter.analysis.noise import Noise
from machmeter.analysis.seeds import seeds

Values = NDArray[np.float64]


def ground_of(series: Values, sd: float = 1.0) -> levels.Ground:
    """What the search sees of independent noise of known size without outliers."""
    variance = Noise(sd, 0.0).mean_variance(series.size)
    calm = np.ones(series.size)
    return levels.Ground(levels.whole(series), series, levels.running_sums(series), 100 * sd, variance, calm)


def slow_score(series: Values, variance: Values, split: int) -> float:
    """Difference of means over its standard deviation, by loops."""
    before = sum(float(value) for value in series[:split]) / split
    after = sum(float(value) for value in series[split:]) / (series.size - split)
    return abs(after - before) / math.sqrt(variance[split] + variance[series.size - split])


def misfit(series: Values, cuts: tuple[int, ...]) -> float:
    """Sum of squared distances from the levels' means."""
    edges = (0, *cuts, series.size)
    return sum(float(((series[a:b] - series[a:b].mean()) ** 2).sum()) for a, b in pairwise(edges))


def test_scores_agree_with_loops() -> None:
    """Every split's score is that of the definition, up to rounding."""
    series = np.random.default_rng(1).normal(size=40) + 5
    variance = Noise(0.7, 0.4).mean_variance(40)
    slow = [slow_score(series, variance, split) for split in range(2, 40 - 4 + 1)]
    squares = levels.squared_scores(levels.running_sums(series), variance, (2, 4))
    np.testing.assert_allclose(np.sqrt(squares), slow, atol=1e-9)


def test_scores_are_those_of_the_classical_cusum_statistic() -> None:
    """For independent noise the score is |S_k - k/n S_n| / (sd sqrt(k (n - k) / n)), wander aside."""
    series, n = np.random.default_rng(2).normal(size=30), 30
    split = np.arange(1, n)
    sums = np.cumsum(series)
    classical = np.abs(sums[:-1] - split / n * sums[-1]) / np.sqrt(split * (n - split) / n)
    variance = np.concatenate(([np.inf], 1 / np.arange(1.0, n + 1)))
    squares = levels.squared_scores(levels.running_sums(series), variance, (1, 1))
    np.testing.assert_allclose(np.sqrt(squares), classical, atol=1e-9)


def test_score_of_a_cut_agrees_with_the_scores() -> None:
    """Without anything out of reach a single cut has the score that it has among all splits."""
    series = np.random.default_rng(3).normal(size=50)
    ground = ground_of(series)
    everywhere = np.sqrt(levels.squared_scores(ground.sums, ground.variance, (1, 1)))
    one_by_one = [levels.score_of(ground, 0, cut, 50) for cut in range(1, 50)]
    np.testing.assert_allclose(one_by_one, everywhere, atol=1e-12)


def test_seed_scores_agree_with_loops() -> None:
    """Every split of every seeded stretch has the score of the definition."""
    series = np.random.default_rng(4).normal(size=45)
    ground, table = ground_of(series), seeds(45, 7)
    ends = [*table.begins[1:], table.split.size]
    slow = [
        slow_score(series[start:end], ground.variance, int(split) - start)
        for start, end, begin, stop in zip(table.start, table.end, table.begins, ends, strict=True)
        for split in table.split[begin:stop]
    ]
    np.testing.assert_allclose(np.sqrt(levels._seed_squares(ground)), slow, atol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_two_steps_are_where_the_best_fit_has_them(seed: int) -> None:
    """For clear steps the cuts are those with the smallest misfit of all pairs of cuts."""
    series = np.random.default_rng(seed).normal(size=40)
    series += np.select([np.arange(40) < 12, np.arange(40) < 26], [0.0, 5.0], 1.0)
    allowed = [pair for pair in combinations(range(3, 38), 2) if pair[1] - pair[0] >= levels.SHORTEST_INSIDE]
    best = min(allowed, key=lambda pair: misfit(series, pair))
    ground, none = ground_of(series), frozenset[int]()
    found = levels.relocated(ground, levels.candidates(ground, none, 4.0), none)
    assert tuple(levels.pruned(ground, found, none, 4.0, 0.0)) == best


def test_pruning_ends_where_every_cut_is_strong() -> None:
    """Of cuts all over noise and two steps, those that remain score above the threshold; the steps remain."""
    series = np.random.default_rng(5).normal(size=120) + 4.0 * (np.arange(120) >= 40) * (np.arange(120) < 80)
    ground = ground_of(series)
    kept = levels.pruned(ground, list(range(10, 120, 10)), frozenset(), 4.5, 0.0)
    assert kept == [40, 80]


def test_pruning_keeps_what_is_fixed() -> None:
    """A known change stays, however weak it is."""
    ground = ground_of(np.random.default_rng(6).normal(size=60))
    assert levels.pruned(ground, [20, 30, 40], frozenset({30}), 4.5, 0.0) == [30]


def test_pruning_drops_changes_that_are_too_small() -> None:
    """A sure change below the smallest that counts is dropped."""
    ground = ground_of(np.repeat([0.0, 1.0], 50) + np.random.default_rng(7).normal(size=100) * 0.1, sd=0.1)
    assert levels.pruned(ground, [50], frozenset(), 4.5, 0.5) == [50]
    assert levels.pruned(ground, [50], frozenset(), 4.5, 2.0) == []


def test_two_outliers_at_the_end_are_no_level() -> None:
    """Two of three last measurements far out score less than three that are moderately out."""
    series = np.random.default_rng(8).normal(size=60)
    two, three = series.copy(), series.copy()
    two[-3:] = 100.0, 0.0, 100.0
    three[-3:] = 3.4
    scores = []
    for series in (two, three):
        drawn_in, calm = series.clip(-3.5, 3.5), np.ones(60)
        variance = Noise(1.0, 0.0).mean_variance(60)
        sums = levels.running_sums(drawn_in)
        ground = levels.Ground(levels.whole(series), drawn_in, sums, 3.5, variance, calm)
        scores.append(levels.score_of(ground, 0, 57, 60))
    assert scores[0] < scores[1]


@pytest.mark.parametrize("n", [6, 13, 14, 83, 200, 802])
def test_stretches_lie_in_the_history_and_leave_room(n: int) -> None:
    """Every stretch lies within 0 ... n, and every split leaves seven measurements on both sides."""
    table = seeds(n, 7)
    assert (table.start >= 0).all()
    assert (table.end <= n).all()
    assert (table.left >= 7).all()
    assert (table.right >= 7).all()


@pytest.mark.parametrize("distance", [28, 50, 100])
def test_every_change_is_alone_in_a_stretch(distance: int) -> None:
    """Between neighbours at `distance`, some stretch holds a place with an eighth of that on both sides."""
    n = 400
    table = seeds(n, 7)
    for place in range(distance, n - distance):
        alone = (table.start >= place - distance) & (table.end <= place + distance)
        room = np.minimum(place - table.start, table.end - place) >= distance / 8
        assert (alone & room).any()
