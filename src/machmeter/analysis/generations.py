"""How much less pairs tell when neighbours come from the same side processes."""

from math import inf, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Pairs of one generation are taken to correlate at least this much. The correlation that the few generations
#: of a decision show is often 0 by chance; without this floor "no change" at alpha = 1% is rejected in up to
#: 2.1% of simulated null sequences of generations of 4 pairs, with it in at most 1%
#: (docs/measurements/sequential.md).
_LEAST_CORRELATION: Final = 0.08


def inflation(values: NDArray[np.float64], generations: NDArray[np.int_] | None) -> float:
    """Give the factor by which generations widen the standard error of the signed ranks.

    The square root of the variance of the sums of signed ranks over generations, relative to independent
    pairs (B. Rosner, R. J. Glynn, M.-L. T. Lee, Biometrics 59 (2003) 1089-1098 and 62 (2006) 185-192, who
    take clusters as the unit), times G / (G - 1) for the G generations; at least what the least correlation
    gives by L. Kish's design effect (Survey Sampling, Wiley 1965), 1 + (size - 1) * correlation.

    Parameters
    ----------
    values : ndarray, shape (n,), float64
        Log ratios of pairs.
    generations : ndarray, shape (n,), int, or None
        Pairs with the same number share what their side processes drew at random. None: none do.

    Returns
    -------
    float
        1 where each pair has its own generation; infinite where all share one, since nothing then tells
        their common part from an effect.
    """
    if generations is None:
        return 1.0
    _, codes, sizes = np.unique(generations, return_inverse=True, return_counts=True)
    if sizes.size == values.size:
        return 1.0
    if sizes.size == 1:
        return inf
    size = float(np.sum(sizes**2)) / values.size
    seen = _variance_ratio(values, codes) * sizes.size / (sizes.size - 1)
    return sqrt(max(seen, 1 + (size - 1) * _LEAST_CORRELATION))


def _variance_ratio(values: NDArray[np.float64], codes: NDArray[np.int_]) -> float:
    """Divide the squared sums of signed ranks over generations by the squared signed ranks."""
    centred = values - np.median(values)
    ranks = np.empty(values.size)
    ranks[np.abs(centred).argsort(kind="stable")] = np.arange(1, values.size + 1)
    signed = np.sign(centred) * ranks
    alone = float(np.sum(signed**2))
    return float(np.sum(np.bincount(codes, weights=signed) ** 2)) / alone if alone else 0.0
