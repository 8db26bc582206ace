"""How a history scatters around its levels: its reach, its spread, its memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

#: Commits in a running median. A new level is followed after half of them; fewer slow commits in a row than
#: that count as outliers as long as nothing else speaks for a new level.
WINDOW: Final = 11

#: How far from its level a measurement still counts in full, in normal standard deviations of the core ...
CORE_REACH: Final = 3.5

#: ... or this many times the distance within which 88% lie, so that the slower mode of a machine with two
#: modes is noise, not a row of outliers.
COVERED: Final = 0.88
COVER_REACH: Final = 2.0

#: ... and where values are exact this many times what counts as rounding.
FLOOR_REACH: Final = 3.0

#: A measurement beyond this many reaches, with neighbours that are not, is left out.
LONE_REACH: Final = 1.3

#: Levels wander a little even where no commit did anything (layout, updates, temperature): by this share of
#: the standard deviation. It keeps long histories from turning every wave into a change.
WANDER: Final = 0.05

#: Memory above this cannot be told from a change of level; steps of it below this make no difference.
MOST_MEMORY: Final = 0.9
MEMORY_STEP: Final = 0.01

#: The spread is also looked at around each position, over this many commits, pulled towards the whole
#: history's as if that had been seen in so many further commits.
AROUND: Final = 31
PRIOR: Final = 20

_NORMAL_MAD: Final = 1.482602218505602


@dataclass(frozen=True, slots=True)
class Noise:
    """Scatter around a level, as an autoregressive process of first order.

    Parameters
    ----------
    sd : float
        Standard deviation of one measurement, in the series' unit.
    memory : float
        Correlation of neighbours, 0 to `MOST_MEMORY`.
    """

    sd: float
    memory: float

    def mean_variance(self, longest: int) -> Values:
        """Variance of the mean of 0, 1 ... `longest` neighbouring measurements, wandering included.

        For AR(1) with correlation r the mean of m has the variance
        sd^2 / m [(1 + r) / (1 - r) - 2 r (1 - r^m) / (m (1 - r)^2)].
        Wilks, Statistical Methods in the Atmospheric Sciences, section 5.2 (variance of a mean under
        serial dependence); Box, Jenkins, Reinsel, Time Series Analysis, section 2.1.

        Returns
        -------
        ndarray, shape (longest + 1,), float64
            The series' unit squared; infinite for the mean of none.
        """
        # Lengths are rounded up so that few tables serve all histories.
        table = _unit_variance(self.memory, 1 << longest.bit_length())
        return self.sd**2 * table[: longest + 1]


@lru_cache(maxsize=256)
def _unit_variance(r: float, longest: int) -> Values:
    count = np.arange(1.0, longest + 1)
    factor: Values | float = 1.0
    if r > 0:
        factor = (1 + r) / (1 - r) - 2 * r / (1 - r) ** 2 * (1 - np.exp(count * np.log(r))) / count
    return np.concatenate([[np.inf], factor / count + WANDER**2])


def median(values: Values) -> float:
    """Middle of some values; faster than numpy's for few of them."""
    ordered = values.copy()
    ordered.sort()
    return _middle(ordered)


def running_median(series: Values) -> Values:
    """Median of `WINDOW` neighbours; at both ends the last full window's.

    Parameters
    ----------
    series : ndarray, shape (n,), float64
        At least three.

    Returns
    -------
    ndarray, shape (n,), float64
    """
    width = min(WINDOW, (series.size - 1) | 1)
    half = width // 2
    windows = series[_windows(series.size, width)]
    windows.partition(half, axis=1)
    return windows[:, half]


