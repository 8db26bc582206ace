"""From samples to rows: one row a machine, benchmark, parameters, environment and commit.

The intervals in a row describe its samples. The process is machmeter's unit, samples within one process are
not independent, and so no row is a verdict: "is it slower?" is answered by pairs of processes.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from machmeter.model import Sample
from machmeter.report.estimate import Estimate, estimate


class SeriesKey(NamedTuple):
    """What stays the same along a history: only such samples are ever put side by side."""

    machine: str
    benchmark: str
    params: tuple[str, ...]
    environment: str


@dataclass(frozen=True, slots=True)
class Row:
    """All samples of one series at one commit.

    Parameters
    ----------
    series : SeriesKey
        Machine (hardware tag), benchmark, parameters and environment.
    commit : str
        Full hash.
    samples, contended, processes, runs : int
        Counts; a process is one (node, run, round).
    wall : Estimate, seconds per item
        Of the uncontended samples where there is one, of all otherwise.
    cpu : Estimate or None, seconds per item
        Of the same samples; None where no CPU time is on record.
    bytes_per_s : float or None
        Median over the same samples; None where the benchmark names no bytes.
    first, last : str
        UTC, ISO 8601.
    nodes, works : tuple of str
        Host names and distinct digests of what was computed, sorted.
    work_changed : bool
        Whether the digests differ from those of the commit before.
    unhealthy : int
        How many of the samples come from a node that was known to be slow.
    conditions : tuple of str
        Distinct thread settings and storages of the runs, sorted.
    conditions_changed : bool
        Whether they are others than those of the commit before.
    """

    series: SeriesKey
    commit: str
    samples: int
    contended: int
    processes: int
    runs: int
    wall: Estimate
    cpu: Estimate | None
    bytes_per_s: float | None
    first: str
    last: str
    nodes: tuple[str, ...]
    works: tuple[str, ...]
    work_changed: bool = False
    unhealthy: int = 0
    conditions: tuple[str, ...] = ()
    conditions_changed: bool = False

    @property
    def items_per_s(self) -> float | None:
        """One over the median wall time; None where the clock saw no time pass."""
        return 1 / self.wall.median if self.wall.median > 0 else None

    @property
    def decided_by_contended(self) -> bool:
        """Whether the figures rest on disturbed samples because there are no others."""
        return self.contended == self.samples

    @property
    def works_differ(self) -> bool:
        """Whether the samples of this very commit did not all compute the same."""
        return len(self.works) > 1


def by_series(samples: Iterable[Sample]) -> dict[SeriesKey, list[Sample]]:
    """Group samples by series, series sorted, samples in the order of their start.

    Of a benchmark whose code was edited only the samples of its latest version are kept, as asv does: the
    earlier ones are those of another benchmark.
    """
    groups: dict[SeriesKey, list[Sample]] = defaultdict(list)
    for sample in samples:
        key = SeriesKey(sample.tag, sample.benchmark, sample.params, sample.environment)
        groups[key].append(sample)
    return {key: _latest_version(sorted(groups[key], key=_time_order)) for key in sorted(groups)}


def _latest_version(samples: list[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.version == samples[-1].version]


def commit_order(samples: Iterable[Sample], revisions: Mapping[str, int]) -> tuple[str, ...]:
    """Order the commits of some samples along the history.

    Parameters
    ----------
    samples : iterable of Sample
        Their commits are ordered.
    revisions : mapping of str to int
        asv's revision number of a commit hash.

    Returns
    -------
    tuple of str
        Commits with a revision by that; then those without, by when they were first measured.
    """
    first_seen: dict[str, str] = {}
    for sample in samples:
        seen = first_seen.get(sample.commit)
        first_seen[sample.commit] = sample.started_at if seen is None else min(seen, sample.started_at)
    return tuple(
        sorted(
            first_seen,
            key=lambda commit: (
                commit not in revisions,
                revisions.get(commit, 0),
                first_seen[commit],
                commit,
            ),
        )
    )


def summarise(samples: Iterable[Sample], revisions: Mapping[str, int] | None = None) -> tuple[Row, ...]:
    """Summarise samples into rows.

    Parameters
    ----------
    samples : iterable of Sample
        Of any machines, benchmarks and commits.
    revisions : mapping of str to int, optional
        Revision number of a commit; without it commits follow the time they were first measured at.

    Returns
    -------
    tuple of Row
        By series, within a series along the history.
    """
    rows: list[Row] = []
    for key, members in by_series(samples).items():
        rows += summarise_series(key, members, commit_order(members, revisions or {}))
    return tuple(rows)


def summarise_series(key: SeriesKey, samples: Sequence[Sample], commits: Sequence[str]) -> list[Row]:
    """Summarise the samples of one series into a row a commit, in the order of `commits`."""
    by_commit: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_commit[sample.commit].append(sample)
    rows: list[Row] = []
    for commit in (commit for commit in commits if commit in by_commit):
        rows.append(_row(key, commit, by_commit[commit], rows[-1] if rows else None))
    return rows


def _row(key: SeriesKey, commit: str, samples: Sequence[Sample], before: Row | None) -> Row:
    deciding = [sample for sample in samples if not sample.contended] or samples
    rates = [s.bytes / s.wall_s for s in deciding if s.bytes is not None and s.wall_s > 0]
    starts = [sample.started_at for sample in samples]
    conditions = tuple(sorted({sample.conditions or "not on record" for sample in samples}))
    works = tuple(sorted({sample.work for sample in samples if sample.work is not None}))
    return Row(
        series=key,
        commit=commit,
        samples=len(samples),
        contended=sum(sample.contended for sample in samples),
        processes=len({(sample.node, sample.run, sample.round) for sample in samples}),
        runs=len({sample.run for sample in samples}),
        wall=estimate([sample.wall_s_per_item for sample in deciding]),
        cpu=_estimate_if_any([sample.cpu_s_per_item for sample in deciding]),
        bytes_per_s=estimate(rates).median if rates else None,
        first=min(starts),
        last=max(starts),
        nodes=tuple(sorted({sample.node for sample in samples})),
        works=works,
        unhealthy=sum(sample.health is not None for sample in samples),
        conditions=conditions,
        conditions_changed=bool(before and conditions != before.conditions),
        work_changed=bool(before and works and before.works and works != before.works),
    )


def _estimate_if_any(values: Iterable[float | None]) -> Estimate | None:
    known = [value for value in values if value is not None]
    return estimate(known) if known else None


def _time_order(sample: Sample) -> tuple[str, str, int, int]:
    return sample.started_at, sample.run, sample.round, sample.index
