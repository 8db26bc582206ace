"""Change points of a whole history, each with its commits, its candidate causes and what became of it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from machmeter.results import circumstances, confirmations, points, works
from machmeter.results.change import (
    IMPROVEMENT,
    RECOVERED,
    REGRESSION,
    REMOVED,
    REWRITTEN,
    STANDS,
    Change,
    identifier,
)
from machmeter.results.circumstances import Circumstances
from machmeter.results.confirmations import Confirmation
from machmeter.results.history import History, Series, Timeline

if TYPE_CHECKING:
    from machmeter.analysis.changepoints import ChangePoint


@dataclass(frozen=True, slots=True, eq=False)
class Evolution:
    """A series with its change points: what a chart shows.

    Parameters
    ----------
    series : Series
    breaks : tuple of int
        Positions in the series' values where another version or other work begins.
    points : tuple of ChangePoint
        In the order of their positions.
    """

    series: Series
    breaks: tuple[int, ...]
    points: tuple["ChangePoint", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """All changes of a history.

    Parameters
    ----------
    found : tuple of (Change, Evolution)
        The newest first, the largest first among those of the same date.
    circumstances : mapping of str to Circumstances
        By machine.
    problems, notes : tuple of str
        What could not be read; what became of the files that are kept to save time.
    """

    found: tuple[tuple[Change, Evolution], ...]
    circumstances: Mapping[str, Circumstances]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def find(results_dir: Path, history: History, chosen: Sequence[Series] | None = None) -> Changes:
    """Find the changes of a history.

    Parameters
    ----------
    results_dir : Path
        asv's; our own records lie beside it.
    history : History
        What was read there.
    chosen : sequence of Series, optional
        The series to look at, in the history's order; all by default.
    """
    answers, problems = confirmations.read(results_dir)
    found: list[tuple[Change, Evolution]] = []
    around: dict[str, Circumstances] = {}
    notes: list[str] = []
    series = history.series if chosen is None else chosen
    for machine, members in groupby(series, key=lambda each: each.name.machine):
        timeline = history.timelines[machine]
        evolutions, remarks = _evolutions(results_dir, timeline, list(members), every=chosen is None)
        around[machine], troubles = circumstances.read(results_dir, machine, timeline)
        found += [
            (change, evolution)
            for evolution in evolutions
            for change in _changes(evolution, timeline, around[machine], answers)
        ]
        problems += troubles
        notes += remarks
    found.sort(key=lambda pair: pair[0].magnitude, reverse=True)
    found.sort(key=lambda pair: pair[0].date, reverse=True)
    return Changes(tuple(found), around, tuple(problems), tuple(notes))


def _evolutions(
    results_dir: Path, timeline: Timeline, series: Sequence[Series], *, every: bool
) -> tuple[list[Evolution], tuple[str, ...]]:
    machine = series[0].name.machine
    done = works.read(results_dir, machine)
    breaks = [_breaks(each, timeline, done.get(each.name)) for each in series]
    searched = [(each.values, at) for each, at in zip(series, breaks, strict=True)]
    found, notes = points.search(results_dir, machine, searched, every=every)
    return [Evolution(*parts) for parts in zip(series, breaks, found, strict=True)], notes


def _breaks(series: Series, timeline: Timeline, work: Mapping[str, str] | None) -> tuple[int, ...]:
    """Find where the benchmark itself changed: results on both sides are not of the same work."""
    found: set[int] = set()
    if series.versions.min() != series.versions.max():
        found.update(_switches(series.versions.tolist(), unknown=-1))
    if work is not None:
        digests = [work.get(timeline.commits[position]) for position in series.positions]
        found.update(_switches(digests, unknown=None))
    return tuple(sorted(found))


def _switches(values: Sequence[object], *, unknown: object) -> Iterator[int]:
    """List where a value differs from the last known one."""
    latest = unknown
    for index, value in enumerate(values):
        if value == unknown:
            continue
        if latest not in (unknown, value):
            yield index
        latest = value


def _changes(
    evolution: Evolution,
    timeline: Timeline,
    around: Circumstances,
    answers: Mapping[str, Confirmation],
) -> Iterator[Change]:
    series = evolution.series
    name, about = series.name, series.about
    positions = series.positions.tolist()
    for point in evolution.points:
        base, head, earliest, latest = (
            timeline.commits[positions[index]]
            for index in (point.index - 1, point.index, max(point.first - 1, 0), point.last)
        )
        named = identifier(name, base, head)
        standing, recovery = _standing(evolution, point)
        yield Change(
            identifier=named,
            series=name,
            param_names=about.param_names,
            unit=about.unit,
            kind=REGRESSION if (point.after > point.before) != about.higher_is_better else IMPROVEMENT,
            index=point.index,
            base=base,
            head=head,
            earliest=earliest,
            latest=latest,
            date=_moment(timeline.dates[positions[point.index]]),
            before=point.before,
            after=point.after,
            ratio=_finite(point.ratio),
            low=_finite(point.low),
            high=_finite(point.high),
            p_value=point.p_value,
            standing=standing,
            recovered_in=None if recovery is None else timeline.commits[positions[recovery]],
            causes=around.causes(name.environment, positions[max(point.first - 1, 0)], positions[point.last]),
            answer=answers.get(named),
        )


def _standing(evolution: Evolution, point: "ChangePoint") -> tuple[str, int | None]:
    """Tell what became of a change: a later one of the same work may have taken half of it back."""
    end = next((at for at in evolution.breaks if at > point.index), None)
    half = _middle(point.before, point.after)
    for later in evolution.points:
        if later.index <= point.index or (end is not None and later.index >= end):
            continue
        if (later.after <= half) == (point.after > point.before):
            return RECOVERED, later.index
    if not evolution.series.about.listed:
        return REMOVED, None
    return (STANDS if end is None else REWRITTEN), None


def _middle(before: float, after: float) -> float:
    """Half of the way, as ratios are counted where there is one."""
    return float(np.sqrt(before * after)) if before > 0 and after > 0 else (before + after) / 2


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


@lru_cache(maxsize=10_000)
def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
