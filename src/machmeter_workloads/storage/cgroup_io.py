"""Asking the kernel to slow a disk down for this process, where it allows that."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Self

from machmeter_workloads.errors import WorkloadError

if TYPE_CHECKING:
    from collections.abc import Iterator

# The line of the second version of cgroups in /proc/self/cgroup.
UNIFIED = "0::"


class CgroupRefusedError(WorkloadError):
    """The kernel does not limit the reading of this process."""

    @classmethod
    def of(cls, reason: str) -> Self:
        """Say why.

        Parameters
        ----------
        reason : str
            Without a full stop.

        Returns
        -------
        CgroupRefusedError
        """
        return cls(
            f"The kernel cannot slow down reading here: {reason}.",
            "It takes the second version of cgroups, its io controller, a disk of one's own and permission.",
            "Use the loaders' bytes_per_s instead, which needs none of them.",
        )


@contextlib.contextmanager
def limited_reading(
    folder: Path, bytes_per_s: float, root: Path = Path("/sys"), process: Path = Path("/proc/self")
) -> Iterator[None]:
    """Limit how fast the processes of this cgroup read from the disk under a folder.

    Only what comes from the disk counts: files in the page cache are as fast as ever. Drop them first.
    Source: ``io.max`` in Linux, Documentation/admin-guide/cgroup-v2.rst.

    Parameters
    ----------
    folder : Path
        Where the data lie.
    bytes_per_s : float
        All processes of the cgroup together.
    root : Path
        Where sysfs is mounted.
    process : Path
        What the kernel tells of this process.

    Yields
    ------
    None
        The limit holds until the block ends.

    Raises
    ------
    CgroupRefusedError
        Says what is missing.
    """
    limits = _own_cgroup(root, process) / "io.max"
    disk = _disk_under(folder, root)
    _write(limits, f"{disk} rbps={int(bytes_per_s)}")
    try:
        yield
    finally:
        _write(limits, f"{disk} rbps=max")


def _own_cgroup(root: Path, process: Path) -> Path:
    lines = (process / "cgroup").read_text().splitlines()
    own = next((line.removeprefix(UNIFIED) for line in lines if line.startswith(UNIFIED)), None)
    if own is None:
        raise CgroupRefusedError.of("this process is in no cgroup of the second version")
    group = root / "fs/cgroup" / own.lstrip("/")
    if not (group / "io.max").exists():
        raise CgroupRefusedError.of(
            f"{group} has no io.max, because its io controller is off or it is the root"
        )
    return group


def _disk_under(folder: Path, root: Path) -> str:
    number = folder.stat().st_dev
    device = root / "dev/block" / f"{os.major(number)}:{os.minor(number)}"
    if not device.exists():
        raise CgroupRefusedError.of(
            f"{folder} lies on no disk of its own, but in memory, overlaid or far away"
        )
    # Limits are set on whole disks: a partition's folder lies in that of its disk.
    disk = device.resolve()
    return ((disk.parent if (disk / "partition").exists() else disk) / "dev").read_text().strip()


def _write(limits: Path, line: str) -> None:
    try:
        limits.write_text(line)
    except OSError as error:
        raise CgroupRefusedError.of(f"{limits} refuses {line!r} ({error.strerror})") from error
