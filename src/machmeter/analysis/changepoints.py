"""Where a history of measurements changed its level, by how much, and how sure that is."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from machmeter.analysis import levels, noise
from machmeter.analysis.noise import Values

#: Levels and noise are estimated in turn, at most this often.
_PASSES: Final = 4

#: Searching a history of n is like trying at most this many times n independent places.
_PLACES: Final = 3.0

#: Standard deviation below which differences are rounding: a share of the level.
_ROUNDING: Final = 1e-4

#: A place is possible while twice its log-likelihood is at most this much below the best one's: both sides'
#: maxima of a random walk with drift are exponential, 2 x -log(1 - sqrt(0.95)). Siegmund, Biometrika 1988.
_PLACE_95: Final = 7.352

_NORMAL_975: Final = 1.959964


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """A change of level between two neighbouring measurements of a history.

    Parameters
    ----------
    index : int
        Position of the first measurement after the change.
    first, last : int
        The change lies between the measurements ``first - 1`` and ``last`` (95%); first <= index <= last.
    before, after : float
        Levels, in the values' unit: means without outliers, geometric for positive values.
    ratio : float
        after / before; nan where `before` is not positive.
    low, high : float
        95% interval of `ratio`; nan likewise.
    p_value : float
        Probability of evidence as strong anywhere in a history without change; rather too large.
    """

    index: int
    first: int
    last: int
    before: float
    after: float
    ratio: float
    low: float
    high: float
    p_value: float


def change_points(
    values: NDArray[np.float64],
    *,
    breaks: Sequence[int] = (),
    minimum: float = 0.01,
    alpha: float = 0.05,
) -> tuple[ChangePoint, ...]:
    """Find the changes of level in a history.

    Parameters
    ----------
    values : ndarray, shape (n,), float64
        Measurements in the order of the commits, finite, any unit. Positive ones are compared by ratio.
    breaks : sequence of int
        Positions of the first measurement after a known change (of the work, of the benchmark's version):
        the level may change there, and that is never reported.
    minimum : float
        Smallest change of level that counts, as a share: 0.01 for 1%.
    alpha : float
        Bound of `ChangePoint.p_value`.

    Returns
    -------
    tuple of ChangePoint
        By position. Fewer than six measurements have none.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.size < 2 * levels.SHORTEST:
        return ()
    least, most = float(values.min()), float(values.max())
    positive = least > 0
    # Means differ by no more than single values do.
    if least == most or (positive and most <= least * (1 + minimum)):
        return ()
    series = np.log(values) if positive else values
    unit = 1.0 if positive else noise.median(np.abs(values[values != 0]))
    fixed = frozenset(int(cut) for cut in breaks if 0 < cut < values.size)
    threshold = _threshold(alpha, values.size)
    smallest = math.log1p(minimum) if positive else minimum * unit
    ground, cuts = _levels(series, fixed, threshold, smallest, _ROUNDING * unit)
    edges = [0, *cuts, values.size]
    spans = zip(edges, edges[1:], edges[2:], strict=False)
    moved = (ground.drawn_in != series).tolist() if cuts else []
    return tuple(_described(ground, span, moved, positive=positive) for span in spans if span[1] not in fixed)


@lru_cache(maxsize=256)
def _threshold(alpha: float, n: int) -> float:
    return -NormalDist().inv_cdf(min(alpha / (2 * _PLACES * n), 0.5))


def _levels(
    series: Values, fixed: frozenset[int], threshold: float, smallest: float, floor: float
) -> tuple[levels.Ground, list[int]]:
    """Search in the series drawn in to its running median, then judge around the levels found."""
    ground = _first_ground(series, floor)
    cuts = _candidates(ground, fixed, threshold, floor)
    still = fixed.union(cuts)
    for _ in range(_PASSES if cuts else 0):
        ground = _ground(ground, cuts, floor)
        cuts = levels.relocated(ground, cuts, still)
        kept = levels.pruned(ground, cuts, fixed, threshold, smallest)
        if len(kept) in (0, len(cuts)):
            return ground, kept
        still = fixed.union(_between_the_same(cuts, kept))
        cuts = kept
    return ground, cuts


def _candidates(ground: levels.Ground, fixed: frozenset[int], threshold: float, floor: float) -> list[int]:
    """Search for splits; where the values are exact, every place where they change is one."""
    if ground.reach == noise.FLOOR_REACH * floor:
        steps = levels.exact_steps(ground.whole.series, floor)
        if steps is not None:
            return sorted(fixed.union(steps))
    return levels.relocated(ground, levels.candidates(ground, fixed, threshold), fixed)


def _between_the_same(cuts: list[int], kept: list[int]) -> list[int]:
    """List the cuts that have the neighbours they had: only others may have a better place now."""
    before = {each[1]: each for each in _with_neighbours(cuts)}
    return [each[1] for each in _with_neighbours(kept) if each == before[each[1]]]


def _with_neighbours(cuts: list[int]) -> Iterator[tuple[int, int, int]]:
    return zip([-1, *cuts], cuts, [*cuts[1:], -1], strict=False)


def _first_ground(series: Values, floor: float) -> levels.Ground:
    """Draw the series in to its running median, without lone outliers."""
    middle = noise.running_median(series)
    reach = noise.reach(series - middle, floor)
    series = noise.without_lone_outliers(series, middle, noise.LONE_REACH * reach)
    drawn_in = series.clip(middle - reach, middle + reach)
    variance = noise.noise_of_differences(drawn_in, floor).mean_variance(series.size)
    sums, calm = levels.running_sums(drawn_in), np.ones(series.size)
    return levels.Ground(levels.whole(series), drawn_in, sums, reach, variance, calm)


def _ground(last: levels.Ground, cuts: list[int], floor: float) -> levels.Ground:
    """Draw the series in to its levels and measure the noise around them."""
    series = last.whole.series
    edges = [0, *cuts, series.size]
    counts = np.array([end - start for start, end in pairwise(edges)])
    middle = np.array([noise.median(series[start:end]) for start, end in pairwise(edges)]).repeat(counts)
    reach = noise.reach(series - middle, floor)
    drawn_in = series.clip(middle - reach, middle + reach)
    residuals = drawn_in - (np.add.reduceat(drawn_in, edges[:-1]) / counts).repeat(counts)
    spread = noise.noise_of_residuals(residuals, cuts, floor)
    sums = levels.running_sums(drawn_in)
    variance, unrest = spread.mean_variance(series.size), noise.unrest(residuals, spread)
    return levels.Ground(last.whole, drawn_in, sums, reach, variance, unrest)


def _described(
    ground: levels.Ground, span: tuple[int, int, int], moved: Sequence[bool], *, positive: bool
) -> ChangePoint:
    start, cut, end = span
    first, last = _places(ground, span, moved)
    before = float(np.add.reduce(ground.drawn_in[start:cut])) / (cut - start)
    after = float(np.add.reduce(ground.drawn_in[cut:end])) / (end - cut)
    error = _NORMAL_975 * math.sqrt(ground.variance.item(cut - start) + ground.variance.item(end - cut))
    score = levels.score_of(ground, start, cut, end)
    p_value = min(1.0, 2 * _PLACES * ground.whole.series.size * _tail(score))
    ratio, low, high = _ratio(before, after, error, positive=positive)
    if positive:
        before, after = math.exp(before), math.exp(after)
    return ChangePoint(cut, first, last, before, after, ratio, low, high, p_value)


def _places(ground: levels.Ground, span: tuple[int, int, int], moved: Sequence[bool]) -> tuple[int, int]:
    """Give first and last position at which the change may lie."""
    start, cut, end = span
    squares = levels.squared_scores(ground.sums[start : end + 1], ground.variance, (1, 1))
    possible = squares >= squares[cut - start - 1] - _PLACE_95 * ground.unrest[cut] ** 2
    first, last = start + 1 + int(possible.argmax()), end - 1 - int(possible[::-1].argmax())
    # What was replaced or drawn in does not tell on which side of the change it is.
    while first > start + 1 and moved[first - 1]:
        first -= 1
    while last < end - 1 and moved[last]:
        last += 1
    return first, last


def _ratio(before: float, after: float, error: float, *, positive: bool) -> tuple[float, float, float]:
    """Give the ratio of two levels and its interval; `before` and `after` are logarithms if positive."""
    distance = after - before
    if positive:
        return math.exp(distance), math.exp(distance - error), math.exp(distance + error)
    if before <= 0:
        return math.nan, math.nan, math.nan
    return after / before, (after - error) / before, (after + error) / before


def _tail(score: float) -> float:
    """Probability that a standard normal number is larger."""
    return math.erfc(score / math.sqrt(2)) / 2
