"""The cores behind the CPUs: siblings that share one, and which of ours are busy."""

from collections.abc import Iterator
from typing import Final

from machmeter.machine.doctor.counters import cpu_set, shares
from machmeter.machine.doctor.finding import Finding, Level, ok, unknown
from machmeter.machine.doctor.readings import Readings

_CHECK: Final = "SMT siblings"
_STAT: Final = "/proc/stat"

#: A sibling that is busy for more than this takes some percent of its core.
_BUSY_SHARE: Final = 0.20


def usable(readings: Readings) -> frozenset[int]:
    """Give the CPUs that measured processes may use; the affinity of the doctor is theirs."""
    return cpu_set(readings.texts.get("affinity")) or frozenset()


def cores(readings: Readings) -> tuple[frozenset[int], ...]:
    """Give the CPUs of each core, from the texts of thread_siblings_list."""
    lines = (readings.texts.get("siblings") or "").splitlines()
    return tuple(cpus for cpus in map(cpu_set, lines) if cpus)


def count(readings: Readings) -> int:
    """Count the physical cores that measured processes may use; at least one."""
    mine = usable(readings)
    return max(1, sum(bool(core & mine) for core in cores(readings)) or len(mine))


def findings(readings: Readings) -> Iterator[Finding]:
    """Judge whether a core does somebody else's work beside ours."""
    yield _siblings(readings)


def _siblings(readings: Readings) -> Finding:
    known, mine = cores(readings), usable(readings)
    if not known or not mine:
        return unknown(_CHECK, "/sys/devices/system/cpu/cpu*/topology")
    ours = [core for core in known if core & mine]
    foreign = frozenset().union(*ours) - mine
    if foreign:
        return _foreign(readings, foreign)
    if len(ours) == len(mine):
        return ok(_CHECK, f"none: {len(mine)} CPUs on {len(ours)} cores")
    why = "Two threads on one core run at about half to two thirds of their speed each."
    advice = f"Use at most {len(ours)} threads and workers in all, or bind them to one CPU a core (taskset)."
    return Finding(_CHECK, Level.NOTE, f"{len(mine)} CPUs are {len(ours)} cores", why, advice)


def _foreign(readings: Readings, foreign: frozenset[int]) -> Finding:
    load = shares(readings.before.get(_STAT), readings.after.get(_STAT))
    busy = [cpu for cpu in sorted(foreign) if cpu in load and load[cpu][0] > _BUSY_SHARE]
    found = f"{len(foreign)} CPUs on our cores are not ours, {len(busy)} of them busy"
    why = "What runs on the other half of a core slows ours down, unseen by every counter of our own."
    advice = 'Ask for whole cores (Slurm: "--hint=nomultithread" or "--exclusive"), or bind to others.'
    return Finding(_CHECK, Level.WARNING if busy else Level.NOTE, found, why, advice)
