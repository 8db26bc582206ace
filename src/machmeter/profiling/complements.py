"""Subtracts what other profilers than py-spy tell: memory by call path, torch's operators and kernels."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from machmeter.analysis.discoveries import false_discoveries
from machmeter.profiling.blame import own_frames

Status = Literal["added", "removed", "changed", ""]

#: What a row is about ("path", "operator", "kernel"), and its name: a role and frames, or the name alone.
Key = tuple[str, tuple[str, ...]]
#: What one process told: the measures of a subject by key.
Sheet = Mapping[Key, tuple[float, ...]]

#: False discovery rate of each measure.
_ALPHA: Final = 0.05
#: Processes of a side, below which nothing is known about how much they differ.
_FEWEST: Final = 2
#: Less than this share of the whole is no change worth a row, however exactly it is known.
_LEAST: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Subject:
    """What is traced.

    Parameters
    ----------
    name : str
        Also that of the measuring process's operation.
    measures : tuple of str
        Columns of a `Sheet`.
    deciding : mapping of str to float
        Those by which a row is called changed, with the least share of the whole that counts.
    ranking : tuple of str
        Those by which rows are ordered.
    """

    name: str
    measures: tuple[str, ...]
    deciding: Mapping[str, float]
    ranking: tuple[str, ...]


#: Bytes and number of the allocations that are alive at the peak of the heap.
MEMORY: Final = Subject("memory", ("bytes", "allocations"), {"bytes": _LEAST}, ("bytes",))
#: Calls, own CPU seconds and own seconds on the device of an iteration.
TORCH: Final = Subject(
    "torch",
    ("calls", "cpu_s", "device_s"),
    {"calls": 0.0, "cpu_s": _LEAST, "device_s": _LEAST},
    ("cpu_s", "device_s"),
)


@dataclass(frozen=True, slots=True)
class Amount:
    """A measure in each process of both sides.

    Parameters
    ----------
    base, head : tuple of float
        One a process.
    changed : bool
        Whether the sides differ by more than their processes do.
    """

    base: tuple[float, ...]
    head: tuple[float, ...]
    changed: bool = False

    @property
    def before(self) -> float:
        """Median of the base."""
        return median(self.base)

    @property
    def after(self) -> float:
        """Median of the head."""
        return median(self.head)

    @property
    def delta(self) -> float:
        """Difference of the medians."""
        return self.after - self.before

    @property
    def spread(self) -> float:
        """Range of the processes of one side, the larger one."""
        return max(max(side) - min(side) for side in (self.base, self.head))


@dataclass(frozen=True, slots=True)
class Row:
    """A call path, an operator or a kernel at both commits.

    Parameters
    ----------
    what : str
        "path", "operator" or "kernel".
    name : tuple of str
        A role and the project's frames from the benchmark inwards, or the name alone.
    status : str
        "added" if no process of the base and each of the head has it, "removed" the other way round,
        "changed" if a deciding measure did, empty otherwise.
    amounts : mapping of str to Amount
        By measure; zero in a process that does not have it.
    """

    what: str
    name: tuple[str, ...]
    status: Status
    amounts: Mapping[str, Amount]


@dataclass(frozen=True, slots=True)
class Complement:
    """Two commits compared by another profiler.

    Parameters
    ----------
    subject, benchmark, params
        Name of what was traced, and of which benchmark.
    totals : mapping of str to Amount
        Of all rows together, by measure, where they add up.
    rows : tuple of Row
        The largest change first, those that did not change last.
    """

    subject: str
    benchmark: str
    params: tuple[str, ...]
    totals: Mapping[str, Amount]
    rows: tuple[Row, ...]


def memory_sheet(rows: Iterable[tuple[Sequence[str], int, int]], project: Collection[str]) -> Sheet:
    """Make a sheet of what `machmeter.probe.forks.memory_pass` told.

    Parameters
    ----------
    rows : iterable of (list of str, int, int)
        Role and frames, bytes, number of allocations.
    project : collection of str
        Top-level modules. Libraries count for the project's function that called them.
    """
    sheet: defaultdict[Key, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for stack, size, number in rows:
        path = (stack[0], *own_frames(tuple(stack), project))
        sheet["path", path][0] += size
        sheet["path", path][1] += number
    return {key: tuple(values) for key, values in sheet.items()}


def torch_sheet(rows: Iterable[tuple[str, str, float, float, float]]) -> Sheet:
    """Make a sheet of what `machmeter.probe.forks.torch_pass` told."""
    return {(what, (name,)): (calls, cpu_s, device_s) for what, name, calls, cpu_s, device_s in rows}


def subtract(
    subject: Subject,
    base: Sequence[Sheet],
    head: Sequence[Sheet],
    benchmark: str = "",
    params: tuple[str, ...] = (),
) -> Complement:
    """Subtract the base from the head.

    Parameters
    ----------
    subject : Subject
        What was traced.
    base, head : sequence of Sheet
        At least two processes a side.
    benchmark, params
        What ran.

    Raises
    ------
    ValueError
        If a side has too few processes.

    Notes
    -----
    A measure is called changed if Student's test between the processes of both sides is a discovery at a
    false discovery rate of 5% over all rows, the medians differ by more than the processes of either side
    do, and by more than the least share of the whole. What does not vary at all differs for certain.
    """
    if min(len(base), len(head)) < _FEWEST:
        msg = f"{_FEWEST} processes a side are needed to know how much they differ"
        raise ValueError(msg)
    keys = tuple(dict.fromkeys(key for sheet in (*base, *head) for key in sheet))
    amounts = {
        measure: _judged(
            _matrix(keys, base, place), _matrix(keys, head, place), subject.deciding.get(measure)
        )
        for place, measure in enumerate(subject.measures)
    }
    rows = [
        Row(
            what=key[0],
            name=key[1],
            status=_status(key, base, head, [amounts[measure][place] for measure in subject.deciding]),
            amounts={measure: amounts[measure][place] for measure in subject.measures},
        )
        for place, key in enumerate(keys)
    ]
    return Complement(
        subject=subject.name,
        benchmark=benchmark,
        params=params,
        totals=_totals(subject, base, head),
        rows=_ordered(rows, subject),
    )


def _matrix(keys: Sequence[Key], side: Sequence[Sheet], place: int) -> NDArray[np.float64]:
    """One measure: a row a key, a column a process."""
    values = [[sheet[key][place] if key in sheet else 0.0 for sheet in side] for key in keys]
    return np.array(values, dtype=np.float64).reshape(len(keys), len(side))


def _judged(base: NDArray[np.float64], head: NDArray[np.float64], least: float | None) -> tuple[Amount, ...]:
    """Amounts of one measure; without a least share none of them is called changed."""
    given = [
        Amount(tuple(one), tuple(other)) for one, other in zip(base.tolist(), head.tolist(), strict=True)
    ]
    if least is None or not given:
        return tuple(given)
    bound = least * max(float(np.median(side.sum(axis=0))) for side in (base, head))
    found = false_discoveries(_p_values(base, head), _ALPHA)
    return tuple(
        Amount(each.base, each.head, bool(sure) and abs(each.delta) > max(each.spread, bound))
        for each, sure in zip(given, found, strict=True)
    )


def _p_values(base: NDArray[np.float64], head: NDArray[np.float64]) -> NDArray[np.float64]:
    """Student's test of each row against "no difference"."""
    difference = np.abs(head.mean(axis=1) - base.mean(axis=1))
    one, other = (side.var(axis=1, ddof=1) / side.shape[1] for side in (base, head))
    error = np.sqrt(one + other)
    freedom = base.shape[1] + head.shape[1] - 2
    with np.errstate(divide="ignore", invalid="ignore"):
        p_values = 2 * stats.t.sf(difference / error, freedom)
    return np.where(difference > 0, p_values, 1.0)


