"""Examines this node: reads everything, then judges it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from machmeter.machine.doctor import (
    clocks,
    cores,
    disks,
    gpus,
    load,
    memory,
    neighbours,
    ptrace,
    threads,
)
from machmeter.machine.doctor.finding import Finding
from machmeter.machine.doctor.reading import read
from machmeter.machine.doctor.readings import WINDOW_S, Readings

#: In the order in which the findings are listed.
_CHECKS: Final[tuple[Callable[[Readings], Iterable[Finding]], ...]] = (
    neighbours.findings,
    load.findings,
    clocks.findings,
    cores.findings,
    threads.findings,
    memory.findings,
    disks.findings,
    ptrace.findings,
    gpus.findings,
)


def examine(
    data_directory: Path,
    results_directory: Path,
    *,
    library: Any = None,  # noqa: ANN401
    window_s: float = WINDOW_S,
) -> tuple[Finding, ...]:
    """Find out whether this node is fit to measure now; takes about `window_s` and changes nothing.

    Parameters
    ----------
    data_directory, results_directory : Path
        Where the data and the results lie or will lie.
    library : module, optional
        Stands for `pynvml`.
    window_s : float, seconds
        How long to watch processes and counters.
    """
    places = {"data": data_directory, "results": results_directory}
    return judge(read(places, library, window_s))


def judge(readings: Readings) -> tuple[Finding, ...]:
    """Judge what was read; the same readings always give the same findings."""
    return tuple(finding for findings in _CHECKS for finding in findings(readings))
