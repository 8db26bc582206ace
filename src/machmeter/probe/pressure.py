"""What happens on the machine while a sample is taken: PSI, steal, other processes, involuntary switches."""

import os
import resource
from dataclasses import dataclass

from machmeter.probe.procfs import KeptFile

_RESOURCES = ("cpu", "io", "memory")
#: Positions among the words of the first line of ``/proc/stat`` (proc(5)): user, nice, system, irq, softirq.
_BUSY = (1, 2, 3, 6, 7)
_STEAL = 8


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters at one moment; None where the kernel does not keep one.

    Parameters
    ----------
    stalls_s : tuple of (float or None), seconds
        PSI "some" totals of cpu, io and memory.
    steal_s, busy_s : float or None, seconds
        Time given to other guests, and time that any process of this machine ran; summed over all CPUs, in
        clock ticks' resolution.
    involuntary_switches : int
        Of this process.
    """

    stalls_s: tuple[float | None, ...]
    steal_s: float | None
    busy_s: float | None
    involuntary_switches: int


class Gauge:
    """Reads the machine's counters."""

    def __init__(self) -> None:
        self._stalls = tuple(KeptFile(f"/proc/pressure/{name}") for name in _RESOURCES)
        self._stat = KeptFile("/proc/stat")
        self._ticks_a_second = os.sysconf("SC_CLK_TCK")

    def read(self) -> Reading:
        """Read all counters."""
        switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        return Reading(
            tuple(_stall_s(file.read()) for file in self._stalls), *self._steal_and_busy_s(), switches
        )

    def _steal_and_busy_s(self) -> tuple[float | None, float | None]:
        try:
            words = self._stat.read().partition(b"\n")[0].split()
            ticks = self._ticks_a_second
            return int(words[_STEAL]) / ticks, sum(int(words[position]) for position in _BUSY) / ticks
        except (ValueError, IndexError):
            return None, None


def between(before: Reading, after: Reading, own_cpu_s: float) -> dict[str, float | int | None]:
    """Subtract two readings, as the ``pressure`` object of a sample (see `machmeter.model.Pressure`).

    Parameters
    ----------
    before, after : Reading
        Around the sample.
    own_cpu_s : float, seconds
        CPU time of the measured processes, which is no pressure from others.
    """
    busy = _difference(before.busy_s, after.busy_s)
    stalls = zip(_RESOURCES, before.stalls_s, after.stalls_s, strict=True)
    return {
        **{f"{name}_s": _difference(earlier, later) for name, earlier, later in stalls},
        "steal_s": _difference(before.steal_s, after.steal_s),
        "others_cpu_s": None if busy is None else round(max(0.0, busy - own_cpu_s), 9),
        "involuntary_switches": after.involuntary_switches - before.involuntary_switches,
    }


def _difference(before: float | None, after: float | None) -> float | None:
    # The kernel's steal counter is known to step back now and then.
    return None if before is None or after is None else round(max(0.0, after - before), 9)


def _stall_s(text: bytes) -> float | None:
    """Total microseconds at the end of the line "some avg10=… total=N"."""
    try:
        return int(text.partition(b"\n")[0].rpartition(b"=")[2]) * 1e-6
    except ValueError:
        return None
