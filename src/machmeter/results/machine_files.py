"""All result files of one machine's folder as columns; files that have not changed are not read again."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from machmeter.results import result_file, store
from machmeter.results.layout import companion_dir
from machmeter.results.result_file import Slot, combinations

#: Of what is kept; another version is read anew.
_SCHEMA: Final = 1

#: A file that was written this short a time before it was read may change again without its time changing.
TOO_FRESH_NS: Final = 2_000_000_000


class Stamp(NamedTuple):
    """What changes whenever a file is written or replaced."""

    size: int
    modified_ns: int
    changed_ns: int
    inode: int


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """One result file.

    Parameters
    ----------
    name : str
        Without its folder.
    stamp : Stamp
        Of the content that was read.
    commit, environment, facts : str
        As in `machmeter.results.result_file.ResultFile`.
    date : int or None, milliseconds since 1970
        Of the commit.
    layout : tuple of Slot
        Shared by most files.
    values : ndarray, shape (n,), float64
        In the layout's order.
    """

    name: str
    stamp: Stamp
    commit: str
    environment: str
    date: int | None
    facts: str
    layout: tuple[Slot, ...]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MachineFiles:
    """What a machine's folder holds.

    Parameters
    ----------
    files : tuple of File
        In the order of their names.
    problems : tuple of str
        One sentence for every file or benchmark that was left out, naming it.
    notes : tuple of str
        What became of the files that are kept to save time.
    """

    files: tuple[File, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def kept_path(results_dir: Path, machine: str, what: str) -> Path:
    """File beside the results that saves reading or computing again."""
    return companion_dir(results_dir) / "history" / f"{machine}.{what}.npz"


def read(results_dir: Path, machine: str) -> MachineFiles:
    """Read the result files of a machine.

    Parameters
    ----------
    results_dir : Path
        asv's, of any project.
    machine : str
        Name of its folder there.
    """
    path = kept_path(results_dir, machine, "files")
    kept, notes = _load(path)
    stamps, problems = _stamps(results_dir / machine)
    scanned_ns = time.time_ns()
    files: list[File] = []
    settled: list[File] = []
    for name, stamp in stamps.items():
        known = kept.get(name)
        if known is not None and known.stamp == stamp:
            files.append(known)
            settled.append(known)
            continue
        found, troubles = _decode(results_dir / machine / name, stamp)
        problems += troubles
        if found is not None:
            files.append(found)
            # What is wrong with a file is told every time.
            if not troubles and max(stamp.changed_ns, stamp.modified_ns) < scanned_ns - TOO_FRESH_NS:
                settled.append(found)
    fresh = len(files) - len(settled)
    if fresh:
        notes.append(
            f"{fresh} files of {machine} were written just now or are faulty: they will be read again."
        )
    if settled != list(kept.values()):
        failure = _save(path, settled)
        notes.append(f"{path} could not be kept: {failure}" if failure else f"{path} was written.")
    return MachineFiles(tuple(files), tuple(problems), tuple(notes))


def _stamps(folder: Path) -> tuple[dict[str, Stamp], list[str]]:
    stamps: dict[str, Stamp] = {}
    problems: list[str] = []
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        return {}, [f"{folder} cannot be read: {error.strerror}"]
    for name in names:
        if not name.endswith(".json") or name == "machine.json" or name.startswith("."):
            continue
        try:
            stamps[name] = stamp_of(folder / name)
        except OSError as error:
            problems.append(f"{folder / name} cannot be read: {error.strerror}")
    return stamps, problems


def stamp_of(path: Path) -> Stamp:
    """Look at a file without reading it."""
    status = path.stat()
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _decode(path: Path, stamp: Stamp) -> tuple[File | None, list[str]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        return None, [f"{path} cannot be read: {error.strerror}"]
    try:
        found = result_file.decode(content)
    except ValueError as error:
        return None, [f"{path} is left out: {error}"]
    problems = [f"{path} is read without {problem}" for problem in found.problems]
    values = np.array(found.values, np.float64)
    of_commit = (found.commit, found.environment, found.date, found.facts)
    return File(path.name, stamp, *of_commit, found.layout, values), problems


def _save(path: Path, files: Sequence[File]) -> str | None:
    layouts = {layout: number for number, layout in enumerate(dict.fromkeys(file.layout for file in files))}
    rows = [
        [file.name, file.stamp, file.commit, file.environment, file.date, file.facts, layouts[file.layout]]
        for file in files
    ]
    values = np.concatenate([np.empty(0), *(file.values for file in files)])
    description = {"schema": _SCHEMA, "layouts": list(layouts), "files": rows}
    return store.save(path, description, {"values": values})


def _load(path: Path) -> tuple[Mapping[str, File], list[str]]:
    loaded = store.load(path)
    if loaded is None:
        there = path.exists()
        return {}, [f"{path} is damaged or foreign: everything is read anew."] if there else []
    description, arrays = loaded
    if not isinstance(description, dict) or description.get("schema") != _SCHEMA:
        return {}, [f"{path} is of another version: everything is read anew."]
    layouts = [tuple(Slot(*slot) for slot in layout) for layout in description["layouts"]]
    lengths = [sum(combinations(slot.params) for slot in layout) for layout in layouts]
    return {file.name: file for file in _files(description["files"], layouts, lengths, arrays["values"])}, []


def _files(
    rows: Iterable[Sequence[Any]],
    layouts: Sequence[tuple[Slot, ...]],
    lengths: Sequence[int],
    values: NDArray[np.float64],
) -> Iterable[File]:
    start = 0
    for name, stamp, commit, environment, date, facts, layout in rows:
        end = start + lengths[layout]
        of_commit = (commit, environment, date, facts)
        yield File(name, Stamp(*stamp), *of_commit, layouts[layout], values[start:end])
        start = end
