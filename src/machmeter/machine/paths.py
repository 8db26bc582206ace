"""How near work comes to what its node can do: Mach along a path of limits.

A path says what an item needs at least from each limit: bytes for what `limits` measures, seconds for what
the work itself sets (the pace of a throttled storage, a consumer's step).
"""

from collections.abc import Iterable, Mapping
from typing import Final

from machmeter.machine.limits import Mach, mach
from machmeter.model import Limit

#: Seconds are spent at one second a second.
SET_BY_THE_WORK: Final = {"pace": 1.0, "consumer": 1.0}

#: These take time, but none of the processor's, and all threads together have no more of them.
_WAITED_FOR: Final = frozenset({"cold_read", "host_to_device", "device_copy", *SET_BY_THE_WORK})

#: What a limit belongs to, by the beginning of its name.
_STAGES: Final = {
    "page_cache_read": "storage",
    "cold_read": "storage",
    "pace": "storage",
    "decode_": "decode",
    "widen_": "widening",
    "memcpy": "copy",
    "host_to_device": "copy",
    "device_copy": "copy",
    "consumer": "consumer",
}


def stage(limit: str) -> str:
    """Say what a limit belongs to: storage, decode, widening, copy or consumer; else its own name."""
    return next((name for start, name in _STAGES.items() if limit.startswith(start)), limit)


def rates(limits: Iterable[Limit] = ()) -> dict[str, float]:
    """Give the rates at which a path's amounts can pass.

    Parameters
    ----------
    limits : iterable of Limit
        Of one hardware class; the last of a name counts.

    Returns
    -------
    dict of str to float
        Bytes a second, of one CPU where a CPU does it; the limits that the work sets are always there.
        ``memcpy`` is that of one thread.
    """
    found = {each.name: 1e9 * each.median for each in limits if each.unit == "GB/s"}
    if "memcpy_threads_1" in found:
        found["memcpy"] = found["memcpy_threads_1"]
    return found | SET_BY_THE_WORK


def unknown(path: Mapping[str, float], known: Mapping[str, float]) -> list[str]:
    """Name the limits on a path that nobody has measured: without them a Mach would be too low."""
    return [limit for limit in path if limit not in known]


def least_s(path: Mapping[str, float], known: Mapping[str, float]) -> dict[str, float]:
    """Give the seconds that an item takes at least, by limit.

    Parameters
    ----------
    path : mapping of str to float
        Amounts an item.
    known : mapping of str to float
        Rates, as of `rates`.

    Raises
    ------
    KeyError
        If a limit is not known.
    """
    return {limit: amount / known[limit] for limit, amount in path.items()}


def cpu_mach(path: Mapping[str, float], known: Mapping[str, float], cpu_s: float) -> Mach | None:
    """Compare CPU seconds an item with the limits that cost CPU time.

    Returns
    -------
    Mach or None
        Items a CPU second over the smallest such limit; None where there is none on the path.
    """
    return _mach(cpu_s, {name: s for name, s in least_s(path, known).items() if name not in _WAITED_FOR})


def wall_mach(
    path: Mapping[str, float], known: Mapping[str, float], wall_s: float, threads: int = 1
) -> Mach | None:
    """Compare wall seconds an item with all limits.

    Parameters
    ----------
    path, known : mapping of str to float
        As for `least_s`.
    wall_s : float, seconds
        An item.
    threads : int
        How many, processes included, share the work that costs CPU time.
    """
    shares = {name: s if name in _WAITED_FOR else s / threads for name, s in least_s(path, known).items()}
    return _mach(wall_s, shares)


def nearest_mach(
    path: Mapping[str, float], known: Mapping[str, float], cpu_s: float | None, wall_s: float
) -> Mach | None:
    """Find the limit that work is nearest to, however many threads it had.

    What costs CPU time is compared with CPU seconds, what is waited for with wall seconds.
    """
    waited_for = {name: amount for name, amount in path.items() if name in _WAITED_FOR}
    of_cpu = None if cpu_s is None else cpu_mach(path, known, cpu_s)
    candidates = [of_cpu, wall_mach(waited_for, known, wall_s)]
    return max(filter(None, candidates), key=lambda each: each.value, default=None)


def _mach(taken_s: float, shares: Mapping[str, float]) -> Mach | None:
    if not shares or not taken_s > 0:
        return None
    return mach(1 / taken_s, {name: 1 / s for name, s in shares.items()})