@lru_cache(maxsize=16)
def _windows(n: int, width: int) -> NDArray[np.intp]:
    """List the neighbours of every position, shape (n, width); those of the ends are the last full ones."""
    begin = np.clip(np.arange(n) - width // 2, 0, n - width)
    return begin[:, np.newaxis] + np.arange(width)


def reach(residuals: Values, floor: float) -> float:
    """How far from its level a measurement counts in full; at least three times `floor`.

    Parameters
    ----------
    residuals : ndarray, shape (n,), float64
        Distances from the level.
    floor : float
        Standard deviation below which differences are rounding, same unit.
    """
    distance = np.abs(residuals)
    distance.sort()
    core = _NORMAL_MAD * float(distance[distance.size // 2])
    covered = float(distance[int(COVERED * distance.size)])
    return max(CORE_REACH * core, COVER_REACH * covered, FLOOR_REACH * floor)


def without_lone_outliers(series: Values, middle: Values, far: float) -> Values:
    """Replace what lies further than `far` from the running median alone, on its side, by that median.

    Hampel's filter (Davies and Gather, JASA 1993) for single measurements only: two neighbours that are slow
    together may be the beginning of a change.
    """
    distance = series - middle
    outside = np.abs(distance) > far
    if not outside.any():
        return series
    side = np.sign(distance) * outside
    company = np.zeros(series.size, dtype=np.bool_)
    together = side[1:] == side[:-1]
    company[1:] = together
    company[:-1] |= together
    return np.where(outside & ~company, middle, series)


def noise_of_differences(series: Values, floor: float) -> Noise:
    """Estimate the noise before the levels are known, from differences of first and second neighbours.

    Half the mean square of differences over k commits is sd^2 (1 - r^k), whatever the level: the ratio for
    k = 2 and k = 1 is 1 + r. Differences across a step are bounded, so few steps do not matter: by 22 medians
    of the squares (3.2 standard deviations), or where most are zero by all but the largest twentieth.
    Hall, Kay, Titterington, Biometrika 1990 (variance from differences).
    """
    one, two = _squares(series[1:] - series[:-1]), _squares(series[2:] - series[:-2])
    ordered = np.sort(one)
    bound = 22 * _middle(ordered) or float(ordered[-1 - max(one.size // 20, 1)])
    first = float(np.minimum(one, bound).sum()) / one.size / 2
    second = float(np.minimum(two, bound).sum()) / two.size / 2
    memory = _bounded(second / first - 1) if first > floor**2 else 0.0
    return Noise(max((first / (1 - memory)) ** 0.5, floor), memory)


def noise_of_residuals(residuals: Values, cuts: Sequence[int], floor: float) -> Noise:
    """Estimate the noise once the levels are known.

    The memory is the larger of two estimates: the correlation of neighbouring residuals, corrected for the
    bias -(levels + 3 r) / n (Marriott and Pope, Biometrika 1954, for one level), and that of the differences
    within levels, which too many levels cannot hide. What scatters less than `floor` has none.

    Parameters
    ----------
    residuals : ndarray, shape (n,), float64
        Measurements minus the mean of their level.
    cuts : sequence of int
        Where levels begin, without 0.
    floor : float
        As in `reach`.
    """
    n, levels = residuals.size, len(cuts) + 1
    power = float(residuals @ residuals)
    if power <= n * floor**2:
        return Noise(floor, 0.0)
    correlation = float(residuals[1:] @ residuals[:-1]) / power
    correlation += (levels + 3 * max(correlation, 0.0)) / n
    memory = max(correlation, _memory_within(residuals, cuts))
    return Noise(max((power / max(n - levels, 1)) ** 0.5, floor), _bounded(memory))


def unrest(residuals: Values, noise: Noise) -> Values:
    """How much larger than the whole history's the standard deviation is around each position.

    Returns
    -------
    ndarray, shape (n,), float64
        At least one: quiet stretches lend no extra certainty.
    """
    width = min(AROUND, residuals.size)
    before, after = width // 2, width - width // 2 - 1
    # Beyond its ends the history is mirrored.
    sums = np.zeros(residuals.size + width)
    mirrored = np.concatenate(
        (residuals[:before][::-1], residuals, residuals[residuals.size - after :][::-1])
    )
    np.cumsum(mirrored * mirrored, out=sums[1:])
    pulled = ((sums[width:] - sums[:-width]) / noise.sd**2 + PRIOR) / (width + PRIOR)
    return np.sqrt(np.maximum(pulled, 1.0))


def _memory_within(residuals: Values, cuts: Sequence[int]) -> float:
    """Give the correlation of neighbours from differences that cross no cut."""
    one, two = residuals[1:] - residuals[:-1], residuals[2:] - residuals[:-2]
    for cut in cuts:
        one[cut - 1] = 0.0
        two[max(cut - 2, 0) : cut] = 0.0
    first = float(one @ one) / max(one.size - len(cuts), 1)
    second = float(two @ two) / max(two.size - 2 * len(cuts), 1)
    return second / first - 1 if first > 0 else 0.0


def _squares(values: Values) -> Values:
    return values * values


def _middle(ordered: Values) -> float:
    half = ordered.size // 2
    return float(ordered[half] if ordered.size % 2 else (ordered[half - 1] + ordered[half]) / 2)


def _bounded(memory: float) -> float:
    return min(max(round(memory / MEMORY_STEP) * MEMORY_STEP, 0.0), MOST_MEMORY)
