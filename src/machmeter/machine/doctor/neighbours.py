"""Other processes that measured ones would share cores with."""

from collections.abc import Iterator
from typing import Final

from machmeter.machine.doctor import cores, threads
from machmeter.machine.doctor.counters import shares
from machmeter.machine.doctor.finding import Finding, Level, ok, unknown
from machmeter.machine.doctor.readings import ProcessUse, Readings

_CHECK: Final = "other processes"
_STAT: Final = "/proc/stat"

#: Cores: one process at this share makes a core half as fast; above the smaller one it is named.
_HEAVY_CORES: Final = 0.50
_NAMED_CORES: Final = 0.10
_MOST_NAMED: Final = 5

_WHY: Final = "Measured processes share cores, caches and memory bandwidth with them."
_ADVICE: Final = 'Stop them or wait until they are done, then run "machmeter doctor" again.'


def findings(readings: Readings) -> Iterator[Finding]:
    """Judge the processes that ran in the window, one finding for each that is named."""
    if readings.processes is None:
        yield unknown(_CHECK, "/proc")
        return
    sharing = [use for use in readings.processes if _shares(use, cores.usable(readings))]
    named = [use for use in sharing if use.cores >= _NAMED_CORES][:_MOST_NAMED]
    hidden = _hidden_cores(readings, sharing)
    crowded = _is_crowded(readings, sum(use.cores for use in sharing) + hidden)
    for use in named:
        heavy = use.cores >= _HEAVY_CORES
        found = f"{use.name} (pid {use.pid}, {use.user}) uses {use.cores:.0%} of a core"
        yield Finding(_CHECK, _level(heavy=heavy, crowded=crowded), found, _WHY, _ADVICE)
    if hidden >= _HEAVY_CORES:
        found = f"{hidden:.1f} cores are used by what cannot be seen from here, or ended just now"
        yield Finding(_CHECK, _level(heavy=True, crowded=crowded), found, _WHY, _ADVICE)
    elif not named:
        total = sum(use.cores for use in sharing)
        yield ok(_CHECK, f"{total:.0%} of a core in all, none above {_NAMED_CORES:.0%}")


def _level(*, heavy: bool, crowded: bool) -> Level:
    if heavy:
        return Level.UNFIT if crowded else Level.WARNING
    return Level.NOTE


def _shares(use: ProcessUse, mine: frozenset[int]) -> bool:
    return use.cpus is None or not mine or bool(use.cpus & mine)


def _is_crowded(readings: Readings, used: float) -> bool:
    """Whether the threads of a measurement and the others need more CPUs than there are."""
    wanted = threads.asked(readings.environment) or cores.count(readings)
    return wanted + used > max(1, len(cores.usable(readings)))


def _hidden_cores(readings: Readings, visible: list[ProcessUse]) -> float:
    """Give what our CPUs did beyond the processes that can be seen: other containers, hidden users."""
    load, mine = shares(readings.before.get(_STAT), readings.after.get(_STAT)), cores.usable(readings)
    busy = sum(share for cpu, (share, _) in load.items() if cpu in mine)
    own = readings.own_cpu_s / max(readings.window_s, 1e-3)
    return max(0.0, busy - own - sum(use.cores for use in visible))
