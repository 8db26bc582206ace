"""How much of the machine this process may use: CPUs, CPU quota, memory."""

import re
from collections.abc import Mapping
from typing import Any

from machmeter.machine.parsing import GIB, KIB, UNKNOWN, UNLIMITED, listed, nominal_gib, whole

#: cgroup v1 says "no limit" with a number that is a multiple of the page size near 2**63.
_V1_UNLIMITED = 2**60
_MOST_MEMORY = 2**53
_MEM_TOTAL = re.compile(r"MemTotal:\s+(\d{1,15}) kB", re.ASCII)
_V1_NO_QUOTA = "-1"


def facts(sources: Mapping[str, str | None]) -> dict[str, Any]:
    """Give the identity facts of what may be used.

    Parameters
    ----------
    sources : mapping of str to str or None
        ``affinity``, ``/sys/devices/system/cpu/online``, ``/proc/meminfo`` and the ``cgroup.*`` of
        `machmeter.machine.cgroups.read`.

    Returns
    -------
    dict
        ``usable_cpus`` (a count), ``cpu_quota`` (CPUs or "unlimited"), ``ram_gib`` (nominal),
        ``memory_limit_gib`` (GiB or "unlimited").
    """
    ram = _ram_bytes(sources.get("/proc/meminfo"))
    return {
        "usable_cpus": _usable_cpus(sources),
        "cpu_quota": _cpu_quota(sources.get("cgroup.cpu")),
        "ram_gib": UNKNOWN if ram is None else nominal_gib(ram),
        "memory_limit_gib": _memory_limit(sources.get("cgroup.memory"), ram),
    }


def _usable_cpus(sources: Mapping[str, str | None]) -> int | str:
    """Take the least of the CPUs online, those of the cpuset and those of the affinity mask."""
    lists = [sources.get("/sys/devices/system/cpu/online"), sources.get("affinity")]
    lists += (sources.get("cgroup.cpuset") or "").splitlines()
    counts = [count for count in map(listed, lists) if isinstance(count, int)]
    return min(counts, default=UNKNOWN)


def _cpu_quota(text: str | None) -> float | str:
    """Take the tightest of the lines "quota period"; a line without sense leaves the quota unknown."""
    if text is None:
        return UNKNOWN
    quotas = [_quota(line) for line in text.splitlines()]
    if None in quotas:
        return UNKNOWN
    least = min((quota for quota in quotas if quota is not None), default=float("inf"))
    return UNLIMITED if least == float("inf") else least


def _quota(line: str) -> float | None:
    quota, _, period = line.partition(" ")
    if quota in {"max", _V1_NO_QUOTA}:
        return float("inf")
    parts = whole(quota, low=1, high=_MOST_MEMORY), whole(period, low=1, high=_MOST_MEMORY)
    if isinstance(parts[0], str) or isinstance(parts[1], str):
        return None
    return round(parts[0] / parts[1], 3)


def _ram_bytes(text: str | None) -> int | None:
    match = _MEM_TOTAL.search(text or "")
    total = whole(match[1], low=1, high=_MOST_MEMORY) if match else UNKNOWN
    return None if isinstance(total, str) else total * KIB


def _memory_limit(text: str | None, ram: int | None) -> float | str:
    """Take the tightest limit; one that the machine's memory does not reach limits nothing."""
    if text is None:
        return UNKNOWN
    lines = [line.strip() for line in text.splitlines()]
    limits = [whole(line, low=1, high=2**64) for line in lines if line != "max"]
    if UNKNOWN in limits:
        return UNKNOWN
    least = min((limit for limit in limits if isinstance(limit, int)), default=_V1_UNLIMITED)
    return UNLIMITED if least >= min(ram or _V1_UNLIMITED, _V1_UNLIMITED) else round(least / GIB, 2)
