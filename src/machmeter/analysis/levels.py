"""Where a history splits into levels."""

import math
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np

from machmeter.analysis.noise import Values
from machmeter.analysis.seeds import seeds

#: Measurements that a new level at the beginning or the end of a history must have ...
SHORTEST: Final = 3

#: ... and one between two others: what disturbs the machine often lasts for a few commits.
SHORTEST_INSIDE: Final = 7

#: Neighbours that may differ in a history of exact values, as a share.
EXACT_JUMPS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Whole:
    """Measurements that are not drawn in.

    Parameters
    ----------
    series : ndarray, shape (n,), float64
    sums : ndarray, shape (n + 1,), float64
        Running sums of `series`.
    least, most : float
        Of `series`.
    """

    series: Values
    sums: Values
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Ground:
    """What the levels are looked for in.

    Parameters
    ----------
    whole : Whole
        The measurements, lone outliers replaced.
    drawn_in : ndarray, shape (n,), float64
        The measurements, drawn in to their level plus or minus the reach.
    sums : ndarray, shape (n + 1,), float64
        Running sums of `drawn_in`.
    reach : float
        How far from its level a measurement counts in full.
    variance : ndarray, shape (n + 1,), float64
        Of the mean of 0 ... n neighbours.
    unrest : ndarray, shape (n,), float64
        How many times larger the standard deviation is around each position.
    """

    whole: Whole
    drawn_in: Values
    sums: Values
    reach: float
    variance: Values
    unrest: Values


def whole(series: Values) -> Whole:
    """Sum up what does not change while the levels are looked for."""
    return Whole(series, running_sums(series), float(series.min()), float(series.max()))


def running_sums(values: Values) -> Values:
    """Give the sums of the first 0 ... n values, shape (n + 1,)."""
    sums = np.zeros(values.size + 1)
    np.cumsum(values, out=sums[1:])
    return sums


def squared_scores(sums: Values, variance: Values, fewest: tuple[int, int]) -> Values:
    """Squared distance of the means before and after every split, in variances of that distance.

    With S the sum of the first k of n and s that of all, the distance is (S - k s / n) (1 / k + 1 / (n - k)).

    Parameters
    ----------
    sums : ndarray, shape (n + 1,), float64
        As `running_sums` gives them; a part of them for a part of the history.
    variance : ndarray, shape (at least n + 1,), float64
        As `Noise.mean_variance` gives it.
    fewest : (int, int)
        Measurements that stay before and after a split, at least one.

    Returns
    -------
    ndarray, shape (n + 1 - both of `fewest`,), float64
    """
    n = sums.size - 1
    low, high = fewest[0], n - fewest[1] + 1
    left, right = slice(low, high), slice(n - low, n - high, -1)
    count, per_one = _counts(1 << n.bit_length())
    begin, end = float(sums[0]), float(sums[n])
    distance = count[left] * ((begin - end) / n)
    distance += sums[left]
    distance -= begin
    distance *= per_one[left] + per_one[right]
    distance *= distance
    distance /= variance[left] + variance[right]
    return distance


@lru_cache(maxsize=32)
def _counts(n: int) -> tuple[Values, Values]:
    count = np.arange(n, dtype=np.float64)
    return count, 1 / np.maximum(count, 1.0)


def candidates(ground: Ground, fixed: Iterable[int], threshold: float) -> list[int]:
    """Find splits above a threshold: first the best of the seeded stretches, then between what was found.

    Parameters
    ----------
    ground : Ground
        The history.
    fixed : iterable of int
        Known changes; given back among the others.
    threshold : float
        In standard deviations.
    """
    found = _of_seeds(ground, list(fixed), threshold)
    edges = [0, *sorted(found), ground.whole.series.size]
    todo = list(pairwise(edges))
    while todo:
        start, end = todo.pop()
        score, cut = best_split(ground, start, end)
        if score > threshold:
            found.append(cut)
            todo += [(start, cut), (cut, end)]
    return sorted(found)


def exact_steps(series: Values, floor: float) -> list[int] | None:
    """List where neighbours differ by more than `floor`; None if so many do that the history is not exact."""
    jumps = np.abs(series[1:] - series[:-1]) > floor
    if np.count_nonzero(jumps) > max(series.size * EXACT_JUMPS, 2):
        return None
    steps: list[int] = (jumps.nonzero()[0] + 1).tolist()
    return steps


def best_split(ground: Ground, start: int, end: int) -> tuple[float, int]:
    """Give the highest score of a stretch and its position; (0, start) if the stretch is too short."""
    fewest = _shortest(ground, start), _shortest(ground, end)
    if end - start < sum(fewest):
        return 0.0, start
    squares = squared_scores(ground.sums[start : end + 1], ground.variance, fewest)
    best = int(squares.argmax())
    return math.sqrt(squares[best]), start + fewest[0] + best


