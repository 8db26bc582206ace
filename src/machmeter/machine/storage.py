"""What lies behind a directory: file system, kind of disk, scheduler; no serial numbers or servers' names."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from machmeter.machine.parsing import NONE, UNKNOWN, word

#: File systems without a block device of their own, and what they are called here.
_WITHOUT_DEVICE: Final = {
    "9p": "9p",
    "afs": "afs",
    "autofs": "autofs",
    "beegfs": "beegfs",
    "ceph": "ceph",
    "cifs": "smb",
    "glusterfs": "glusterfs",
    "gpfs": "gpfs",
    "lustre": "lustre",
    "nfs": "nfs",
    "nfs4": "nfs",
    "overlay": "overlay",
    "ramfs": "tmpfs",
    "smb3": "smb",
    "tmpfs": "tmpfs",
    "virtiofs": "virtiofs",
    "zfs": "zfs",
}

#: Beginnings of the kernel's names of disks whose name says enough.
_NAMED: Final = {"nvme": "nvme", "vd": "virtio", "xvd": "xen", "mmcblk": "mmc", "loop": "loop", "ram": "ram"}

#: Parts of a disk's path in sysfs that tell how it is attached.
_ATTACHED: Final = {"/virtio": "virtio", "/usb": "usb"}

_OCTAL: Final = re.compile(r"\\([0-7]{3})")
_CHOSEN: Final = re.compile(r"\[([\w-]+)\]")
_BEFORE, _AFTER = 5, 2


class Mount(NamedTuple):
    """A line of /proc/self/mountinfo, see proc(5): "major:minor", where, which file system, from what."""

    device: str
    point: str
    filesystem: str
    source: str


def storage(path: Path, proc: Path = Path("/proc/self"), sys: Path = Path("/sys")) -> dict[str, str]:
    """Describe what lies behind a directory, without root; it never fails.

    Parameters
    ----------
    path : Path
        A file or directory; one that is yet to be made lies where its parent lies.
    proc, sys : Path
        Where ``mountinfo`` and the sysfs are.

    Returns
    -------
    dict of str to str
        ``filesystem`` ("ext4"), ``kind`` ("nvme", "sata-ssd", "hdd", "virtio", "nfs", "tmpfs", "overlay" …),
        ``rotational`` ("yes", "no"), ``scheduler`` ("mq-deadline"), ``model``; "unknown" for what cannot be
        read. Several disks under one file system (LVM, RAID) are listed with a plus sign if they differ.
    """
    mount = _mount_of(path, proc)
    if mount is None:
        return dict.fromkeys(("filesystem", "kind", "rotational", "scheduler", "model"), UNKNOWN)
    without = _WITHOUT_DEVICE.get(mount.filesystem, "fuse" if mount.filesystem.startswith("fuse.") else None)
    disks = [] if without else _disks(mount, sys)
    facts = {"filesystem": word(mount.filesystem), "kind": without or _all(disks, _kind)}
    return {
        **facts,
        "rotational": _all(disks, _rotational),
        "scheduler": _all(disks, _scheduler),
        "model": _all(disks, _model),
    }


def _mount_of(path: Path, proc: Path) -> Mount | None:
    """Find the mount with the longest path above a directory; of several on one point the last counts."""
    try:
        real = os.path.realpath(path)
        lines = (proc / "mountinfo").read_bytes().decode("utf-8", "replace").splitlines()
    except (OSError, ValueError):
        return None
    above = [mount for mount in map(_mount, lines) if mount and _is_below(real, mount.point)]
    return max(reversed(above), key=lambda mount: len(mount.point), default=None)


def _mount(line: str) -> Mount | None:
    head, _, tail = line.partition(" - ")
    fields, rest = head.split(" "), tail.split(" ")
    if len(fields) < _BEFORE or len(rest) < _AFTER:
        return None
    return Mount(fields[2], _unescaped(fields[4]), rest[0], _unescaped(rest[1]))


def _unescaped(text: str) -> str:
    """Undo the octal escapes for blank, tab, newline and backslash."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)


def _is_below(path: str, point: str) -> bool:
    return path == point or path.startswith(f"{point.rstrip('/')}/")


def _disks(mount: Mount, sys: Path) -> list[Path]:
    """Give the folders of the disks in sysfs, by the device's number or, where it has none, by its name."""
    try:
        folder = sys / "dev/block" / mount.device
        if not folder.exists() and mount.source.startswith("/dev/"):
            folder = sys / "class/block" / Path(os.path.realpath(mount.source)).name
        return _below(folder, deep=8) if folder.exists() else []
    except (OSError, ValueError):
        return []


def _below(folder: Path, deep: int) -> list[Path]:
    """Follow a partition to its disk, and a mapped or RAID device to what it is made of."""
    real = Path(os.path.realpath(folder))
    disk = real.parent if (real / "partition").exists() else real
    slaves = sorted((disk / "slaves").glob("*")) if deep else []
    return [found for slave in slaves for found in _below(slave, deep - 1)] or [disk]


def _all(disks: list[Path], fact: Callable[[Path], str]) -> str:
    return "+".join(sorted({fact(disk) for disk in disks})) or UNKNOWN


def _kind(disk: Path) -> str:
    path = str(disk)
    attached = [name for part, name in _ATTACHED.items() if part in path]
    named = [kind for start, kind in _NAMED.items() if disk.name.startswith(start)]
    if attached or named:
        return (named or attached)[0]
    rotational = _rotational(disk)
    if rotational != "no":
        return "hdd" if rotational == "yes" else UNKNOWN
    return "sata-ssd" if "/ata" in path else "ssd"


def _rotational(disk: Path) -> str:
    return {"0": "no", "1": "yes"}.get(_read(disk / "queue/rotational"), UNKNOWN)


def _scheduler(disk: Path) -> str:
    """Give the word in brackets of "mq-deadline [none]", or the only one."""
    text = _read(disk / "queue/scheduler")
    match = _CHOSEN.search(text)
    return match[1] if match else (NONE if text == NONE else UNKNOWN)


def _model(disk: Path) -> str:
    return word(_read(disk / "device/model") or _read(disk / "device/name"))


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "replace").strip()
    except OSError:
        return ""
