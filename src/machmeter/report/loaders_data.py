"""What the Loaders page shows: the newest commit of each machine, against the limits of that machine."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from machmeter.machine import paths
from machmeter.machine.limits import Mach
from machmeter.model import LimitsRecord, Sample
from machmeter.report import labels
from machmeter.report.machine_text import spelled
from machmeter.report.records import Records
from machmeter.report.summary import Row, by_series, commit_order, summarise_series

#: The parameter that names what is compared.
_STRATEGY: Final = "strategy"


def collect(
    records: Records, revisions: Mapping[str, int], parameter_names: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Collect the rows of the newest commit of each machine.

    Parameters
    ----------
    records : Records
        Samples without a path are passed over.
    revisions : mapping of str to int
        asv's revision number of a commit hash.
    parameter_names : mapping of str to sequence of str
        Names of a benchmark's parameters.

    Returns
    -------
    dict
        ``machines``: tag, commit and when the limits were measured, sorted by tag; ``rows``, each with the
        position of its machine. Both are empty where no benchmark has a path.
    """
    samples: dict[str, list[Sample]] = {}
    for sample in records.samples:
        if sample.path is not None:
            samples.setdefault(sample.tag, []).append(sample)
    limits = _limits(records)
    machines, rows = [], []
    for tag, members in sorted(samples.items()):
        measured = limits.get(tag, [])
        known = paths.rates(limit for record in measured for limit in record.limits)
        commit = _newest(members, revisions)
        machines.append({"tag": tag, "commit": commit, "limits": _when(measured)})
        found = by_series(sample for sample in members if sample.commit == commit)
        for key, of_series in found.items():
            (row,) = summarise_series(key, of_series, [commit])
            names = parameter_names.get(key.benchmark, ())
            about = _about(row, of_series[-1].path or {}, known)
            rows.append({"machine": len(machines) - 1, **_names(row, names), **about})
    return {"machines": machines, "rows": rows}


def _limits(records: Records) -> dict[str, list[LimitsRecord]]:
    found: dict[str, list[LimitsRecord]] = {}
    for machine in records.machines:
        for record in machine.limits:
            found.setdefault(record.tag, []).append(record)
    return found


def _when(measured: Sequence[LimitsRecord]) -> str:
    return labels.moment(measured[-1].started_at) if measured else ""


def _newest(samples: Sequence[Sample], revisions: Mapping[str, int]) -> str:
    """Name the last commit along the history; one that asv does not know comes only where all are so."""
    commits = commit_order(samples, revisions)
    return ([commit for commit in commits if commit in revisions] or commits)[-1]


def _names(row: Row, names: Sequence[str]) -> dict[str, str]:
    """Tell the strategy from the other parameters; a benchmark without one stands for itself."""
    series, values = row.series, list(row.series.params)
    strategy = series.benchmark
    left = list(names)
    if len(left) == len(values) and _STRATEGY in left:
        place = left.index(_STRATEGY)
        strategy = values.pop(place).strip("'\"")
        del left[place]
    return {
        "strategy": strategy,
        "benchmark": series.benchmark,
        "params": labels.parameters(values, left),
        "environment": series.environment,
    }


def _about(row: Row, path: Mapping[str, float], known: Mapping[str, float]) -> dict[str, Any]:
    cpu_s = None if row.cpu is None else row.cpu.median
    missing = paths.unknown(path, known)
    found = None if missing else paths.nearest_mach(path, known, cpu_s, row.wall.median)
    return {
        "cpu": _with_text(cpu_s, labels.seconds),
        "wall": _with_text(row.wall.median, labels.seconds),
        "items": _with_text(row.items_per_s, labels.rate),
        "bytes": _with_text(row.bytes_per_s, _bytes_a_second),
        **_mach(found, missing),
        "n": row.samples,
        "marks": labels.marks(row),
        "path": [_step(limit, amount, known) for limit, amount in path.items()],
    }


def _mach(found: Mach | None, missing: Sequence[str]) -> dict[str, Any]:
    if found is None:
        why = f"not measured: {', '.join(missing)}" if missing else ""
        return {"mach": [None, labels.NOTHING], "stage": labels.NOTHING, "limit": why}
    value, limit = found
    return {"mach": [_rounded(value), f"{value:.2f}"], "stage": paths.stage(limit), "limit": limit}


def _step(limit: str, amount: float, known: Mapping[str, float]) -> list[str]:
    """Spell what is needed, what the limit is, and the time that follows; a pace is a time already."""
    if limit in paths.SET_BY_THE_WORK:
        return [paths.stage(limit), limit, labels.NOTHING, labels.NOTHING, labels.seconds(amount)]
    needs = labels.rate(amount, "B")
    if limit not in known:
        return [paths.stage(limit), limit, needs, "not measured", labels.NOTHING]
    rate = spelled(known[limit] / 1e9, "GB/s")
    return [paths.stage(limit), limit, needs, rate, labels.seconds(amount / known[limit])]


def _with_text(value: float | None, spell: Callable[[float], str]) -> list[Any]:
    return [None, labels.NOTHING] if value is None else [_rounded(value), spell(value)]


def _bytes_a_second(value: float) -> str:
    return labels.rate(value, "B")


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")