def _shortest(ground: Ground, edge: int) -> int:
    """Give how short a level at this edge may be."""
    return SHORTEST_INSIDE if 0 < edge < ground.whole.series.size else SHORTEST


def relocated(ground: Ground, cuts: list[int], still: Container[int]) -> list[int]:
    """Move every cut, but for those of `still`, to the best place between its neighbours."""
    edges = [0, *cuts, ground.whole.series.size]
    for index in range(1, len(edges) - 1):
        if edges[index] not in still:
            score, cut = best_split(ground, edges[index - 1], edges[index + 1])
            edges[index] = cut if score > 0 else edges[index]
    return edges[1:-1]


def score_of(ground: Ground, start: int, cut: int, end: int) -> float:
    """Score one cut, the shorter side drawn in to the longer side's level plus or minus the reach.

    So a short level must show itself in several measurements: two that are far out prove nothing.
    """
    return _score(ground, (start, cut, end), _mean(ground, start, cut), _mean(ground, cut, end))


def _score(ground: Ground, edges: tuple[int, int, int], before: float, after: float) -> float:
    start, cut, end = edges
    level, begin, stop = (before, cut, end) if cut - start >= end - cut else (after, start, cut)
    size = stop - begin
    far = ground.reach * max(1.0, math.sqrt(size / SHORTEST_INSIDE))
    whole = ground.whole
    if level - far <= whole.least and whole.most <= level + far:
        total = whole.sums.item(stop) - whole.sums.item(begin)
    else:
        total = float(np.add.reduce(whole.series[begin:stop].clip(level - far, level + far)))
    spread = math.sqrt(ground.variance.item(cut - start) + ground.variance.item(end - cut))
    return abs(total / size - level) / (spread * ground.unrest.item(cut))


def _mean(ground: Ground, start: int, end: int) -> float:
    return (ground.sums.item(end) - ground.sums.item(start)) / (end - start)


def pruned(
    ground: Ground, cuts: list[int], fixed: frozenset[int], threshold: float, smallest: float
) -> list[int]:
    """Drop the weakest cut until all score above the threshold and change the level by `smallest`.

    Backward elimination: each level is judged against its final neighbours, not those of the search.
    """
    cuts, strength = list(cuts), [np.nan] * len(cuts)
    stale: Iterable[int] = range(len(cuts))
    while cuts:
        edges = [0, *cuts, ground.whole.series.size]
        for index in stale:
            strength[index] = _strength(ground, edges[index : index + 3], fixed, threshold, smallest)
        weakest = min(range(len(cuts)), key=strength.__getitem__)
        if strength[weakest] >= threshold:
            break
        del cuts[weakest], strength[weakest]
        stale = range(max(weakest - 1, 0), min(weakest + 1, len(cuts)))
    return cuts


def _strength(
    ground: Ground, edges: list[int], fixed: frozenset[int], threshold: float, smallest: float
) -> float:
    """Score a cut; one that changes too little or makes too short a level stays below the threshold."""
    start, cut, end = edges
    if cut in fixed:
        return math.inf
    before, after = _mean(ground, start, cut), _mean(ground, cut, end)
    if cut - start < _shortest(ground, start) or end - cut < _shortest(ground, end):
        # Of a short level's two ends the smaller one goes: the rest of it belongs to that neighbour.
        return -1.0 / max(abs(after - before), math.ulp(0.0))
    score = _score(ground, (start, cut, end), before, after)
    return min(score, threshold * abs(after - before) / smallest) if smallest > 0 else score


def _of_seeds(ground: Ground, found: list[int], threshold: float) -> list[int]:
    """Take the best split of all stretches that hold none yet, until none is above the threshold."""
    table = seeds(ground.whole.series.size, SHORTEST_INSIDE)
    if not table.begins.size:
        return found
    squares = _seed_squares(ground)
    peak = np.maximum.reduceat(squares, table.begins)
    for cut in found:
        peak[(table.start < cut) & (cut < table.end)] = 0.0
    while peak[best := int(peak.argmax())] > threshold * threshold:
        begin = int(table.begins[best])
        splits = int(table.end[best] - table.start[best]) - 2 * SHORTEST_INSIDE + 1
        cut = int(table.split[begin + int(squares[begin : begin + splits].argmax())])
        found.append(cut)
        peak[(table.start < cut) & (cut < table.end)] = 0.0
    return found


def _seed_squares(ground: Ground) -> Values:
    table, sums, variance = seeds(ground.whole.series.size, SHORTEST_INSIDE), ground.sums, ground.variance
    distance = sums.take(table.first) * table.per_left
    distance += sums.take(table.last) * table.per_right
    distance -= sums.take(table.split) * table.per_both
    distance *= distance
    distance /= variance.take(table.left) + variance.take(table.right)
    return distance
