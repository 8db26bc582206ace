"""Chooses the clock that decides about a benchmark: CPU time where it computes, wall time where it waits."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from machmeter.analysis.comparison import weigh
from machmeter.pairs import WAITING_BOUND, Pair

Clock = Literal["cpu", "wall", "gpu", "value"]

#: Robust standard errors by which the sides' waiting must differ before it counts.
_CERTAIN = 4.0


def choose(pairs: Sequence[Pair], threshold: float, *, parallel: bool = False) -> Clock:
    """Choose by the pairs so far.

    CPU time is blind to waiting: a head that sleeps a little more than its base must not pass because both
    compute most of the time. So wall time decides as well where the sides' waiting differs by more than the
    threshold, beyond doubt.

    Parameters
    ----------
    pairs : sequence of Pair
        At least one.
    threshold : float
        Smallest slowdown that must be found, as a share.
    parallel : bool
        Whether several cores compute at once.
    """
    if any(pair.base.value is not None for pair in pairs):
        return "value"
    if all(pair.gpu is not None for pair in pairs):
        return "gpu"
    if parallel or any(pair.cpu is None for pair in pairs):
        return "wall"
    base, head = _waiting(pairs)
    if max(np.median(base), np.median(head)) > WAITING_BOUND:
        return "wall"
    more = head - base
    deviation = 1.4826 * float(np.median(np.abs(more - np.median(more))))
    error = 1.2533 * deviation / len(more) ** 0.5  # of a median
    differs = abs(float(np.median(more))) > max(threshold, _CERTAIN * error)
    return "wall" if differs and len(more) > 1 else "cpu"


def same_waiting(pairs: Sequence[Pair], threshold: float) -> bool:
    """Tell whether the sides' waiting surely differs by less than the threshold.

    "Unchanged" by CPU time says nothing about a sleep that was added.
    """
    base, head = _waiting(pairs)
    return weigh(head - base, threshold=threshold).equivalent


def log_ratios(pairs: Sequence[Pair], clock: Clock) -> tuple[list[float], list[int]]:
    """Log ratios by a clock, and their generations; contended pairs never decide by wall time."""
    usable = [pair for pair in pairs if not (clock == "wall" and pair.contended)]
    known = [(_of(pair, clock), pair.generation) for pair in usable]
    return [ratio for ratio, _ in known if ratio is not None], [
        generation for ratio, generation in known if ratio is not None
    ]


def _of(pair: Pair, clock: Clock) -> float | None:
    return {"cpu": pair.cpu, "wall": pair.wall, "gpu": pair.gpu, "value": pair.value}[clock]


def _waiting(pairs: Sequence[Pair]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the share of its wall time that each side waited for something other than a core."""
    return np.array([pair.base.waited for pair in pairs]), np.array([pair.head.waited for pair in pairs])
