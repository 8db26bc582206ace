"""From rates to a choice: what every strategy would take, and which is best."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from machmeter_workloads.errors import WorkloadError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from machmeter_workloads.loaders.planner.rates import NodeRates, StrategyRates

# Of candidates that differ by less, the one that leaves more of the CPUs to the training is better.
TIE = 0.02
MB = 1e6
MS = 1e-3


@dataclass(frozen=True)
class Candidate:
    """A strategy on a number of threads.

    Parameters
    ----------
    strategy, format_name : str
        What reads, and what is read.
    threads : int
        At least one.
    made : bool
        Whether the data set has the format; only then it can be chosen.
    predicted_s : float
        Seconds a cube.
    bound : str
        What limits it: "storage", "decoding", or "reading and decoding in turns".
    cpu_s : float
        CPU seconds a cube.
    measured_s : float, optional
        Seconds a cube in a race of the best.
    """

    strategy: str
    format_name: str
    threads: int
    made: bool
    predicted_s: float
    bound: str
    cpu_s: float
    measured_s: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds a cube: measured, or else predicted."""
        return self.predicted_s if self.measured_s is None else self.measured_s

    def __str__(self) -> str:
        return f"{self.strategy} on {self.threads} thread{'s' if self.threads > 1 else ''}"


@dataclass(frozen=True)
class Plan:
    """What was chosen, and what it was chosen from.

    Parameters
    ----------
    chosen : Candidate
        The best one.
    slots : int
        Batches in its ring.
    candidates : tuple of Candidate
        All of them, best first.
    rates : NodeRates
        What they were predicted from.
    """

    chosen: Candidate
    slots: int
    candidates: tuple[Candidate, ...]
    rates: NodeRates

    def why(self) -> str:
        """Explain the choice.

        Returns
        -------
        str
            A sentence or two.
        """
        storage = self.rates.storage_bytes_per_s
        place = (
            "all files are in memory" if math.isinf(storage) else f"the storage gives {storage / MB:.0f} MB/s"
        )
        text = f"{self.chosen}: {place}, a cube takes {_ms(self.chosen)}, limited by {self.chosen.bound}"
        if others := [
            each for each in self.candidates if each.strategy != self.chosen.strategy and each.made
        ]:
            text += f"; {others[0]} would take {_ms(others[0])} ({others[0].bound})"
        if better := [each for each in self.candidates if self._is_worth_making(each)]:
            text += (
                f". The format {better[0].format_name} is not made; with it, {better[0]} would take "
                f"{_ms(better[0])}"
            )
        return text + "."

    def _is_worth_making(self, candidate: Candidate) -> bool:
        return not candidate.made and candidate.predicted_s < (1 - TIE) * self.chosen.seconds


def choose(rates: NodeRates, batch_size: int) -> Plan:
    """Choose by prediction alone.

    Parameters
    ----------
    rates : NodeRates
        Of the node and the data set.
    batch_size : int
        Cubes in a batch.

    Returns
    -------
    Plan

    Raises
    ------
    WorkloadError
        The data set has no format that any strategy reads.
    """
    candidates = [
        predict(rates, each, threads) for each in rates.strategies for threads in thread_counts(rates.cpus)
    ]
    return decide(rates, candidates, batch_size)


def decide(rates: NodeRates, candidates: Sequence[Candidate], batch_size: int) -> Plan:
    """Choose the best of the candidates: a measured one if any is.

    Parameters
    ----------
    rates : NodeRates
        What they were predicted from.
    candidates : sequence of Candidate
        In any order.
    batch_size : int
        Cubes in a batch.

    Returns
    -------
    Plan

    Raises
    ------
    WorkloadError
        None of them is made.
    """
    possible = [each for each in candidates if each.made]
    possible = [each for each in possible if each.measured_s is not None] or possible
    if not possible:
        raise WorkloadError(
            "There is nothing to choose from: the data set has no format that threads can read.",
            "A strategy is chosen among the formats that were made.",
            "Make one with machmeter_workloads.data.cube_set.make_cube_set.",
        )
    limit = (1 + TIE) * min(each.seconds for each in possible)
    chosen = min(
        (each for each in possible if each.seconds <= limit), key=lambda each: (each.cpu_s, each.threads)
    )
    ordered = sorted(candidates, key=lambda each: (each is not chosen, each.seconds, each.threads))
    return Plan(chosen, ring_slots(chosen.threads, batch_size), tuple(ordered), rates)


def predict(rates: NodeRates, each: StrategyRates, threads: int) -> Candidate:
    """Predict how long a cube takes: as long as the slowest of three.

    Parameters
    ----------
    rates : NodeRates
        Of the node.
    each : StrategyRates
        Of the strategy.
    threads : int
        At least one.

    Returns
    -------
    Candidate
    """
    cold_bytes = each.cold_share * each.file_bytes
    cpu_s = _cpu_s(each, threads, rates.cpus)
    bounds = {
        "decoding": cpu_s / min(threads, rates.cpus),
        "storage": cold_bytes / rates.storage_bytes_per_s,
        # A thread decodes only when it has read: its two times add up, and threads overlap.
        "reading and decoding in turns": (cold_bytes / rates.reader_bytes_per_s + cpu_s) / threads,
    }
    bound = max(bounds, key=lambda name: bounds[name])
    return Candidate(each.strategy, each.format_name, threads, each.made, bounds[bound], bound, cpu_s)


def thread_counts(cpus: int) -> list[int]:
    """Give the numbers of threads that are considered.

    Parameters
    ----------
    cpus : int
        Usable ones.

    Returns
    -------
    list of int
        Powers of two, and all.
    """
    return sorted({*(1 << power for power in range(cpus.bit_length())), cpus})


def ring_slots(threads: int, batch_size: int) -> int:
    """Give the number of slots that keep all threads busy.

    Parameters
    ----------
    threads : int
        That fill them.
    batch_size : int
        Cubes in a slot.

    Returns
    -------
    int
        Those being filled, one that is filled, and one that is lent.
    """
    return math.ceil(threads / batch_size) + 2


def _cpu_s(each: StrategyRates, threads: int, cpus: int) -> float:
    """Interpolate between one thread and all of them."""
    share = (min(threads, cpus) - 1) / max(cpus - 1, 1)
    return (1 - share) * each.alone_cpu_s + share * each.together_cpu_s


def _ms(candidate: Candidate) -> str:
    return f"{candidate.seconds / MS:.1f} ms"
