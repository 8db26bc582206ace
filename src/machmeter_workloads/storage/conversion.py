"""Converting a folder of cubes from one storage format to another, file by file, each one verified."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from machmeter_workloads.errors import DamagedFileError, UnreadableError, UnwritableError, WorkloadError
from machmeter_workloads.storage import page_cache
from machmeter_workloads.storage.formats import FORMATS
from machmeter_workloads.storage.half_precision import require_finite, to_half
from machmeter_workloads.storage.source import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


class Status(Enum):
    """What became of a file."""

    CONVERTED = "converted"
    #: Its target was there already.
    KEPT = "kept"
    FAILED = "failed"


@dataclass(frozen=True)
class Job:
    """One file to convert.

    Parameters
    ----------
    source, target : Path
        Files.
    source_format, target_format : str
        Names out of ``FORMATS``.
    verify : bool
        Whether the target is read back and compared, one that was there before as well.
    """

    source: Path
    target: Path
    source_format: str
    target_format: str
    verify: bool = True


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Parameters
    ----------
    job : Job
        Which.
    status : Status
        What happened.
    source_bytes, target_bytes : int
        Sizes of the files, 0 where it failed.
    problem, advice : str
        What was wrong and what to do about it, if it failed.
    hopeless : bool
        Whether the same would happen to every other file: the disk is full, or the folder is not ours.
    """

    job: Job
    status: Status
    source_bytes: int = 0
    target_bytes: int = 0
    problem: str = ""
    advice: str = ""
    hopeless: bool = False

    @classmethod
    def failed(cls, job: Job, error: WorkloadError) -> Self:
        """Tell of an error.

        Parameters
        ----------
        job : Job
            Which.
        error : WorkloadError
            What was raised.

        Returns
        -------
        Outcome
        """
        # The advice to remove a damaged file is meant for made ones, not for what somebody photographed.
        precious = isinstance(error, DamagedFileError) and error.fact.startswith(str(job.source))
        advice = "It is left as it is." if precious else error.next_command
        hopeless = isinstance(error, UnwritableError)
        return cls(job, Status.FAILED, problem=error.fact, advice=advice, hopeless=hopeless)


def find_jobs(
    source: Path, target: Path, source_format: str, target_format: str, *, verify: bool
) -> list[Job]:
    """List the files to convert: all of the format's suffix in a folder and its subfolders, in order.

    Parameters
    ----------
    source : Path
        Folder of cubes.
    target : Path
        Folder for the converted ones, which keep their names and subfolders. It may lie in ``source``.
    source_format, target_format : str
        Names out of ``FORMATS``.
    verify : bool
        As in ``Job``.

    Returns
    -------
    list of Job
        None if there are no such files.

    Raises
    ------
    UnreadableError
        A folder is not there, or may not be listed.
    """
    suffix = FORMATS[target_format].suffix
    return [
        Job(path, target / path.relative_to(source).with_suffix(suffix), source_format, target_format, verify)
        for path in _files_in(source, target)
        if path.suffix == FORMATS[source_format].suffix
    ]


def convert(job: Job) -> Outcome:
    """Convert one file, or find that this was done before.

    The target appears under its name only when it is complete, and is removed again if it does not hold what
    it should. One that was there before is never changed.

    Parameters
    ----------
    job : Job
        Which.

    Returns
    -------
    Outcome
        Errors are told here, too, so that the other files are converted nevertheless.
    """
    try:
        return _attempt(job)
    except WorkloadError as error:
        return Outcome.failed(job, error)
    except OSError as error:
        return Outcome.failed(job, UnreadableError.of(job.source, error))
    except MemoryError:
        return Outcome(job, Status.FAILED, problem=f"There is not enough memory for {job.source}.")


def _attempt(job: Job) -> Outcome:
    kept = job.target.exists()
    if not kept or job.verify:
        wanted = _wanted(job)
        if not kept:
            _write(job, wanted)
        if job.verify:
            _verify(job, wanted, kept=kept)
    status = Status.KEPT if kept else Status.CONVERTED
    return Outcome(job, status, job.source.stat().st_size, job.target.stat().st_size)


def _wanted(job: Job) -> NDArray[np.floating]:
    """Read the source, rounded to what the target can hold."""
    cube = FORMATS[job.source_format].read(job.source, UNLIMITED)
    if FORMATS[job.target_format].dtype == np.float16:
        return to_half(job.source, cube)
    require_finite(job.source, cube)
    return cube.astype(np.float32, copy=False)


def _write(job: Job, cube: NDArray[np.floating]) -> None:
    try:
        job.target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableError.of(job.target.parent, error) from error
    FORMATS[job.target_format].write(job.target, cube.astype(np.float32, copy=False))


def _verify(job: Job, wanted: NDArray[np.floating], *, kept: bool) -> None:
    # What was written is still in memory; it is the disk that is asked.
    page_cache.drop([job.target])
    try:
        found = FORMATS[job.target_format].read(job.target, UNLIMITED)
        if not np.array_equal(found, wanted):
            raise DamagedFileError.of(job.target, f"it does not hold what {job.source} holds")
    except WorkloadError:
        if not kept:
            job.target.unlink(missing_ok=True)
        raise


def _files_in(source: Path, target: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise UnreadableError.of(source, error) from error

    inside = target.resolve()
    for folder, subfolders, names in os.walk(source, onerror=refuse):
        here = Path(folder)
        # A target within the source holds nothing to convert.
        subfolders[:] = sorted(name for name in subfolders if (here / name).resolve() != inside)
        yield from (here / name for name in sorted(names) if not name.startswith("."))
