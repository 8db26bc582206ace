"""How a benchmark's pairs are taken: calls a sample, samples a pair, their order, the processor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from machmeter.model import RUN_DELAY_BOUND
from machmeter.pairs import Side

#: Seconds of a sample. The speed of a virtual machine's processor changes within tens of milliseconds, and
#: neighbouring samples of base and head must see the same of it (docs/measurements/gate.md).
SAMPLE_S = 0.0025
#: Samples of each side. What differs between processes is more than what differs within one, so more pairs
#: help more than more samples.
SAMPLES = 16
#: Seconds that the samples of one side may take together, with the setup before each, where they are long.
SIDE_S = 0.5
#: More than this is more than one core, by more than the clocks err.
_ONE_CORE = 1.1
#: Mirrored within four samples and again within eight, so that neither a steady nor a changing drift of the
#: machine favours a side (the first terms of the Thue-Morse sequence).
_PATTERN = "ABBABAAB"


@dataclass(frozen=True, slots=True)
class Plan:
    """How each pair of a benchmark is taken; the same for both sides.

    Parameters
    ----------
    number : int
        Calls in a sample.
    samples : int
        Samples of each side: 1, or an even number.
    measures : str
        "time", or "value" for what a benchmark returns once a process.
    pinned : bool
        Whether both sides, with their threads and children, are bound to one processor: where both compute.
        Two of a virtual machine may differ in speed by a fifth for a while, and CPU time with them.
    parallel : bool
        Whether wall time decides although both compute: on several cores at once, where a head that keeps
        fewer of them busy is slower without computing more.
    """

    number: int
    samples: int
    measures: Literal["time", "value"] = "time"
    pinned: bool = False
    parallel: bool = False

    @classmethod
    def of(cls, base: Mapping[str, Any], head: Mapping[str, Any], *, single_threaded: bool) -> "Plan":
        """Choose a plan from what the first processes said.

        Parameters
        ----------
        base, head : mapping
            ``measures``; ``number`` of calls in a sample; ``most`` samples that the suite allows;
            ``call_s``, None where nothing may be called before the first sample. Where something may:
            ``sample_s`` that one takes, setup included; ``computes``, ``cores`` and ``delayed`` of it.
        single_threaded : bool
            Whether numerical libraries compute in one thread. Those that somebody asked for would spin on
            one processor and wait for each other.
        """
        if base["measures"] == "value":
            return cls(1, 1, "value")
        most = base["most"] or SAMPLES
        if base["call_s"] is None or most == 1:
            return cls(max(1, base["number"]), 1)
        affordable = int(SIDE_S / max(base["sample_s"], 1e-9))
        samples = max(2, min(SAMPLES, most, affordable) // 2 * 2)
        computing = bool(base["computes"] and head["computes"])
        parallel = computing and _is_parallel(base, head)
        return cls(
            base["number"],
            samples,
            pinned=computing and single_threaded and not parallel,
            parallel=parallel,
        )


def _is_parallel(base: Mapping[str, Any], head: Mapping[str, Any]) -> bool:
    """Whether several cores are kept busy, on a node that is quiet enough to tell.

    On a busy one wall time would decide nothing, and CPU time on one processor is what can be known.
    """
    busy = max(base["delayed"], head["delayed"]) > RUN_DELAY_BOUND
    return not busy and max(base["cores"], head["cores"]) > _ONE_CORE


def first_forked(number: int) -> Side:
    """Which side of a pair, or of a generation, is forked first.

    The later one finds warmer caches. In plain turns each side would also be given, again and again, the very
    pages of memory that it has just released; the Thue-Morse sequence changes hands as often as not.
    """
    return "base" if number.bit_count() % 2 == 0 else "head"


def order(index: int, samples: int) -> str:
    """Order of a pair's samples, A for the base.

    Parameters
    ----------
    index : int
        Number of the pair. Of every eight, each order comes once with either side forked first on each of two
        processors.
    samples : int
        Of each side.
    """
    pattern = (_PATTERN * (samples // 4 + 1))[: 2 * samples]
    swapped = (index // 2) % 2 == 1
    return pattern.translate(str.maketrans("AB", "BA")) if swapped else pattern


def processor(index: int, processors: Sequence[int]) -> int:
    """Which processor a pinned pair runs on: two in turns for eight pairs, then the next two."""
    return processors[(index % 2 + 2 * (index // 8)) % len(processors)]
