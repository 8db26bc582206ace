"""Memory: what is free, limits that are close, swap, huge pages, NUMA balancing."""

import re
from collections.abc import Iterator
from typing import Final

from machmeter.machine import fingerprint
from machmeter.machine.doctor.counters import growth, meminfo_bytes
from machmeter.machine.doctor.finding import Finding, Level, ok, unknown
from machmeter.machine.doctor.readings import Readings
from machmeter.machine.parsing import GIB, UNKNOWN, listed, whole

_MEMINFO: Final = "/proc/meminfo"
_MOST_BYTES: Final = 2**60
_LITTLE_SHARE: Final = 0.10
_NOTHING_SHARE: Final = 0.02
_INACTIVE: Final = re.compile(r"^(?:total_)?inactive_file (\d{1,18})$", re.ASCII | re.MULTILINE)


def findings(readings: Readings) -> Iterator[Finding]:
    """Judge free memory, the groups' limits, swap, transparent huge pages and NUMA balancing."""
    yield _free(readings)
    yield _limit(readings.texts.get("cgroup.memory.usage"))
    yield _swap(readings)
    yield from _kernel_settings(readings)


def _free(readings: Readings) -> Finding:
    text = readings.texts.get(_MEMINFO)
    free, total = meminfo_bytes(text, "MemAvailable"), meminfo_bytes(text, "MemTotal")
    if free is None or not total:
        return unknown("memory", _MEMINFO)
    return _room("memory", free, total, "available")


def _limit(text: str | None) -> Finding:
    """Judge the control group that is nearest to its limit; file pages that it can drop are free."""
    if text is None:
        return unknown("memory limit", "the control group")
    rooms = [room for room in map(_group_room, text.split("\n\n")) if room]
    if not rooms:
        return ok("memory limit", "none")
    free, total = min(rooms, key=lambda room: room[0] / room[1])
    return _room("memory limit", free, total, "left")


def _group_room(text: str) -> tuple[int, int] | None:
    """Give what is free and the limit of one group, in bytes; None for a group without a limit."""
    limit, used = ([whole(word, high=2**64) for word in text.split()[:2]] + [UNKNOWN] * 2)[:2]
    if isinstance(limit, str) or isinstance(used, str) or not 0 < limit < _MOST_BYTES:
        return None
    droppable = _INACTIVE.findall(text)
    return max(0, limit - used + (int(droppable[-1]) if droppable else 0)), limit


def _room(check: str, free: int, total: int, spelled: str) -> Finding:
    found = f"{free / GIB:.3g} of {total / GIB:.3g} GiB {spelled}"
    why = "With little room the page cache shrinks, data is read from the disk again, and processes end."
    advice = 'Stop what holds it ("ps aux --sort -rss | head"), or ask for more memory.'
    if free < _NOTHING_SHARE * total:
        return Finding(check, Level.UNFIT, found, why, advice)
    if free < _LITTLE_SHARE * total:
        return Finding(check, Level.WARNING, found, why, advice)
    return ok(check, found)


def _swap(readings: Readings) -> Finding:
    text = readings.texts.get(_MEMINFO)
    free, total = meminfo_bytes(text, "SwapFree"), meminfo_bytes(text, "SwapTotal")
    if free is None or total is None:
        return unknown("swap", _MEMINFO)
    counts = (growth(readings.before, readings.after, "/proc/vmstat", name) for name in ("pswpin", "pswpout"))
    moved, used = sum(counts), max(0, total - free)
    why = "Pages that come back from the disk while measuring cost milliseconds each."
    if moved:
        found = f"{moved} pages went in or out within {readings.window_s:.1f} s; {used / GIB:.3g} GiB in use"
        return Finding("swap", Level.WARNING, found, why, "Free memory, then run again (free -h, vmstat 1).")
    if used:
        return Finding("swap", Level.NOTE, f"{used / GIB:.3g} GiB in use, nothing moves now", why)
    return ok("swap", "not in use" if total else "none")


def _kernel_settings(readings: Readings) -> Iterator[Finding]:
    state = fingerprint.state(readings.texts)
    pages, check = state["transparent_hugepages"], "transparent huge pages"
    if pages == UNKNOWN:
        yield unknown(check, "/sys/kernel/mm/transparent_hugepage/enabled")
    elif pages == "always":
        why = "The kernel merges pages in the background when it finds the time: samples may differ."
        yield Finding(check, Level.NOTE, pages, why, "Keep it the same on all nodes.")
    else:
        yield ok(check, pages)
    yield _numa_balancing(
        state["numa_balancing"], listed(readings.texts.get("/sys/devices/system/node/has_cpu"))
    )


def _numa_balancing(setting: int | str, nodes: int | str) -> Finding:
    check = "NUMA balancing"
    if nodes == 1:
        return ok(check, "one NUMA node")
    if setting == UNKNOWN:
        return unknown(check, "/proc/sys/kernel/numa_balancing")
    if not setting:
        return ok(check, "off")
    why = "The kernel moves pages between the nodes while samples are taken."
    advice = 'Bind measured processes to one node ("numactl -N 0 -m 0 asv run …").'
    return Finding(check, Level.WARNING, f"on, {nodes} nodes", why, advice)
