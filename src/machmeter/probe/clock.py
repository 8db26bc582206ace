"""Clocks of a sample: wall, CPU of the process tree, time spent waiting for a core."""

import os
import resource
import time
from dataclasses import dataclass

from machmeter.probe.procfs import KeptFile

#: `clock_gettime` on another process's CPU clock: CPUCLOCK_SCHED (2) in the low bits and the inverted
#: pid above them, as `clock_getcpuclockid(3)` builds it. Nanoseconds, exited threads included.
_CPUCLOCK_SCHED = 2
#: The kernel counts two links of ``/proc/<pid>/task`` and one for each thread.
_LINKS_OF_ONE_THREAD = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """The clocks at one moment.

    Parameters
    ----------
    wall_s : float, seconds
        `time.perf_counter`.
    cpu_s : float, seconds
        CPU time of this process, its reaped children and its live descendants.
    delays_s : dict of int to float
        Thread id to the seconds that the thread has been runnable but not running.
    """

    wall_s: float
    cpu_s: float
    delays_s: dict[int, float]


@dataclass(frozen=True, slots=True)
class Elapsed:
    """What passed between two readings, in seconds; see `Reading`."""

    wall_s: float
    cpu_s: float
    run_delay_s: float | None


class Clock:
    """Reads the clocks of the process that made it, and of all its descendants.

    Examples
    --------
    >>> clock = Clock()
    >>> before = clock.start()
    >>> total = sum(range(1000))
    >>> elapsed(before, clock.stop()).wall_s > 0
    True
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._tasks = f"/proc/{self._pid}/task"
        self._children = KeptFile(f"{self._tasks}/{self._pid}/children")
        self._delay = KeptFile(f"{self._tasks}/{self._pid}/schedstat")

    def start(self) -> Reading:
        """Read the clocks, the wall clock last, so that reading costs the sample nothing."""
        processes = self._processes()
        delays = self._delays(processes)
        cpu = _live_cpu_s(processes) + _own_cpu_s()
        return Reading(time.perf_counter(), cpu, delays)

    def stop(self) -> Reading:
        """Read the clocks, the wall clock first."""
        wall = time.perf_counter()
        own = _own_cpu_s()
        processes = self._processes()
        return Reading(wall, own + _live_cpu_s(processes), self._delays(processes))

    def _processes(self) -> list[int]:
        return [self._pid] if self._is_alone() else _process_tree(self._pid)

    def _is_alone(self) -> bool:
        """Whether this process has one thread and no child: the case that must be cheap."""
        try:
            return os.stat(self._tasks).st_nlink == _LINKS_OF_ONE_THREAD and not self._children.read()
        except OSError:
            return False

    def _delays(self, processes: list[int]) -> dict[int, float]:
        if self._is_alone():
            return _delay_of(self._pid, self._delay.read())
        return _run_delays(processes)


def elapsed(before: Reading, after: Reading) -> Elapsed:
    """Subtract two readings.

    Threads that ended in between take their waiting time with them; it is missing from
    ``run_delay_s``, which is None where the kernel keeps no scheduling statistics.
    """
    delay = None
    if after.delays_s:
        delay = sum(value - before.delays_s.get(thread, 0.0) for thread, value in after.delays_s.items())
    return Elapsed(
        wall_s=after.wall_s - before.wall_s,
        cpu_s=max(0.0, after.cpu_s - before.cpu_s),
        run_delay_s=None if delay is None else max(0.0, delay),
    )


def _own_cpu_s() -> float:
    reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + reaped.ru_utime + reaped.ru_stime


def _live_cpu_s(processes: list[int]) -> float:
    """CPU seconds of live descendants and of the grandchildren that those have reaped."""
    return sum(process_cpu_s(pid) + _reaped_by_s(pid) for pid in processes[1:])


def process_cpu_s(pid: int) -> float:
    """CPU seconds of a process, its ended threads included; 0 if there is no such process."""
    try:
        return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)
    except OSError:  # it ended a moment ago
        return 0.0


def _reaped_by_s(pid: int) -> float:
    """Seconds of CPU of a process's own reaped children, in clock ticks' resolution."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as stream:
            # The command name may hold spaces and brackets: fields count from the last bracket.
            parts = stream.read().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return (int(parts[13]) + int(parts[14])) / os.sysconf("SC_CLK_TCK")


def _process_tree(root: int) -> list[int]:
    """List a process and all its live descendants."""
    tree = [root]
    for pid in tree:
        for thread in _threads(pid):
            try:
                with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as stream:
                    tree.extend(int(child) for child in stream.read().split())
            except OSError:
                continue
    return tree


def _threads(pid: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def _run_delays(processes: list[int]) -> dict[int, float]:
    """Seconds waited for a core by each thread; ``/proc/<pid>/schedstat`` counts the leading thread alone."""
    delays: dict[int, float] = {}
    for pid in processes:
        for thread in _threads(pid):
            try:
                with open(f"/proc/{pid}/task/{thread}/schedstat", "rb", buffering=0) as stream:
                    delays |= _delay_of(int(thread), stream.read())
            except OSError:
                continue
    return delays


def _delay_of(thread: int, schedstat: bytes) -> dict[int, float]:
    """Second field of a ``schedstat``, nanoseconds; nothing where there is none."""
    fields = schedstat.split()
    return {thread: int(fields[1]) * 1e-9} if len(fields) > 1 else {}
