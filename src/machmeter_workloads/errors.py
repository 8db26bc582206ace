"""Every deliberate error of the specimens: each says the fact, the reason and the next command."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class WorkloadError(Exception):
    """An error that a person can act on.

    The subclasses are built by their class methods, and keep this plain signature: torch re-raises what went
    wrong in a worker process as ``type(error)(text)`` and would lose the type otherwise.

    Parameters
    ----------
    fact : str
        What happened, naming the file or the parameter.
    reason : str
        Why that stops us.
    next_command : str
        What to do or type next.
    """

    def __init__(self, fact: str, reason: str = "", next_command: str = "") -> None:
        super().__init__(" ".join(part for part in (fact, reason, next_command) if part))
        self.fact = fact
        self.reason = reason
        self.next_command = next_command


class UnwritableError(WorkloadError):
    """A file or folder of the data directory cannot be written."""

    @classmethod
    def of(cls, path: Path, cause: OSError) -> Self:
        """Say what the operating system refused.

        Parameters
        ----------
        path : Path
            The file or folder.
        cause : OSError
            What the system answered.

        Returns
        -------
        UnwritableError
        """
        advice = (
            f'Free some space ("df -h {path.parent}") and run again: finished files are kept.'
            if cause.errno in NO_SPACE
            else "Point MACHMETER_DATA to a folder that you may write, then run again."
        )
        return cls(
            f"Cannot write {path}: {cause.strerror or cause}.",
            "The benchmarks' data are made once and kept in the data directory.",
            advice,
        )


class DamagedFileError(WorkloadError):
    """A data file is cut off, or was never one of ours."""

    @classmethod
    def of(cls, path: Path, detail: str) -> Self:
        """Say what is wrong with the file.

        Parameters
        ----------
        path : Path
            The file.
        detail : str
            What was found, without a full stop.

        Returns
        -------
        DamagedFileError
        """
        return cls(
            f"{path} is damaged: {detail}.",
            "It was cut off, changed, or written by another program; it is left as it is.",
            f'Remove it ("rm {path}") and run again: only what is missing is made anew.',
        )


class MissingDataError(WorkloadError):
    """A data file that should have been made is not there."""

    @classmethod
    def of(cls, path: Path) -> Self:
        """Name the file.

        Parameters
        ----------
        path : Path
            The file.

        Returns
        -------
        MissingDataError
        """
        return cls(
            f"{path} does not exist.",
            "A loader reads data that were made before, and never makes them while it is timed.",
            "Make them with machmeter_workloads.data.cube_set.make_cube_set, as the benchmarks do.",
        )


class UnreadableError(WorkloadError):
    """A data file is there, but cannot be opened or read."""

    @classmethod
    def of(cls, path: Path, cause: OSError) -> Self:
        """Say what the operating system refused.

        Parameters
        ----------
        path : Path
            The file.
        cause : OSError
            What the system answered.

        Returns
        -------
        UnreadableError
        """
        return cls(
            f"Cannot read {path}: {cause.strerror or cause}.",
            "A loader needs every file of its series.",
            f'See "ls -l {path}" for its owner and permissions, then run again.',
        )


class WorkerDiedError(WorkloadError):
    """A worker process of a loader ended by itself, or was killed."""

    @classmethod
    def of(cls, worker: int, exit_code: int | None) -> Self:
        """Name the worker.

        Parameters
        ----------
        worker : int
            Its number, from 0.
        exit_code : int, optional
            As ``multiprocessing`` gives it: negative for a signal.

        Returns
        -------
        WorkerDiedError
        """
        how = (
            f"was killed by signal {-exit_code}" if exit_code and exit_code < 0 else f"ended with {exit_code}"
        )
        return cls(
            f"Worker {worker} of the loader {how}.",
            "Its batches are lost, so the epoch cannot be finished.",
            'Signal 9 is usually the system that ran out of memory ("dmesg" says so): use fewer workers, '
            "smaller batches or less prefetching.",
        )


class UnknownNameError(WorkloadError):
    """A parameter names something that does not exist."""

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str]) -> Self:
        """List the names that do exist.

        Parameters
        ----------
        kind : str
            What was looked for, for example "loading strategy".
        name : str
            The name that was given.
        known : iterable of str
            The names there are.

        Returns
        -------
        UnknownNameError
        """
        return cls(
            f'There is no {kind} "{name}".',
            f"Known are: {', '.join(sorted(known))}.",
            "Choose one of these, or remove the parameter from the benchmark's grid.",
        )


class UnfitSizeError(WorkloadError):
    """A size cannot be used for what it is meant for."""
