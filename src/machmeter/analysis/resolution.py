"""How small a change a node's pairs can show: the sequential rule replayed on the noise that was measured."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from machmeter.analysis.comparison import LOOKS, Decision, judge, weigh


class Replay(NamedTuple):
    """One replayed verdict.

    Parameters
    ----------
    word : str
        "undecided" where the pairs did not suffice.
    pairs : int
        How many it took.
    """

    word: Decision
    pairs: int


def replay(log_ratios: NDArray[np.float64], threshold: float, alpha: float) -> Replay:
    """Decide as the gate does about a single benchmark, from pairs that are already there.

    Parameters
    ----------
    log_ratios : ndarray, shape (n,), float64
        In the order in which they are to be seen.
    threshold, alpha : float
        As in `machmeter.gate.gate.Rule`.
    """
    for look in LOOKS:
        if look > log_ratios.size:
            break
        evidence = weigh(log_ratios[:look], threshold=threshold)
        word = judge(evidence, discovered=evidence.p_value <= alpha, threshold=threshold)
        if word != "undecided":
            return Replay(word, look)
    return Replay("undecided", int(log_ratios.size))


def rate_interval(rate: float, runs: float) -> tuple[float, float]:
    """Give the 95% interval of a rate.

    C. J. Clopper, E. S. Pearson, The use of confidence or fiducial limits illustrated in the case of the
    binomial, Biometrika 26 (1934) 404-413.

    Parameters
    ----------
    rate : float
        Share of the runs, 0 to 1.
    runs : float
        Number of independent runs; need not be whole.
    """
    hits, misses = rate * runs, (1 - rate) * runs
    low = float(betaincinv(hits, misses + 1, 0.025)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, misses, 0.975)) if misses > 0 else 1.0
    return low, high
