"""What the Changes page draws: a script with every row, and scripts with the series, asked for one by one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

import numpy as np

from machmeter.report import changes_labels, chart_data
from machmeter.results.change import IMPROVEMENT, REGRESSION, STANDS, Change
from machmeter.results.changes import Changes, Evolution
from machmeter.results.circumstances import Circumstances, phrases
from machmeter.results.history import History, SeriesName, Timeline

#: Changes of each kind on the page: more would open slowly. ``machmeter changes`` lists all.
MOST_CHANGES: Final = {REGRESSION: 1_500, IMPROVEMENT: 500}

#: Smaller changes are left to ``machmeter changes --minimum 0``.
SMALLEST: Final = 0.01

#: Results drawn in one chart.
MOST_POINTS: Final = 2_000

#: Series in one script: small enough to be loaded at a click, large enough to keep the files few.
PER_FILE: Final = 40

_SUFFIXES: Final = {"seconds": "s", "bytes": "B"}


def scripts(history: History, found: Changes, flames: Collection[str] = ()) -> dict[str, str]:
    """Spell the page's scripts by their file names.

    Parameters
    ----------
    history : History
        For the commits of each machine.
    found : Changes
        All changes; those that the page has room for are chosen.
    flames : collection of str
        Names of the flame graphs that are published.
    """
    chosen = choose(found.found)
    evolutions = {id(evolution): evolution for _, evolution in chosen}
    where = {key: divmod(number, PER_FILE) for number, key in enumerate(evolutions)}
    drawn = [_series(evolution) for evolution in evolutions.values()]
    files = {
        f"machmeter-series-{start // PER_FILE}.js": chart_data.script(
            drawn[start : start + PER_FILE], f"machmeterSeries{start // PER_FILE}"
        )
        for start in range(0, len(drawn), PER_FILE)
    }
    data = _index(history, found.circumstances, [(change, where[id(one)]) for change, one in chosen])
    for row, (change, _) in zip(data["changes"], chosen, strict=True):
        row.update(_flame(change, flames))
    return {"machmeter-changes.js": chart_data.script(data, "machmeterChanges"), **files}


def choose(found: Sequence[tuple[Change, Evolution]]) -> list[tuple[Change, Evolution]]:
    """Choose what the page has room for: of each kind those that stand before all others, then the newest."""
    large = [pair for pair in found if pair[0].ratio is None or abs(pair[0].ratio - 1) >= SMALLEST]
    urgent = sorted(large, key=lambda pair: pair[0].standing != STANDS)
    kept = {
        id(change)
        for kind, most in MOST_CHANGES.items()
        for change in [change for change, _ in urgent if change.kind == kind][:most]
    }
    return [pair for pair in large if id(pair[0]) in kept]


def _index(
    history: History,
    around: Mapping[str, Circumstances],
    chosen: Sequence[tuple[Change, tuple[int, int]]],
) -> dict[str, Any]:
    places = list(dict.fromkeys(_place(change.series) for change, _ in chosen))
    machines = list(dict.fromkeys(machine for machine, _ in places))
    number = {place: index for index, place in enumerate(places)}
    return {
        "machines": [_machine(history.timelines[machine], around[machine]) for machine in machines],
        "places": [
            {"machine": machine, "environment": environment, "on": machines.index(machine)}
            for machine, environment in places
        ],
        "changes": [_change(change, number[_place(change.series)], file) for change, file in chosen],
    }


def _place(series: SeriesName) -> tuple[str, str]:
    return series.machine, series.environment


def _machine(timeline: Timeline, around: Circumstances) -> dict[str, Any]:
    events = [
        {"position": position, "text": "; ".join(phrases(event))}
        for position, members in sorted(around.positions().items())
        for event in members
    ]
    return {"commits": timeline.commits, "dates": list(map(_day, timeline.dates)), "events": events}


def _change(change: Change, place: int, file: tuple[int, int]) -> dict[str, Any]:
    return {
        "id": change.identifier,
        "place": place,
        "benchmark": change.series.benchmark,
        "params": changes_labels.params(change),
        "kind": change.kind,
        "size": changes_labels.size(change),
        "interval": changes_labels.interval(change),
        "ratio": change.ratio,
        "base": change.base,
        "head": change.head,
        "commits": changes_labels.commits(change),
        "possible": changes_labels.possible_commits(change),
        "date": changes_labels.date(change),
        "now": changes_labels.standing(change),
        "stands": change.standing == STANDS,
        "status": changes_labels.status(change),
        "also": "; ".join(change.causes),
        "series": file,
        "at": change.index,
    }


def _flame(change: Change, flames: Collection[str]) -> dict[str, str]:
    answer = change.answer
    if answer is None or answer.page not in flames:
        return {"flame": "", "cause": ""}
    return {"flame": answer.page, "cause": answer.cause or "flame graph"}


def _series(evolution: Evolution) -> dict[str, Any]:
    series = evolution.series
    kept = np.array(chart_data.thinned(range(series.values.size), MOST_POINTS), np.int64)
    unit = series.about.unit
    # Places of thinned results: where each kept index begins.
    place = np.searchsorted(kept, np.arange(series.values.size + 1)).tolist()
    edges = [
        0,
        *sorted({*evolution.breaks, *(point.index for point in evolution.points)}),
        series.values.size,
    ]
    return {
        "unit": unit,
        "suffix": _SUFFIXES.get(unit, ""),
        "count": int(series.values.size),
        "x": series.positions[kept].tolist(),
        "y": _rounded(series.values[kept].tolist()),
        "levels": [
            [place[start], place[end], *_rounded([float(np.median(series.values[start:end]))])]
            for start, end in pairwise(edges)
        ],
        "points": [
            [point.index, *(place[at] for at in (point.index, point.first, point.last))]
            for point in evolution.points
        ],
        "breaks": [place[at] for at in evolution.breaks],
    }


def _rounded(values: Iterable[float]) -> list[float]:
    return [float(f"{value:.5g}") for value in values]


def _day(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date().isoformat()
