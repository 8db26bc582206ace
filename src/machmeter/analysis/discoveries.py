"""Which of many p-values are discoveries, at a false discovery rate over all of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def false_discoveries(p_values: Sequence[float] | NDArray[np.float64], alpha: float) -> NDArray[np.bool_]:
    """Mark the discoveries among which a share of at most `alpha` is expected to be false.

    Y. Benjamini, Y. Hochberg, Journal of the Royal Statistical Society B 57 (1995) 289-300: the k smallest
    p-values, with the largest k for which the k-th is at most `alpha` * k / m.

    Parameters
    ----------
    p_values : sequence of float, length m
        One a benchmark, undecided ones included.
    alpha : float
        The false discovery rate, between 0 and 1.

    Returns
    -------
    ndarray, shape (m,), bool
        True where "no change" is rejected.

    Raises
    ------
    ValueError
        If a p-value or `alpha` is not between 0 and 1.
    """
    given = np.asarray(p_values, dtype=np.float64)
    if not (np.all((given >= 0) & (given <= 1)) and 0 < alpha < 1):
        msg = "p-values lie between 0 and 1, and alpha strictly between them"
        raise ValueError(msg)
    ordered = np.sort(given)
    allowed = alpha * np.arange(1, given.size + 1) / max(given.size, 1)
    reached = np.flatnonzero(ordered <= allowed)
    if not reached.size:
        return np.zeros(given.shape, dtype=np.bool_)
    discovered: NDArray[np.bool_] = given <= ordered[reached[-1]]
    return discovered
