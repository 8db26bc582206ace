"""When the sequential rule looks at the pairs, and what it may conclude from all its looks together."""

from math import log1p
from typing import Final

import numpy as np
from numpy.typing import NDArray

from machmeter.analysis.generations import inflation
from machmeter.analysis.signed_rank import positive_ranks, upper_tail

#: Numbers of pairs at which the rule looks. Multiples of four: the order ABBA / BAAB is balanced over two
#: pairs, and generations of 2 and 4 pairs are whole. Denser where most benchmarks are decided; a tenth more
#: looks takes one percent more pairs to reject.
LOOKS: Final = (
    8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 384, 512, 768, 1024, 1536,
)  # fmt: skip

#: With fewer pairs no signed-rank test rejects at the level of one look: 12 pairs on one side have
#: p = 2 / 2**12 = 0.05%, the twentieth part of 1%.
_FIRST_REJECTION: Final = 12

#: Looks that share alpha, each the same part of it.
_REJECTING_LOOKS: Final = sum(look >= _FIRST_REJECTION for look in LOOKS)

#: One-sided level of each equivalence test; 1 / 256 is the smallest that 8 pairs can reach. Only a few looks
#: can err, since the first ones see too little and a real change has been found after a while: a change of
#: exactly the threshold is called "unchanged" in 0.5 to 2.4% of simulated sequences
#: (docs/measurements/sequential.md).
EQUIVALENCE_LEVEL: Final = 0.004


def next_look(pairs: int) -> int | None:
    """Give the next number of pairs at which the rule looks, or None after the last."""
    return next((look for look in LOOKS if look > pairs), None)


def sequential_p_value(values: NDArray[np.float64], generations: NDArray[np.int_] | None) -> float:
    """Give the repeated p-value of "no change" over all looks so far.

    Every look spends the same part of alpha, so the smallest alpha at which some look would have rejected is
    the smallest p-value of a look times the number of looks. By Bonferroni's inequality it is valid at every
    alpha, at every stopping time, and for any dependence between looks, hence for a caller whose time is
    over, and it needs no guess of how many pairs there will be. The exact boundary of equal levels for
    normal increments (S. J. Pocock, Biometrika 64 (1977) 191-199) would need 6% fewer pairs. Repeated
    p-values: C. Jennison, B. W. Turnbull, Group Sequential Methods with Applications to Clinical Trials,
    Chapman & Hall 2000, chapter 9.

    Parameters
    ----------
    values : ndarray, shape (n,), float64
        Log ratios in the order in which the pairs were measured.
    generations : ndarray, shape (n,), int, or None
        See `inflation`.
    """
    looks = [look for look in LOOKS if _FIRST_REJECTION <= look <= values.size]
    nominal = [_two_sided(values[:look], _first(generations, look)) for look in looks]
    return min(1.0, _REJECTING_LOOKS * min(nominal, default=1.0))


def equivalent(values: NDArray[np.float64], generations: NDArray[np.int_] | None, threshold: float) -> bool:
    """Tell whether both a slowdown and a speedup by the threshold are rejected at the last look.

    Two one-sided tests, D. J. Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657-680.

    Parameters
    ----------
    values : ndarray, shape (n,), float64
        Log ratios; pairs after the last look are left out.
    generations : ndarray, shape (n,), int, or None
        See `inflation`.
    threshold : float
        A share: 0.01 asks whether the ratio lies between 1 / 1.01 and 1.01.
    """
    looks = [look for look in LOOKS if look <= values.size]
    if not looks:
        return False
    seen = values[: looks[-1]]
    ordered, widening = np.sort(seen), inflation(seen, _first(generations, seen.size))
    fast = _distance(ordered, -log1p(threshold), widening)
    slow = -_distance(ordered, log1p(threshold), widening)
    return _tail(min(fast, slow), seen.size) <= EQUIVALENCE_LEVEL


def _two_sided(values: NDArray[np.float64], generations: NDArray[np.int_] | None) -> float:
    """Give the p-value of "no change" at one look."""
    distance = _distance(np.sort(values), 0.0, inflation(values, generations))
    return 2 * _tail(abs(distance), values.size)


def _distance(ordered: NDArray[np.float64], centre: float, widening: float) -> float:
    """Give how far the positive ranks lie above half of all ranks, in units that allow for generations."""
    half = ordered.size * (ordered.size + 1) / 4
    return (positive_ranks(ordered, centre) - half) / widening


def _tail(distance: float, count: int) -> float:
    """Give the one-sided p-value of such a distance."""
    return upper_tail(count * (count + 1) / 4 + distance, count)


def _first(generations: NDArray[np.int_] | None, count: int) -> NDArray[np.int_] | None:
    """Cut the generations to the first pairs, if there are any."""
    return None if generations is None else generations[:count]
