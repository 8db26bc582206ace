"""asv's result files as series: one number for each commit, of one benchmark on one machine."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from machmeter.results import machine_files, repository, suite
from machmeter.results.machine_files import File, MachineFiles
from machmeter.results.result_table import side_by_side
from machmeter.results.suite import About, Suite


class SeriesName(NamedTuple):
    """What stays the same along a series.

    Parameters
    ----------
    machine, environment, benchmark : str
        The machine's folder (its hardware tag), asv's names of the others.
    params : tuple of str
        asv's representations.
    """

    machine: str
    environment: str
    benchmark: str
    params: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The results of one benchmark along the commits of one machine.

    Parameters
    ----------
    name : SeriesName
        Machine, environment, benchmark, parameters.
    about : About
        Unit, names of the parameters.
    values : ndarray, shape (n,), float64
        Finite results by commit date, in the unit of `about`.
    positions : ndarray, shape (n,), int64
        Where each commit stands in the machine's `Timeline`.
    versions : ndarray, shape (n,), int32
        Number of the benchmark's version; -1 where it is not on record.
    """

    name: SeriesName
    about: About
    values: NDArray[np.float64]
    positions: NDArray[np.int64]
    versions: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """The commits that were measured on a machine, in the order of their dates.

    Parameters
    ----------
    commits : tuple of str
        Full hashes.
    dates : tuple of int, milliseconds since 1970
        When each was made.
    facts : mapping of (int, str) to str
        What asv knew of the machine (JSON) at a position and in an environment.
    """

    commits: tuple[str, ...]
    dates: tuple[int, ...]
    facts: Mapping[tuple[int, str], str]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Everything that a results directory holds.

    Parameters
    ----------
    series : tuple of Series
        By machine, environment, and the order of asv's files; results of machines never meet in one.
    timelines : mapping of str to Timeline
        By machine.
    problems : tuple of str
        One sentence for everything that was left out.
    notes : tuple of str
        What became of the files that are kept to save time.
    """

    series: tuple[Series, ...]
    timelines: Mapping[str, Timeline]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def machines_with_results(results_dir: Path) -> tuple[str, ...]:
    """Name the folders that hold result files, with or without a ``machine.json``; sorted."""
    found = {path.parent.name for path in results_dir.glob("*/*.json") if path.name != "machine.json"}
    return tuple(sorted(name for name in found if not name.startswith(".")))


def read(results_dir: Path, machines: Iterable[str] | None = None, project: Path | None = None) -> History:
    """Read a results directory of any project.

    Parameters
    ----------
    results_dir : Path
        asv's.
    machines : iterable of str, optional
        Names of the folders to read; all by default.
    project : Path, optional
        The project's repository, asked for the dates of commits whose files carry none.
    """
    described, problems = suite.read(results_dir)
    series: list[Series] = []
    timelines: dict[str, Timeline] = {}
    notes: list[str] = []
    for machine in machines_with_results(results_dir) if machines is None else machines:
        found = machine_files.read(results_dir, machine)
        files, troubles = _usable(results_dir / machine, found, project)
        timelines[machine] = _timeline(files)
        series += _series(machine, files, timelines[machine], described)
        problems += (*found.problems, *troubles)
        notes += found.notes
    return History(tuple(series), timelines, problems, tuple(notes))


def _usable(
    folder: Path, found: MachineFiles, project: Path | None
) -> tuple[list[tuple[int, File]], list[str]]:
    """Pair files with their dates; a file of another machine or without a date is named and left out."""
    undated = any(file.date is None for file in found.files)
    known = repository.commit_dates(project) if undated and project is not None else {}
    kept: dict[tuple[str, str], tuple[int, File]] = {}
    problems: list[str] = []
    for file in sorted(found.files, key=lambda file: (file.stamp.modified_ns, file.name)):
        machine = _machine_in(file.facts)
        date = known.get(file.commit) if file.date is None else file.date
        place = (file.commit, file.environment)
        if machine not in (None, folder.name):
            problems.append(f"{folder / file.name} is left out: it holds results of {machine}")
        elif date is None:
            problems.append(
                f"{folder / file.name} is left out: it has no date, and no repository knows its commit"
            )
        else:
            if place in kept:
                older = folder / kept[place][1].name
                problems.append(
                    f"{older} is left out: {file.name} is newer and of the same commit and environment"
                )
            kept[place] = (date, file)
    return list(kept.values()), problems


@lru_cache(maxsize=256)
def _machine_in(facts: str) -> str | None:
    found = json.loads(facts)
    machine = found.get("machine") if isinstance(found, Mapping) else None
    return machine if isinstance(machine, str) else None


def _timeline(files: Sequence[tuple[int, File]]) -> Timeline:
    # Commits of the same second are kept in the order of their hashes: the same every time.
    commits = sorted({(date, file.commit) for date, file in files})
    place = {commit: position for position, (_, commit) in enumerate(commits)}
    facts = {(place[file.commit], file.environment): file.facts for _, file in files}
    return Timeline(tuple(commit for _, commit in commits), tuple(date for date, _ in commits), facts)


def _series(
    machine: str, files: Sequence[tuple[int, File]], timeline: Timeline, described: Suite
) -> Iterator[Series]:
    place = {commit: position for position, commit in enumerate(timeline.commits)}
    members: dict[str, list[File]] = defaultdict(list)
    for _, file in files:
        members[file.environment].append(file)
    for environment, group in sorted(members.items()):
        group.sort(key=lambda file: place[file.commit])
        positions = np.array([place[file.commit] for file in group], np.int64)
        yield from _of_environment((machine, environment), group, positions, described)


def _of_environment(
    where: tuple[str, str], files: Sequence[File], positions: NDArray[np.int64], described: Suite
) -> Iterator[Series]:
    keys, values, versions = side_by_side(files)
    abouts: dict[str, About] = {}
    measured = np.isfinite(values)
    counts = measured.sum(axis=1).tolist()
    for row, (benchmark, params) in enumerate(keys):
        if not counts[row]:
            continue
        about = abouts.get(benchmark) or abouts.setdefault(benchmark, described.about(benchmark))
        # Most rows of a steady suite are full: those are not copied.
        chosen = slice(None) if counts[row] == len(files) else measured[row].nonzero()[0]
        name = SeriesName(*where, benchmark, params)
        yield Series(name, about, values[row][chosen], positions[chosen], versions[row][chosen])