def _status(key: Key, base: Sequence[Sheet], head: Sequence[Sheet], deciding: Iterable[Amount]) -> Status:
    if not any(amount.changed for amount in deciding):
        return ""
    before, after = ([key in sheet for sheet in side] for side in (base, head))
    if not any(before) and all(after):
        return "added"
    if all(before) and not any(after):
        return "removed"
    return "changed"


def _totals(subject: Subject, base: Sequence[Sheet], head: Sequence[Sheet]) -> dict[str, Amount]:
    """Add up what adds up: an operator's time on the device is that of its kernels, which have rows."""

    def totals(side: Sequence[Sheet], measure: str) -> NDArray[np.float64]:
        place = subject.measures.index(measure)
        counted = [
            [row[place] for key, row in sheet.items() if measure != "device_s" or key[0] == "kernel"]
            for sheet in side
        ]
        return np.array([[sum(values) for values in counted]], dtype=np.float64)

    return {
        measure: _judged(totals(base, measure), totals(head, measure), subject.deciding[measure])[0]
        for measure in subject.ranking
    }


def _ordered(rows: Sequence[Row], subject: Subject) -> tuple[Row, ...]:
    """Put what changed first, by its largest share of all that is there."""
    wholes = {
        measure: sum(row.amounts[measure].before + row.amounts[measure].after for row in rows)
        for measure in subject.ranking
    }

    def share(row: Row) -> float:
        return max(abs(row.amounts[name].delta) / whole if whole else 0.0 for name, whole in wholes.items())

    return tuple(sorted(rows, key=lambda row: (not row.status, -share(row), row.what, row.name)))
