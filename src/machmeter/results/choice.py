"""Choosing among series and changes: by name, by date, by size."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from machmeter.errors import UnknownChangeError, UnknownMomentError
from machmeter.results import repository
from machmeter.results.change import REGRESSION, Change
from machmeter.results.history import History, Series

#: Fewer letters of a hash are taken for a date or for a name.
_FEWEST_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Since:
    """A moment on the history.

    Parameters
    ----------
    moment : str
        UTC, ISO 8601, to the second.
    included : bool
        Whether a change at that very moment is meant too: not if it is a commit.
    """

    moment: str
    included: bool

    def precedes(self, change: Change) -> bool:
        """Whether a change came later."""
        return change.date >= self.moment if self.included else change.date > self.moment


def matching(series: Iterable[Series], pattern: re.Pattern[str]) -> list[Series]:
    """Choose series as ``asv run --bench`` does: by the benchmark's name or with its parameters behind it."""
    return [
        each
        for each in series
        if pattern.search(each.name.benchmark)
        or pattern.search(spelled(each.name.benchmark, each.name.params))
    ]


def spelled(benchmark: str, params: Sequence[str]) -> str:
    """Spell a benchmark as asv does: ``name(param, param)``."""
    return f"{benchmark}({', '.join(params)})" if params else benchmark


def since(text: str, history: History, project: Path | None) -> Since:
    """Understand a commit or a date.

    Parameters
    ----------
    text : str
        The beginning of a measured commit's hash, a name that the repository knows, or an ISO 8601 date.
    history : History
        For the dates of its commits.
    project : Path or None
        The project's repository.

    Raises
    ------
    UnknownMomentError
        If it is none of them.
    """
    found = _measured(text, history)
    if found is None:
        found = _parsed(text)
    if found is None and project is not None and (full := repository.full_hash(project, text)) is not None:
        found = _measured(full, history) or _made(full, project)
    if found is None:
        raise UnknownMomentError(text)
    return found


def worth_showing(
    changes: Iterable[Change], minimum: float, after: Since | None, *, improvements: bool
) -> list[Change]:
    """Choose changes.

    Parameters
    ----------
    minimum : float
        Smallest relative change: 0.01 for 1%. A change without a ratio is always large enough.
    after : Since or None
        Only later ones.
    improvements : bool
        Whether improvements are wanted too.
    """
    return [
        change
        for change in changes
        if (improvements or change.kind == REGRESSION)
        and (change.ratio is None or abs(change.ratio - 1) >= minimum)
        and (after is None or after.precedes(change))
    ]


def identified(changes: Iterable[Change], start: str) -> Change:
    """Find the change whose identifier begins so.

    Raises
    ------
    UnknownChangeError
        If there is none, or more than one.
    """
    fitting = [change for change in changes if start and change.identifier.startswith(start.lower())]
    if len(fitting) != 1:
        raise UnknownChangeError(start, len(fitting))
    return fitting[0]


def _measured(text: str, history: History) -> Since | None:
    if len(text) < _FEWEST_LETTERS:
        return None
    dates = {
        commit: moment
        for timeline in history.timelines.values()
        for commit, moment in zip(timeline.commits, timeline.dates, strict=True)
        if commit.startswith(text.lower())
    }
    # An abbreviation of several commits says nothing.
    return _of_commit(*dates.values()) if len(dates) == 1 else None


def _made(commit: str, project: Path) -> Since | None:
    moment = repository.commit_dates(project).get(commit)
    return None if moment is None else _of_commit(moment)


def _of_commit(milliseconds: int) -> Since:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return Since(moment.isoformat(timespec="seconds"), included=False)


def _parsed(text: str) -> Since | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # A date without a zone is meant as the dates are shown: in UTC.
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return Since(moment.isoformat(timespec="seconds"), included=True)
