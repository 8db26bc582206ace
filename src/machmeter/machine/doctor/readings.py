"""What the doctor reads: raw texts and figures, without a judgement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

#: Long enough for 2% of a core in ticks of 10 ms, short enough to wait for.
WINDOW_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """What one process used.

    Parameters
    ----------
    pid : int
        Its number.
    name, user : str
        Printable; the name is the kernel's, never the command line.
    cores : float
        CPU seconds a second.
    cpus : frozenset of int or None
        Where it may run; None if that cannot be read.
    """

    pid: int
    name: str
    user: str
    cores: float
    cpus: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system behind a directory.

    Parameters
    ----------
    role : str
        What is kept there: "data", "results", "temporary".
    path : Path
        The directory.
    free_bytes : int or None
        What a user may still write there; None if that cannot be read.
    writable : bool
        Whether this user may write there.
    """

    role: str
    path: Path
    free_bytes: int | None
    writable: bool


@dataclass(frozen=True, slots=True)
class Readings:
    """Raw texts and figures of one moment and of the window around it.

    Parameters
    ----------
    texts : mapping of str to (str or None)
        Sources that are read once; None for one that cannot be read.
    before, after : mapping of str to (str or None)
        Counters at both ends of the window.
    window_s : float, seconds
        Length of the window.
    own_cpu_s : float, seconds
        CPU time that the doctor itself used in it.
    processes : tuple of ProcessUse, or None
        The other processes that ran in it, the busiest first; None if they cannot be listed.
    disks : tuple of Disk
        Where data, results and temporary files go.
    environment : mapping of str to str
        Thread settings, from `machmeter.machine.threads.thread_settings`.
    gpus : str or None
        JSON text of `machmeter.machine.doctor.gpu_reading.read`.
    """

    texts: Mapping[str, str | None] = field(default_factory=dict)
    before: Mapping[str, str | None] = field(default_factory=dict)
    after: Mapping[str, str | None] = field(default_factory=dict)
    window_s: float = WINDOW_S
    own_cpu_s: float = 0.0
    processes: tuple[ProcessUse, ...] | None = None
    disks: tuple[Disk, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    gpus: str | None = None
