"""Repeats one piece of work for a given time and keeps the rate of every repetition."""

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: Part of the time that is spent before the first repetition counts: clocks rise, caches and pages fill.
WARM_UP = 0.1

#: However slow the machine, so many repetitions are made: fewer say nothing about their spread.
FEWEST = 3


class UnavailableError(Exception):
    """A kernel cannot run here; the message is the reason, in words for a person."""


@dataclass(frozen=True, slots=True)
class Request:
    """What all kernels of one call share.

    Parameters
    ----------
    directory : str
        Where the storage kernels put their scratch files.
    seconds : float
        Timed repetitions of each kernel.
    threads : int
        The most threads of ``memcpy_threads``.
    """

    directory: str
    seconds: float
    threads: int


@dataclass(frozen=True, slots=True)
class Step:
    """One repetition of a kernel.

    Parameters
    ----------
    run : callable
        Does the work; its time is taken.
    amount : float
        Work of a repetition: GB, GFLOP or iterations.
    before : callable, optional
        Done before every repetition, not timed.
    conditions : str
        What else decides the rate, such as a library's version: rates under others are not compared.
    """

    run: Callable[[], object]
    amount: float
    conditions: str
    before: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True)
class Timed:
    """Rates of the repetitions, in amounts a second, and what they took together.

    Parameters
    ----------
    rates : list of float
        One a repetition, in the order in which they were made.
    wall_s : float, seconds
        Their timed seconds together.
    sustained : float
        All work over all timed seconds: it sees a stop that falls between two quick repetitions as well.
    """

    rates: list[float]
    wall_s: float
    sustained: float


def measure(step: Step, seconds: float) -> Timed:
    """Repeat a step until its timed repetitions have taken the given seconds.

    Parameters
    ----------
    step : Step
        Repetitions of a few milliseconds follow each other without a gap.
    seconds : float
        At least `FEWEST` repetitions are made, however long they take.
    """
    _repeat(step, WARM_UP * seconds, fewest=1)
    walls = _repeat(step, seconds, fewest=FEWEST)
    total = sum(walls)
    return Timed([step.amount / wall for wall in walls], total, step.amount * len(walls) / total)


def _repeat(step: Step, seconds: float, fewest: int) -> list[float]:
    clock, walls, spent = time.perf_counter, list[float](), 0.0
    while spent < seconds or len(walls) < fewest:
        step.before()
        started = clock()
        step.run()
        # A clock of low resolution may show nothing for a short repetition.
        walls.append(max(clock() - started, 1e-9))
        spent += walls[-1]
    return walls


def library(name: str) -> Any:  # noqa: ANN401 - the instrument does not know the types of what it may not need
    """Import a library of the environment that this process runs in.

    Raises
    ------
    UnavailableError
        If it is not installed or does not load.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise UnavailableError(f"{error.name or name} is not installed in this environment") from error
    except (ImportError, OSError) as error:
        raise UnavailableError(f"{name} does not load: {error}") from error
