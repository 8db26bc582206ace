"""Which commit changed a level: the probabilities of all commits, after noisy comparisons of some of them.

Horstein's probabilistic bisection: instead of throwing away half of the commits after each comparison, which
a single wrong answer makes worthless, every comparison shifts the probabilities of all commits by what it
proves, and the next commit is the median. M. Horstein, Sequential transmission using noiseless feedback, IEEE
Transactions on Information Theory 9 (1963) 136-143; R. Waeber, P. I. Frazier, S. G. Henderson, Bisection
search with noisy responses, SIAM Journal on Control and Optimization 51 (2013) 2261-2279; for steps in a row
of values R. M. Karp, R. Kleinberg, Noisy binary search and its applications, SODA 2007, 881-890.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Search ends when a commit, or commits that cannot be told apart, have this probability together.
CONFIDENCE: Final = 0.99
#: A commit is left alone when it is slow or fast with this probability: another commit takes an installation,
#: which takes longer than a pair. Two commits beside a step must be certain, so each a little more than half.
SETTLED: Final = 0.996

#: Pairs have heavier tails than the normal distribution; Student's keeps an outlier from deciding alone.
_DEGREES: Final = 4.0
#: The spread counts as at least this part of the step: no pair alone is ever quite certain.
_LEAST_SPREAD: Final = 1 / 8
#: Correlation that pairs of the same side processes are taken to have (docs/measurements/sequential.md: a
#: random offset of a generation of 0.5% where the pairs spread by 0.8% is one of 0.28).
_CORRELATION: Final = 0.3
#: A level between the two is another step's work. It is taken for one after this many pairs, if it is this
#: many standard errors, and a quarter of the step, away from both.
_PAIRS_BETWEEN: Final = 4
_ERRORS_BETWEEN: Final = 4.0
_SHARE_BETWEEN: Final = 0.25
#: Standard error of a median, in standard deviations over the root of the number.
MEDIAN_ERROR: Final = 1.2533


class Group(NamedTuple):
    """Neighbouring commits that no comparison can tell apart.

    Parameters
    ----------
    first, last : int
        Positions, both included. More than one commit where those between cannot be measured.
    probability : float
        That the change is there.
    """

    first: int
    last: int
    probability: float


@dataclass(frozen=True, slots=True)
class Step:
    """What is looked for: a step from one level to another.

    Parameters
    ----------
    before, after : float
        Log ratios to the good commit.
    spread : float
        Standard deviation of a pair's log ratio.
    """

    before: float
    after: float
    spread: float

    @property
    def middle(self) -> float:
        """Where a level is as near to one as to the other."""
        return (self.before + self.after) / 2

    def log_odds(self, ratios: Sequence[float], generations: Sequence[int]) -> float:
        """Tell how much likelier a commit's pairs are after the step than before it.

        Parameters
        ----------
        ratios : sequence of float, length n
            Log ratios of the commit's pairs; none prove nothing.
        generations : sequence of int, length n
            Pairs with the same number share their side processes, and count less.

        Returns
        -------
        float
            Natural logarithm of the ratio of the likelihoods.
        """
        if not ratios:
            return 0.0
        values, codes = np.array(ratios), np.array(generations)
        if self._between(values):
            sign = 1 if (float(np.median(values)) - self.middle) * (self.after - self.before) >= 0 else -1
            return sign * log(CONFIDENCE / (1 - CONFIDENCE)) * 2
        return sum(self._of_generation(values[codes == code]) for code in np.unique(codes))

    def _of_generation(self, values: NDArray[np.float64]) -> float:
        size = values.size
        spread = max(self.spread, abs(self.after - self.before) * _LEAST_SPREAD)
        scale = spread * sqrt((1 + (size - 1) * _CORRELATION) / size)
        before, after = (((float(values.mean()) - level) / scale) ** 2 for level in (self.before, self.after))
        return (_DEGREES + 1) / 2 * log((_DEGREES + before) / (_DEGREES + after))

    def _between(self, values: NDArray[np.float64]) -> bool:
        if values.size < _PAIRS_BETWEEN:
            return False
        error = _ERRORS_BETWEEN * MEDIAN_ERROR * self.spread / sqrt(values.size)
        least = max(error, _SHARE_BETWEEN * abs(self.after - self.before))
        return all(abs(float(np.median(values)) - level) > least for level in (self.before, self.after))


def posterior(count: int, log_odds: Mapping[int, float]) -> NDArray[np.float64]:
    """Give the probability of each position, all being equally likely beforehand.

    Parameters
    ----------
    count : int
        Positions are 1 to `count`; the commit at `count` is known to come after the step.
    log_odds : mapping of int to float
        By position, what `Step.log_odds` said.

    Returns
    -------
    ndarray, shape (count,), float64
        The probability that the step is at position 1, 2, ...
    """
    logs = np.zeros(count)
    for position, odds in log_odds.items():
        logs[:position] += odds  # a commit after the step puts it there or before
    weights = np.exp(logs - logs.max())
    probabilities: NDArray[np.float64] = weights / weights.sum()
    return probabilities


def groups(probabilities: NDArray[np.float64], measurable: Sequence[int]) -> list[Group]:
    """Join the positions that cannot be told apart, the likeliest group first.

    Parameters
    ----------
    probabilities : ndarray, shape (count,), float64
        Of the positions 1 to count.
    measurable : sequence of int
        Ascending positions below count that can be compared.
    """
    ends = [*measurable, probabilities.size]
    starts = [1, *(position + 1 for position in measurable)]
    found = [
        Group(first, last, float(probabilities[first - 1 : last].sum()))
        for first, last in zip(starts, ends, strict=True)
    ]
    return sorted(found, key=lambda group: -group.probability)


def next_position(
    probabilities: NDArray[np.float64], measurable: Sequence[int], current: int | None = None
) -> int | None:
    """Choose the commit to compare next: the present one until it is settled, then the median.

    Parameters
    ----------
    probabilities, measurable
        As in `groups`.
    current : int, optional
        What is installed.

    Returns
    -------
    int or None
        None where there is nothing to compare.
    """
    slow = np.cumsum(probabilities)  # that a commit comes after the step

    def certainty(position: int) -> float:
        return float(max(slow[position - 1], 1 - slow[position - 1]))

    if current is not None and current in measurable and certainty(current) < SETTLED:
        return current
    middle = (probabilities.size + 1) / 2
    return min(measurable, key=lambda each: (round(certainty(each), 9), abs(each - middle)), default=None)


def credible(probabilities: NDArray[np.float64]) -> Group:
    """Give the neighbouring positions that hold the step with about `CONFIDENCE`."""
    slow = np.cumsum(probabilities)
    tail = (1 - CONFIDENCE) / 2
    first = int(np.searchsorted(slow, tail, "right")) + 1
    last = min(int(np.searchsorted(slow, 1 - tail)) + 1, probabilities.size)
    return Group(first, last, float(probabilities[first - 1 : last].sum()))
