"""A change of level in a history, and everything that is known about it."""

import hashlib
import json
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from machmeter.results.confirmations import Confirmation
from machmeter.results.history import SeriesName

#: What became of a change.
STANDS: Final = "stands"
RECOVERED: Final = "recovered"
REWRITTEN: Final = "benchmark changed"
REMOVED: Final = "benchmark removed"

#: Kinds of changes.
REGRESSION: Final = "regression"
IMPROVEMENT: Final = "improvement"

#: What is known of a change.
SUSPECTED: Final = "suspected"
CONFIRMED: Final = "confirmed"
REFUTED: Final = "refuted"

_IDENTIFIER_DIGITS: Final = 10


@dataclass(frozen=True, slots=True)
class Change:
    """A change of level between two neighbouring commits of a series.

    Parameters
    ----------
    identifier : str
        Hash of the series and the two commits, ten hex digits.
    series : SeriesName
        Machine, environment, benchmark, parameters.
    param_names : tuple of str
        Names of the parameters; empty if they are not known.
    unit : str
        Of the levels.
    kind : str
        "regression" or "improvement": costs that rise, rates that fall are regressions.
    index : int
        Where the first result after the change stands in its series.
    base, head : str
        Full hashes of the last measured commit before and the first after.
    earliest, latest : str
        Between them (earliest excluded, latest included) the change may as well have happened.
    date : str
        When `head` was made: UTC, ISO 8601.
    before, after : float
        The levels, in `unit`.
    ratio, low, high : float or None
        After over before, and its interval of 95%; None where there is no such ratio.
    p_value : float
        Of the detector.
    standing : str
        "stands"; "recovered": a later change took back at least half of it; "benchmark changed": a later
        version or other work makes the levels incomparable; "benchmark removed": the suite has it no more.
    recovered_in : str or None
        Full hash of the first commit after the recovery.
    causes : tuple of str
        What else changed between the measurements: candidate causes.
    answer : Confirmation or None
        What the gate said about the two commits.
    """

    identifier: str
    series: SeriesName
    param_names: tuple[str, ...]
    unit: str
    kind: str
    index: int
    base: str
    head: str
    earliest: str
    latest: str
    date: str
    before: float
    after: float
    ratio: float | None
    low: float | None
    high: float | None
    p_value: float
    standing: str
    recovered_in: str | None
    causes: tuple[str, ...]
    answer: Confirmation | None

    @property
    def status(self) -> str:
        """Whether the gate confirmed or refuted it; otherwise it is suspected."""
        if self.answer is None or not self.answer.is_decisive:
            return SUSPECTED
        expected = "slower" if self.kind == REGRESSION else "faster"
        return CONFIRMED if self.answer.verdict == expected else REFUTED

    @property
    def magnitude(self) -> float:
        """Relative size of the change as a logarithm, without its sign; infinite where there is no ratio."""
        return abs(math.log(self.ratio)) if self.ratio is not None and self.ratio > 0 else math.inf


def identifier(series: SeriesName, base: str, head: str) -> str:
    """Name a change by its series and the commits around it: ten hex digits, the same on every machine."""
    found = _of_series(series).copy()
    found.update(f"{base}..{head}".encode(errors="backslashreplace"))
    return found.hexdigest()[:_IDENTIFIER_DIGITS]


@lru_cache(maxsize=64)
def _of_series(series: SeriesName) -> "hashlib._Hash":
    return hashlib.sha256(json.dumps(series).encode())
