"""What the Samples page draws, as one classic script: ``fetch`` does not work from a file."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from machmeter.model import Event, Sample
from machmeter.report import labels
from machmeter.report.estimate import Estimate
from machmeter.report.summary import Row, SeriesKey, by_series, commit_order, summarise_series

#: Samples drawn in all charts together (about 40 bytes each), and at most and at least in one.
ALL_DRAWN: Final = 150_000
MOST_DRAWN: Final = 2_000
LEAST_DRAWN: Final = 20


_Any = TypeVar("_Any")


def script(data: Any, name: str = "machmeter") -> str:  # noqa: ANN401 - JSON
    """Spell data as JavaScript that stays data wherever it is included.

    Parameters
    ----------
    data : JSON's types, finite numbers only
        What is spelled.
    name : str
        Of the window's property that holds it.
    """
    # ASCII only: line separators (U+2028, U+2029) and lone surrogates are escaped by json itself.
    spelled = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return f"window.{name} = " + spelled.replace("<", "\\u003c") + ";\n"


def collect(
    samples: Sequence[Sample],
    revisions: Mapping[str, int],
    parameter_names: Mapping[str, Sequence[str]],
    events: Sequence[Event] = (),
) -> dict[str, Any]:
    """Collect the table's rows and the charts' points, strings that repeat only once.

    Parameters
    ----------
    samples : sequence of Sample
        Of all machines.
    revisions : mapping of str to int
        asv's revision number of a commit hash.
    parameter_names : mapping of str to sequence of str
        Names of a benchmark's parameters.
    events : sequence of Event
        Of all machines.

    Returns
    -------
    dict
        ``commits`` (full hashes along the history), ``nodes``, ``events`` by machine, and ``series``, each
        with its ``rows`` and its ``points`` as parallel arrays: positions in ``commits`` and ``nodes``,
        seconds per item, 0 or 1.
    """
    commits = commit_order(samples, revisions)
    nodes = sorted({sample.node for sample in samples})
    position = {commit: index for index, commit in enumerate(commits)}
    node_index = {node: index for index, node in enumerate(nodes)}
    groups = by_series(samples)
    cap = most_drawn(len(groups))
    series = []
    for key, members in groups.items():
        rows = summarise_series(key, members, commits)
        drawn = thinned(sorted(members, key=lambda sample: position[sample.commit]), cap)
        series.append(
            {
                **_names(key, parameter_names),
                "count": len(members),
                "rows": [_row(row, position) for row in rows],
                "points": _points(drawn, position, node_index),
            }
        )
    known = sum(commit in revisions for commit in commits)
    return {
        "commits": commits,
        "known": known,
        "nodes": nodes,
        "events": _events(events, samples, position),
        "cap": cap,
        "series": series,
    }


def most_drawn(charts: int) -> int:
    """Say how many samples one of so many charts may draw, so that the page opens."""
    return max(LEAST_DRAWN, min(MOST_DRAWN, ALL_DRAWN // max(charts, 1)))


def thinned(samples: Sequence[_Any], cap: int) -> list[_Any]:
    """Keep at most `cap` samples, evenly spaced in the given order; the same ones every time."""
    if len(samples) <= cap:
        return list(samples)
    return [samples[index * len(samples) // cap] for index in range(cap)]


def _names(key: SeriesKey, parameter_names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {
        "machine": key.machine,
        "environment": key.environment,
        "benchmark": key.benchmark,
        "params": labels.parameters(key.params, parameter_names.get(key.benchmark, ())),
    }


def _row(row: Row, position: Mapping[str, int]) -> dict[str, Any]:
    return {
        "commit": position[row.commit],
        "wall": _estimate(row.wall),
        "cpu": _estimate(row.cpu),
        "items": [_rounded(row.items_per_s), labels.rate(row.items_per_s)],
        "bytes": [_rounded(row.bytes_per_s), labels.rate(row.bytes_per_s, "B")],
        "n": row.samples,
        "processes": row.processes,
        "runs": row.runs,
        "contended": row.contended,
        "first": labels.moment(row.first),
        "last": labels.moment(row.last),
        "marks": labels.marks(row),
    }


def _events(
    events: Sequence[Event], samples: Sequence[Sample], position: Mapping[str, int]
) -> dict[str, list[dict[str, Any]]]:
    """Place each event at the first commit along the history that its run measured."""
    places: dict[str, int] = {}
    for sample in samples:
        at = position[sample.commit]
        places[sample.run] = min(at, places.get(sample.run, at))
    found: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        if event.run in places:
            text = f"{labels.moment(event.at)} on {event.node}: {labels.changes(event)}"
            found.setdefault(event.tag, []).append({"commit": places[event.run], "text": text})
    return found


def _estimate(found: Estimate | None) -> dict[str, Any] | None:
    if found is None:
        return None
    values = [_rounded(value) for value in (found.median, found.low, found.high)]
    texts = [labels.seconds(found.median), labels.surroundings(found)]
    return {"values": values, "texts": texts, "interval": found.is_interval}


def _points(
    samples: Sequence[Sample], position: Mapping[str, int], nodes: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "commit": [position[sample.commit] for sample in samples],
        "wall": [_rounded(sample.wall_s_per_item) for sample in samples],
        "cpu": [_rounded(sample.cpu_s_per_item) for sample in samples],
        "contended": [int(sample.contended) for sample in samples],
        "node": [nodes[sample.node] for sample in samples],
        "round": [sample.round for sample in samples],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")


def parameter_names(benchmarks: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Sequence[str]]:
    """Take the names of the parameters from asv's benchmarks."""
    return {name: [str(entry) for entry in found.get("param_names", ())] for name, found in benchmarks}
