"""Names the function that explains a change, or says why none can be named."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from machmeter.profiles import Culprit
from machmeter.profiling.blame import Blamed
from machmeter.profiling.shares import Table

#: A function is named that explains at least this share of the change.
_LEAST_EXPLAINED = 0.5
#: It must lead by so many standard errors over the next one.
_LEAD = 1.64
#: p-value of what it adds, and standard errors of its interval of 95%.
_ALPHA = 0.05
_HALF = 1.96
#: Prior log odds against a function that nobody edited: 20 to 1.
_UNEDITED = 3.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one function is blamed for.

    Parameters
    ----------
    blamed : Blamed
        The function.
    delta, error : float
        What it adds, as a share of the base's cost, and its standard error.
    p_value : float
        Against nothing.
    """

    blamed: Blamed
    delta: float
    error: float
    p_value: float


def candidates(blamed: Table[Blamed], change: float, *, edits_known: bool) -> list[Candidate]:
    """Order functions by what they are blamed for, most likely first.

    Parameters
    ----------
    blamed : Table
        By `Blamed`.
    change : float
        What is to be explained: the ratio less one.
    edits_known : bool
        Whether it is known which functions were edited: these come first as far as they explain anything.
    """
    sign = math.copysign(1.0, change)
    found = [
        Candidate(key, float(head - base), float(error), float(p_value))
        for key, base, head, error, p_value in zip(
            blamed.keys, blamed.base, blamed.head, blamed.error, blamed.p_values, strict=True
        )
        if key.name
    ]
    return sorted(found, key=lambda each: -_weight(each, change, sign, edits_known=edits_known))


def _weight(each: Candidate, change: float, sign: float, *, edits_known: bool) -> float:
    """Log odds of "it explains the change" against "it adds nothing", of a normal estimate.

    An unedited function must be so much more likely as there are reasons to look at edited ones first.
    """
    error = max(each.error, 1e-9)
    odds = (each.delta**2 - (each.delta - change) ** 2) / (2 * error**2)
    more = sign * each.delta - sign * change
    if more > 0:  # more than the whole is no less likely than the whole
        odds = each.delta**2 / (2 * error**2)
    penalty = _UNEDITED if edits_known and not each.blamed.edited else 0.0
    return odds - penalty


def name(
    ordered: Sequence[Candidate], change: float, error: float, *, edits_known: bool
) -> tuple[Culprit | None, str]:
    """Name the culprit.

    Parameters
    ----------
    ordered : sequence of Candidate
        See `candidates`.
    change, error : float
        The ratio less one and its standard error.
    edits_known : bool
        See `candidates`.

    Returns
    -------
    culprit : Culprit or None
        None if no function can be named.
    reason : str
        Why not; empty otherwise.
    """
    if abs(change) < _HALF * error or change == 0:
        return None, "there is no certain difference to explain"
    if not ordered:
        return None, "the profiles saw nothing of the project"
    doubt = _doubt(ordered, change, edits_known=edits_known)
    if doubt:
        return None, doubt
    first = ordered[0]
    low, high = first.delta - _HALF * first.error, first.delta + _HALF * first.error
    return Culprit(first.blamed.name, first.delta, low, high), ""


def _doubt(ordered: Sequence[Candidate], change: float, *, edits_known: bool) -> str:
    """Say why the first candidate must not be named; empty if it may be."""
    first, sign = ordered[0], math.copysign(1.0, change)
    percent = f"{first.delta:+.1%}"
    if first.p_value > _ALPHA or sign * first.delta <= 0:
        return "no function's change stands out from the noise; longer profiles may tell"
    if first.delta / change < _LEAST_EXPLAINED:
        return f"no function explains half of it ({first.blamed.name} {percent} of {change:+.1%})"
    if edits_known and not first.blamed.edited:
        return (
            f"the time is spent in {first.blamed.name} ({percent}), which was not edited and is called as "
            "often as before: what it works on may have changed"
        )
    for other in ordered[1:]:
        if _LEAD * math.hypot(first.error, other.error) > sign * (first.delta - other.delta) and (
            other.p_value < _ALPHA or other.blamed.edited
        ):
            return (
                f"{first.blamed.name} ({percent}) and {other.blamed.name} ({other.delta:+.1%}) cannot be "
                "told apart; longer profiles may tell"
            )
    return ""
