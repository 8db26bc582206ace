"""From process pairs to a verdict: what the log ratios of head and base prove, and how sure that is."""

from dataclasses import dataclass
from math import ceil, exp, inf, isfinite, log, log1p, sqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from machmeter.analysis.discoveries import false_discoveries
from machmeter.analysis.generations import inflation
from machmeter.analysis.looks import (
    EQUIVALENCE_LEVEL,
    LOOKS,
    equivalent,
    next_look,
    sequential_p_value,
)
from machmeter.analysis.signed_rank import locate

__all__ = [
    "LOOKS",
    "Decision",
    "Evidence",
    "expected_pairs",
    "false_discoveries",
    "judge",
    "next_look",
    "weigh",
]

Decision = Literal["slower", "faster", "unchanged", "undecided"]

#: One-sided miss of the interval at a fixed number of pairs. Less than 2.5%, because stopping favours
#: extremes: chosen by simulation so that the interval at the moment of stopping holds the true ratio in about
#: 95% (docs/measurements/sequential.md).
_INTERVAL_MISS: Final = 0.0225

#: "Unchanged" means surely less than this part of the threshold: a slowdown of exactly the threshold, of
#: which a fixed overhead hides a few percent, must never be called so because the clock is good.
_EQUIVALENCE: Final = 0.9

#: Pairs closer than this in log ratio are the same number: no clock is involved.
_SAME: Final = 1e-12

#: Standard errors between estimate and bound at which a decision is likely: the level of one look, and for an
#: equivalence the chance that the estimate lies nearer to the bound.
_REJECTION_DISTANCE: Final = 3.5
_EQUIVALENCE_DISTANCE: Final = 0.8 - float(ndtri(EQUIVALENCE_LEVEL))

#: A robust standard deviation from the median absolute deviation of normal values.
_NORMAL_MAD: Final = 1.4826


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the pairs of one benchmark say so far.

    Parameters
    ----------
    pairs : int
        How many were weighed.
    ratio : float
        Cost of head over cost of base: above 1 is slower.
    low, high : float
        The 95% interval of the ratio, which holds also at the moment at which the rule stops. Below 6 pairs
        it is the range of the pairs.
    p_value : float
        Sequential: valid against "no change" however often it was looked at and whenever it was stopped.
    equivalent : bool
        The ratio is surely less than nine tenths of the threshold away from 1.
    spread : float
        Robust standard deviation of one pair's log ratio.
    """

    pairs: int
    ratio: float
    low: float
    high: float
    p_value: float
    equivalent: bool
    spread: float


def weigh(
    log_ratios: NDArray[np.float64],
    *,
    threshold: float,
    generations: NDArray[np.int_] | None = None,
) -> Evidence:
    """Weigh the pairs measured so far.

    p-value and equivalence use the pairs up to the last of `LOOKS` that is reached, and replay all looks
    before; ratio, interval and spread use all pairs. Pairs that are all the same number come from a
    deterministic metric: from the first look on they are taken as certain.

    Parameters
    ----------
    log_ratios : ndarray, shape (n,), float64
        ln(cost of head / cost of base), a value per process pair, in the order of measuring, n >= 1.
    threshold : float
        The smallest slowdown that must be found, as a share: 0.01 is 1%.
    generations : ndarray, shape (n,), int, optional
        Pairs measured from the same side processes have the same number. Left out, each pair stands alone.

    Raises
    ------
    ValueError
        If a log ratio is not finite, there is none, the shapes differ, or the threshold is not above 0.
    """
    values = np.asarray(log_ratios, dtype=np.float64)
    _check(values, generations, threshold)
    if float(np.ptp(values)) <= _SAME:
        return _deterministic(float(values[0]), values.size, threshold)
    where = locate(values, _INTERVAL_MISS, inflation(values, generations))
    return Evidence(
        pairs=values.size,
        ratio=exp(where.centre),
        low=exp(where.low),
        high=exp(where.high),
        p_value=sequential_p_value(values, generations),
        equivalent=equivalent(values, generations, _EQUIVALENCE * threshold),
        spread=_NORMAL_MAD * float(np.median(np.abs(values - where.centre))),
    )


def judge(evidence: Evidence, *, discovered: bool, threshold: float) -> Decision:
    """Decide by the evidence so far.

    "unchanged" where the ratio is surely within the threshold; else "slower" or "faster" where "no change" is
    rejected at the false discovery rate of the suite and the estimate is at least half the threshold away
    from it; else "undecided": measure on, and call it inconclusive when the time is over. So a difference
    that is certain but below half the threshold ends as unchanged, when enough pairs show that.

    Parameters
    ----------
    evidence : Evidence
        Weighed with the same threshold.
    discovered : bool
        Whether its p-value is among the discoveries of the whole suite (`false_discoveries`).
    threshold : float
        The smallest slowdown that must be found, as a share.
    """
    if evidence.equivalent:
        return "unchanged"
    if discovered and abs(log(evidence.ratio)) >= log1p(threshold) / 2:
        return "slower" if evidence.ratio > 1 else "faster"
    return "undecided"


def expected_pairs(evidence: Evidence, threshold: float) -> int:
    """Guess how many more pairs it takes to the look at which a decision is likely.

    A change is taken as large as it looks, an equivalence one standard error nearer to no change than it
    looks: few pairs exaggerate. At least to the next look, and 0 after the last one.
    """
    effect, bound = abs(log(evidence.ratio)), log1p(_EQUIVALENCE * threshold)
    deviation = _deviation(evidence)
    nearest = max(0.0, effect - deviation / sqrt(evidence.pairs))
    rejected = _pairs_for(_REJECTION_DISTANCE * deviation, effect if effect >= bound / 2 else 0.0)
    accepted = _pairs_for(_EQUIVALENCE_DISTANCE * deviation, bound - nearest)
    needed = min(rejected, accepted)
    later = [look for look in LOOKS if look > evidence.pairs]
    goal = next((look for look in later if look >= needed), max(later, default=evidence.pairs))
    return goal - evidence.pairs


def _check(values: NDArray[np.float64], generations: NDArray[np.int_] | None, threshold: float) -> None:
    """Refuse what cannot be weighed."""
    if values.ndim != 1 or not values.size or not np.all(np.isfinite(values)):
        msg = "log ratios are a row of finite numbers, at least one"
        raise ValueError(msg)
    if generations is not None and np.shape(generations) != values.shape:
        msg = "each pair has one generation"
        raise ValueError(msg)
    if not (isfinite(threshold) and threshold > 0):
        msg = "a threshold is a share above 0, such as 0.01"
        raise ValueError(msg)


def _deterministic(value: float, pairs: int, threshold: float) -> Evidence:
    """Weigh pairs that are all the same number: the effect itself, without a doubt from the first look on."""
    enough = pairs >= LOOKS[0]
    changed = abs(value) > _SAME
    return Evidence(
        pairs=pairs,
        ratio=exp(value),
        low=exp(value),
        high=exp(value),
        p_value=0.0 if enough and changed else 1.0,
        equivalent=enough and abs(value) < log1p(_EQUIVALENCE * threshold) - _SAME,
        spread=0.0,
    )


def _deviation(evidence: Evidence) -> float:
    """Give the standard deviation of a pair that the interval's width stands for, generations included."""
    width = log(evidence.high) - log(evidence.low)
    return width / (-2 * float(ndtri(_INTERVAL_MISS))) * sqrt(evidence.pairs)


def _pairs_for(deviations: float, distance: float) -> float:
    """Count the pairs after which a distance is that many standard errors."""
    return ceil((deviations / distance) ** 2) if distance > 0 else inf
