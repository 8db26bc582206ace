"""Clocks of a sample: wall, CPU of the process tree, time spent waiting for a core."""

import os
import resource
import time
from dataclasses import dataclass

#: `clock_gettime` on another process's CPU clock: CPUCLOCK_SCHED (2) in the low bits and the inverted
#: pid above them, as `clock_getcpuclockid(3)` builds it. Nanoseconds, exited threads included.
_CPUCLOCK_SCHED = 2


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


def start() -> Reading:
    """Read the clocks, the wall clock last, so that reading costs the sample nothing."""
    processes = _process_tree()
    delays = _run_delays(processes)
    cpu = _live_cpu_s(processes) + _own_cpu_s()
    return Reading(time.perf_counter(), cpu, delays)


def stop() -> Reading:
    """Read the clocks, the wall clock first."""
    wall = time.perf_counter()
    own = _own_cpu_s()
    processes = _process_tree()
    return Reading(wall, own + _live_cpu_s(processes), _run_delays(processes))


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
    return sum(_process_cpu_s(pid) + _reaped_by_s(pid) for pid in processes[1:])


def _process_cpu_s(pid: int) -> float:
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


def _process_tree() -> list[int]:
    """List this process and all its live descendants."""
    tree = [os.getpid()]
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
    """Seconds waited for a core by each thread: the second field of its ``schedstat``, nanoseconds.

    ``/proc/<pid>/schedstat`` itself counts the leading thread alone.
    """
    delays = {}
    for pid in processes:
        for thread in _threads(pid):
            try:
                with open(f"/proc/{pid}/task/{thread}/schedstat", "rb", buffering=0) as stream:
                    delays[int(thread)] = int(stream.read().split()[1]) * 1e-9
            except (OSError, IndexError):
                continue
    return delays
