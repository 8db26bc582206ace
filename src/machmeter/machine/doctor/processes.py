"""The other processes of the machine and the share of a core that each used."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import psutil

from machmeter.machine.doctor.finding import shown
from machmeter.machine.doctor.readings import ProcessUse

#: Two ticks of 10 ms in the window: less is the resolution of the kernel's clock.
_LEAST_CORES: Final = 0.02

#: Below this share nobody asks who it is; names and users cost a look-up each.
_NAMED_CORES: Final = 0.05


@dataclass(frozen=True, slots=True)
class CpuTime:
    """CPU seconds that a process had used at a moment, by the clock of `time.monotonic`."""

    process: psutil.Process
    at: float
    cpu_s: float


#: Process number and start time together name a process for ever.
Snapshot = Mapping[tuple[int, float], CpuTime]


def snapshot() -> Snapshot | None:
    """Read the CPU time of every process that can be seen, but this one; None if they cannot be listed."""
    found: dict[tuple[int, float], CpuTime] = {}
    try:
        processes = list(psutil.process_iter())
    except (psutil.Error, OSError):
        return None
    for process in processes:
        try:
            with process.oneshot():
                used = process.cpu_times()
                key = (process.pid, process.create_time())
        except (psutil.Error, OSError):
            continue
        if process.pid != os.getpid():
            found[key] = CpuTime(process, time.monotonic(), used.user + used.system)
    return found


def uses(before: Snapshot | None, after: Snapshot | None, window_s: float) -> tuple[ProcessUse, ...] | None:
    """Subtract two snapshots.

    Parameters
    ----------
    before, after : Snapshot or None
        A process that is only in the second one started in between.
    window_s : float, seconds
        Between them.

    Returns
    -------
    tuple of ProcessUse, or None
        Those that ran, the busiest first; None if there is no way to know.
    """
    if before is None or after is None:
        return None
    found = []
    for key, last in after.items():
        first = before.get(key)
        cpu_s = last.cpu_s - (first.cpu_s if first else 0.0)
        cores = cpu_s / max(last.at - first.at if first else window_s, 1e-3)
        if cores >= _LEAST_CORES:
            found.append(_described(last.process, cores))
    return tuple(sorted(found, key=lambda use: -use.cores))


def _described(process: psutil.Process, cores: float) -> ProcessUse:
    if cores < _NAMED_CORES:
        return ProcessUse(process.pid, "", "", cores)
    try:
        name = process.name()
        user = process.username()
        cpus = frozenset(process.cpu_affinity() or ())
    except (psutil.Error, OSError, KeyError):
        return ProcessUse(process.pid, "unknown", "unknown", cores)
    return ProcessUse(process.pid, shown(name), shown(user), cores, cpus or None)
