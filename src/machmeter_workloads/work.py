"""What a timed call did: how many items, how many bytes, and what came out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DIGITS = 3


@dataclass(frozen=True)
class Work:
    """What a timed call did.

    The same code and seed give the same value. It is cheap to make: a digest is taken by whoever times the
    call, outside the timed window.

    Parameters
    ----------
    items : int
        What was processed: cubes, or iterations of an optimizer.
    bytes : int
        Payload delivered or worked on, bytes.
    result : object
        A small canonical description of what was computed: tuples, str, int, float, bytes, ndarray or Tensor.
    path : mapping of str to float
        What an item needs at least from each limit of a node, in bytes; empty where nobody can say. It is no
        part of what was computed.
    """

    items: int
    bytes: int
    result: object
    path: Mapping[str, float] = field(default_factory=dict)


def rounded(values: Iterable[float], digits: int = DIGITS) -> tuple[float, ...]:
    """Round to significant digits, so that a different order of summation is still the same work.

    Parameters
    ----------
    values : iterable of float
        Any magnitudes; zeros and values that are not finite stay as they are.
    digits : int
        Significant digits to keep.

    Returns
    -------
    tuple of float
    """
    return tuple(_rounded(float(value), digits) for value in values)


def _rounded(value: float, digits: int) -> float:
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))
