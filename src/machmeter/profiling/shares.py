"""How much of an iteration call paths take at two commits, and how sure that is."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from machmeter.analysis.discoveries import false_discoveries
from machmeter.profiles import Change, Profile, Stack

_Key = TypeVar("_Key", bound=Hashable)
#: False discovery rate among call paths, and among functions.
_ALPHA = 0.05
#: Stacks of both sides together, below which nothing is said about a path.
_FEWEST = 8
_CONFIDENCE = 0.975


@dataclass(frozen=True, slots=True)
class Scale:
    """What turns shares of stacks into seconds an iteration.

    Parameters
    ----------
    base_s : float, seconds
        An iteration at the base.
    ratio : float
        Head over base.
    error : float
        Standard error of the ratio.
    """

    base_s: float
    ratio: float
    error: float


@dataclass(frozen=True, slots=True)
class Table(Generic[_Key]):
    """Change of every key, with standard errors.

    Parameters
    ----------
    keys : tuple
        What is counted: paths, functions.
    base, head : ndarray, shape (keys,), float
        Share of the base's iteration; that of the head in the same unit.
    error : ndarray, shape (keys,), float
        Standard error of their difference.
    p_values : ndarray, shape (keys,), float
        Against no difference.
    changes : mapping
        The same in seconds, for reports.
    """

    keys: tuple[_Key, ...]
    base: NDArray[np.float64]
    head: NDArray[np.float64]
    error: NDArray[np.float64]
    p_values: NDArray[np.float64]
    changes: Mapping[_Key, Change]


def table(
    base: Sequence[Profile],
    head: Sequence[Profile],
    scale: Scale,
    count: Callable[[Stack], Iterable[_Key]],
) -> Table[_Key]:
    """Compare two sides by keys of their stacks.

    Parameters
    ----------
    base, head : sequence of Profile
        At least one a side.
    scale : Scale
        The cost of an iteration.
    count : callable
        The keys that a stack counts for, each once.

    Returns
    -------
    Table
        With the keys of both sides.

    Notes
    -----
    The share of a key is that among all stacks of a side. Its variance is the larger of the binomial one and
    the delete-one jackknife's over the side's processes (B. Efron, The Jackknife, the Bootstrap and Other
    Resampling Plans, 1982). Shares times the ratio of costs, which the gate knows far better than any
    profile, add up to the whole change; the machine's speed cancels.
    """
    before, after = (_counts(side, count) for side in (base, head))
    keys = tuple(dict.fromkeys([*before[0], *after[0]]))
    one, one_variance = _shares(before, keys)
    other, other_variance = _shares(after, keys)
    scaled = scale.ratio * other
    variance = one_variance + scale.ratio**2 * other_variance + (other * scale.error) ** 2
    error = np.sqrt(variance)
    freedom = max(1, len(base) + len(head) - 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        p_values = 2 * stats.t.sf(np.abs(scaled - one) / error, freedom)
    seen = _seen(before, keys) + _seen(after, keys)
    p_values = np.where((seen >= _FEWEST) & (error > 0), p_values, 1.0)
    return Table(
        keys, one, scaled, error, p_values, _changes(keys, one, scaled, error, p_values, scale, freedom)
    )


def _counts(
    side: Sequence[Profile], count: Callable[[Stack], Iterable[_Key]]
) -> tuple[dict[_Key, NDArray[np.float64]], NDArray[np.float64]]:
    """Stacks of each key in each process, and all stacks of each process."""
    totals = np.array([profile.count for profile in side], dtype=np.float64)
    counts: dict[_Key, NDArray[np.float64]] = {}
    for place, profile in enumerate(side):
        for stack, number in profile.stacks.items():
            for key in count(stack):
                if key not in counts:
                    counts[key] = np.zeros(len(side))
                counts[key][place] += number
    return counts, totals


def _shares(
    counted: tuple[Mapping[_Key, NDArray[np.float64]], NDArray[np.float64]], keys: Sequence[_Key]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pooled share of each key and its variance."""
    counts, totals = counted
    processes, total = totals.size, totals.sum()
    matrix = np.array([counts.get(key, np.zeros(processes)) for key in keys]).reshape(len(keys), processes)
    pooled = matrix.sum(axis=1) / max(total, 1.0)
    # A path that was not seen may still be there: as if half a stack more had been.
    smoothed = (matrix.sum(axis=1) + 0.5) / (total + 1.0)
    variance = smoothed * (1 - smoothed) / max(total, 1.0)
    if processes > 1 and np.all(total - totals > 0):
        left_out = (matrix.sum(axis=1, keepdims=True) - matrix) / (total - totals)
        spread = ((left_out - left_out.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        variance = np.maximum(variance, (processes - 1) / processes * spread)
    return pooled, variance


def _seen(
    counted: tuple[Mapping[_Key, NDArray[np.float64]], NDArray[np.float64]], keys: Sequence[_Key]
) -> NDArray[np.float64]:
    counts, totals = counted
    return np.array([counts.get(key, np.zeros(totals.size)).sum() for key in keys])


def _changes(  # noqa: PLR0913, PLR0917 - the columns of one table
    keys: Sequence[_Key],
    base: NDArray[np.float64],
    head: NDArray[np.float64],
    error: NDArray[np.float64],
    p_values: NDArray[np.float64],
    scale: Scale,
    freedom: int,
) -> dict[_Key, Change]:
    significant = false_discoveries(p_values, _ALPHA) if len(keys) else np.zeros(0, dtype=bool)
    half = float(stats.t.ppf(_CONFIDENCE, freedom)) * error
    return {
        key: Change(
            base_s=float(base[place] * scale.base_s),
            head_s=float(head[place] * scale.base_s),
            low_s=float((head[place] - base[place] - half[place]) * scale.base_s),
            high_s=float((head[place] - base[place] + half[place]) * scale.base_s),
            p_value=float(p_values[place]),
            significant=bool(significant[place]),
        )
        for place, key in enumerate(keys)
    }
