"""Numbers out of the kernel's counters; what is absent, garbled or absurd is None, never an error."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from machmeter.machine.parsing import KIB, MOST_CPUS

_CPU_LINE: Final = re.compile(r"cpu(\d{1,5})((?: +\d{1,18}){8,10})", re.ASCII)
_RANGE: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)
#: Positions among the numbers of a CPU's line in /proc/stat (proc(5)): user, nice, system, irq, softirq.
_BUSY: Final = (0, 1, 2, 5, 6)
_STEAL: Final = 7
#: guest and guest_nice are part of user and nice.
_COUNTED: Final = 8


@dataclass(frozen=True, slots=True)
class Ticks:
    """Clock ticks of one CPU since the start of the machine."""

    busy: int
    steal: int
    total: int


def ticks(stat: str | None) -> dict[int, Ticks]:
    """Read the ticks of every CPU from the text of ``/proc/stat``."""
    found = {}
    for line in (stat or "").splitlines():
        match = _CPU_LINE.fullmatch(line.strip())
        if match:
            numbers = [int(word) for word in match[2].split()][:_COUNTED]
            found[int(match[1])] = Ticks(sum(numbers[i] for i in _BUSY), numbers[_STEAL], sum(numbers))
    return found


def shares(before: str | None, after: str | None) -> dict[int, tuple[float, float]]:
    """Give the busy and the stolen share, 0 to 1, of every CPU between two texts of ``/proc/stat``."""
    earlier, later = ticks(before), ticks(after)
    found = {}
    for cpu in earlier.keys() & later.keys():
        total = later[cpu].total - earlier[cpu].total
        if total > 0:
            busy = later[cpu].busy - earlier[cpu].busy
            steal = later[cpu].steal - earlier[cpu].steal
            found[cpu] = min(1.0, max(0.0, busy / total)), min(1.0, max(0.0, steal / total))
    return found


def cpu_set(text: str | None) -> frozenset[int] | None:
    """Give the CPUs that a kernel list such as "0-5,48-53" names."""
    cpus: set[int] = set()
    for part in (text or "").strip().split(","):
        match = _RANGE.fullmatch(part)
        if not match or int(match[2] or 0) >= MOST_CPUS:
            return None
        cpus.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return frozenset(cpus) or None


def pressure(text: str | None) -> tuple[float, float] | None:
    """Give the average of ten seconds (0 to 1) and the total (seconds) of a PSI file's line "some"."""
    match = re.search(r"some avg10=(\d{1,3}(?:\.\d{1,3})?) .*total=(\d{1,18})", text or "", re.ASCII)
    return (float(match[1]) / 100, int(match[2]) * 1e-6) if match else None


def number(text: str | None, name: str) -> int | None:
    """Give the first number that follows a name at the beginning of a line."""
    match = re.search(rf"^{re.escape(name)}:?[ \t]+(\d{{1,18}})\b", text or "", re.ASCII | re.MULTILINE)
    return int(match[1]) if match else None


def total(text: str | None, name: str) -> int | None:
    """Add up the numbers that follow a name at the beginning of any line."""
    found = re.findall(rf"^{re.escape(name)} (\d{{1,18}})\b", text or "", re.ASCII | re.MULTILINE)
    return sum(map(int, found)) if found else None


def growth(before: Mapping[str, str | None], after: Mapping[str, str | None], source: str, name: str) -> int:
    """Give how much a counter grew; 0 where it is not kept."""
    first, last = total(before.get(source), name), total(after.get(source), name)
    return 0 if first is None or last is None else max(0, last - first)


def meminfo_bytes(text: str | None, name: str) -> int | None:
    """Give a line of ``/proc/meminfo`` in bytes."""
    kib = number(text, name)
    return None if kib is None else kib * KIB
