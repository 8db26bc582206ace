"""Room where data, results and temporary files go."""

from collections.abc import Iterator
from typing import Final

from machmeter.machine.doctor.finding import Finding, Level, ok, shown, unknown
from machmeter.machine.doctor.readings import Disk, Readings
from machmeter.machine.parsing import GIB

_NO_ROOM_BYTES: Final = 100 * 2**20
_LITTLE_ROOM_BYTES: Final = 2 * GIB

#: Data may be somebody else's and read-only.
_MAY_BE_READ_ONLY: Final = "data"


def findings(readings: Readings) -> Iterator[Finding]:
    """Judge the room of each directory."""
    for disk in readings.disks:
        yield _finding(disk)


def _finding(disk: Disk) -> Finding:
    check, place = f"{disk.role} disk", shown(str(disk.path))
    if disk.free_bytes is None:
        return unknown(check, place)
    if not disk.writable and disk.role != _MAY_BE_READ_ONLY:
        why = "Nothing that is measured could be kept."
        return Finding(check, Level.UNFIT, f"{place} cannot be written", why, f"chmod u+w {place}")
    found = f"{disk.free_bytes / GIB:.3g} GiB free at {place}"
    advice = f'Free some space there ("du -sh {place}/*" shows what takes it), or choose another directory.'
    if disk.free_bytes < _NO_ROOM_BYTES:
        return Finding(check, Level.UNFIT, found, "A write that fails ends the run.", advice)
    if disk.free_bytes < _LITTLE_ROOM_BYTES:
        why = "Environments, data and profiles take some GiB, and nearly full disks are slow."
        return Finding(check, Level.WARNING, found, why, advice)
    return ok(check, found)
