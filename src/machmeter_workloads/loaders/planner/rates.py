"""What the planner knows of a node and a data set."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class StrategyRates:
    """What a cube costs with one strategy.

    Parameters
    ----------
    strategy : str
        One of ``THREAD_STRATEGIES``.
    format_name : str
        What it reads.
    made : bool
        Whether the data set has that format.
    file_bytes : float
        Of a cube and its mask.
    cold_share : float
        Of these bytes, what the storage must give; the rest is in the page cache. 0 to 1.
    alone_cpu_s : float
        CPU seconds a cube on one thread, its file in the page cache.
    together_cpu_s : float
        Likewise with a thread on every usable CPU. More, if they share what they need.
    """

    strategy: str
    format_name: str
    made: bool
    file_bytes: float
    cold_share: float
    alone_cpu_s: float
    together_cpu_s: float


@dataclass(frozen=True)
class NodeRates:
    """What the strategies have to work with.

    Parameters
    ----------
    cpus : int
        Usable ones.
    strategies : tuple of StrategyRates
        All that can read the data set, or could after a conversion.
    storage_bytes_per_s : float
        What the storage gives to all threads together; infinite if nothing has to come from it.
    reader_bytes_per_s : float
        What it gives to one thread.
    """

    cpus: int
    strategies: tuple[StrategyRates, ...]
    storage_bytes_per_s: float = math.inf
    reader_bytes_per_s: float = math.inf
