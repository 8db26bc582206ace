"""The environment variables that set numbers of threads: set, not set, or contradictory."""

from collections.abc import Iterator, Mapping
from typing import Final

from machmeter.machine.doctor.finding import Finding, Level, ok, shown
from machmeter.machine.doctor.readings import Readings
from machmeter.machine.parsing import whole

_NUMBERS: Final = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "BLOSC_NTHREADS",
    "RAYON_NUM_THREADS",
)

#: These set threads of the same loops; the others have pools of their own.
_SAME_LOOPS: Final = _NUMBERS[:4]

_CHECK: Final = "thread settings"
_WHY: Final = (
    "Threads that wait for each other spin: two on contended cores used up to 25 times the CPU time, "
    "and runs with other numbers of threads are not comparable."
)


def numbers(environment: Mapping[str, str]) -> dict[str, int | None]:
    """Give the number that each variable sets; None for one that is no number.

    OMP_NUM_THREADS may be a list, one number a level of nesting (OpenMP 5.2, 21.1.2): the first counts.
    """
    values = {name: environment[name].partition(",")[0] for name in _NUMBERS if name in environment}
    parsed = {name: whole(value, low=1) for name, value in values.items()}
    return {name: value if isinstance(value, int) else None for name, value in parsed.items()}


def asked(environment: Mapping[str, str]) -> int | None:
    """Give the threads that the measured processes will use, or None if nobody said."""
    return numbers(environment).get("OMP_NUM_THREADS")


def findings(readings: Readings) -> Iterator[Finding]:
    """Judge the variables against each other and against the CPUs."""
    found = numbers(readings.environment)
    cpus = len((readings.texts.get("affinity") or "").split(","))
    spelled = ", ".join(f"{name}={shown(readings.environment[name])}" for name in found)
    advice = f"export OMP_NUM_THREADS=1 (or another number up to {cpus}), and the same for every run."
    if not found:
        yield Finding(_CHECK, Level.WARNING, f"none is set; libraries take all {cpus} CPUs", _WHY, advice)
    elif None in found.values():
        yield Finding(_CHECK, Level.WARNING, f"not a number of threads: {spelled}", _WHY, advice)
    elif "OMP_NUM_THREADS" not in found:
        yield Finding(_CHECK, Level.WARNING, f"OMP_NUM_THREADS is not set, only {spelled}", _WHY, advice)
    elif len({found[name] for name in _SAME_LOOPS if name in found}) > 1:
        advice = f"Set them to the same number, or unset all but OMP_NUM_THREADS (unset {' '.join(found)})."
        yield Finding(_CHECK, Level.WARNING, f"contradictory: {spelled}", _WHY, advice)
    elif max(value or 0 for value in found.values()) > cpus:
        yield Finding(_CHECK, Level.WARNING, f"more threads than {cpus} CPUs: {spelled}", _WHY, advice)
    else:
        yield ok(_CHECK, spelled)
