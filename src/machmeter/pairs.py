"""Frozen values of a comparison: what one side of a pair cost, a pair, a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Side = Literal["base", "head"]

#: A side waits, for disk, sleep, GPU or others' answers, when this share of its wall time is neither spent
#: computing nor waiting for a core. Below it, CPU time decides.
WAITING_BOUND = 0.10


def is_rate(unit: str) -> bool:
    """Whether more is better: only of a rate. asv takes every result for a cost, and so do we all others."""
    return unit.strip().endswith("/s")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one side of a pair cost.

    Parameters
    ----------
    wall_s, cpu_s, gpu_s : float or None, seconds
        Median over the samples, per item; None where that clock says nothing about the benchmark.
    value : float or None
        What a benchmark returned that is no timing.
    waited : float
        Share of wall time neither spent computing nor waiting for a core, of the median sample.
    delayed : float
        Share of wall time in which its threads waited for a core, over all samples.
    samples : int
        How many there were.
    items : float
        Items in a sample.
    peak_rss_bytes : int or None
        Largest resident set of the measuring process.
    work : str or None
        Digest of what was computed.
    """

    wall_s: float | None = None
    cpu_s: float | None = None
    gpu_s: float | None = None
    value: float | None = None
    waited: float = 0.0
    delayed: float = 0.0
    samples: int = 0
    items: float = 1.0
    peak_rss_bytes: int | None = None
    work: str | None = None

    def by(self, clock: str) -> float | None:
        """Cost by a clock: "wall", "cpu", "gpu" or "value"."""
        return {"wall": self.wall_s, "cpu": self.cpu_s, "gpu": self.gpu_s, "value": self.value}[clock]


@dataclass(frozen=True, slots=True)
class Pair:
    """One measuring process of each side, measured in turns.

    Parameters
    ----------
    benchmark, params : str, tuple of str
        As in a `Sample`.
    generation : int
        Pairs of one generation share their side processes.
    index : int
        Number of the pair within its benchmark, from 0.
    first : str
        Which side was forked first.
    order : str
        Order of the samples, for instance "ABBA"; A is the base.
    started_at : str
        UTC, ISO 8601.
    seconds : float
        What the pair took.
    contended : bool
        Whether others disturbed it beyond the bounds of a `Sample`: never decides by wall time.
    base, head : Cost
        The two sides.
    cpu, wall, gpu, value : float or None
        ln(head / base) by each clock: the median over neighbouring samples.
    """

    benchmark: str
    params: tuple[str, ...]
    generation: int
    index: int
    first: str
    order: str
    started_at: str
    seconds: float
    contended: bool
    base: Cost
    head: Cost
    cpu: float | None = None
    wall: float | None = None
    gpu: float | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about one benchmark with one set of parameters.

    Parameters
    ----------
    benchmark, params : str, tuple of str
        As in a `Sample`.
    word : str
        "slower", "faster", "unchanged", "inconclusive", "work changed", "failed", "added", "removed" or
        "skipped".
    clock : str or None
        "cpu", "wall", "gpu" or "value": what decided.
    unit : str
        Of `base` and `head`.
    ratio, low, high : float or None
        Head over base and its interval of 95%.
    p_value : float or None
        Against "no change", valid however often it was looked at.
    base, head : float or None
        Median cost of the base over the pairs, and that times the ratio; the head's own median where there
        is no ratio.
    spread : float or None
        Robust standard deviation of a pair's log ratio.
    pairs, contended : int
        Pairs taken, and how many of them were contended.
    seconds : float
        Spent on it.
    reason : str
        Why it is inconclusive, failed or changed; empty otherwise.
    output : str
        The end of what a failed benchmark printed.
    cause : str
        Which function explains a change, in a sentence, or why none can be named; empty if nobody looked.
    page : str
        Path of the flame graph, if there is one.
    """

    benchmark: str
    params: tuple[str, ...]
    word: str
    clock: str | None = None
    unit: str = "seconds"
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    base: float | None = None
    head: float | None = None
    spread: float | None = None
    pairs: int = 0
    contended: int = 0
    seconds: float = 0.0
    reason: str = ""
    output: str = ""
    cause: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One run of the gate.

    Parameters
    ----------
    identifier : str
        Name of its file.
    base, head : str
        Full hashes.
    tag, node, started_at : str
        As in a `RunRecord`.
    threshold, alpha : float
        Smallest slowdown that must be found, as a share; rate of false discoveries.
    budget_s : float, seconds
        For measuring.
    environment : str
        asv's name of it.
    threads : mapping of str to str
        Environment variables that set numbers of threads.
    mode : str
        "zygote", or why every pair had fresh processes.
    notes : tuple of str
        What the reader should know: uncommitted changes, modules of the suite that cannot be imported.
    verdicts : tuple of Verdict
        In the suite's order.
    seconds : float
        Wall time of measuring.
    """

    identifier: str
    base: str
    head: str
    tag: str
    node: str
    started_at: str
    threshold: float
    alpha: float
    budget_s: float
    environment: str
    threads: Mapping[str, str]
    mode: str = "zygote"
    notes: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    seconds: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)
