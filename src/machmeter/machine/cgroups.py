"""The limits of the control groups that this process lives in, cgroup v1 and v2, read without root."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

#: A line of /proc/self/mountinfo has at least this many fields before and after its " - ".
_MOUNT_FIELDS, _FILESYSTEM_FIELDS = 5, 3


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A mounted cgroup hierarchy and where this process is in it.

    Parameters
    ----------
    controllers : frozenset of str
        The v1 controllers of the mount; empty for v2, which has one hierarchy for all.
    folders : tuple of Path
        The process's own group first, then every group above it that can be seen, the mount point last.
    """

    controllers: frozenset[str]
    folders: tuple[Path, ...]


def read(proc: Path = Path("/proc/self")) -> dict[str, str | None]:
    """Read the limits of this process's groups, its own first and the outermost last, one a line.

    Parameters
    ----------
    proc : Path
        Folder with ``cgroup`` and ``mountinfo``.

    Returns
    -------
    dict of str to str or None
        ``cgroup.cpu``: lines "quota period" in microseconds, quota "max" or -1 for none (v2 ``cpu.max``, v1
        ``cpu.cfs_quota_us`` and ``cpu.cfs_period_us``); ``cgroup.memory``: lines of bytes or "max" (v2
        ``memory.max``, v1 ``memory.limit_in_bytes``); ``cgroup.cpuset``: lines of CPU lists, effective ones.
        An empty text means that nothing is limited, None that there is no way to know.
    """
    hierarchies = _mounted(proc)
    if not hierarchies:
        return dict.fromkeys(("cgroup.cpu", "cgroup.memory", "cgroup.cpuset"))
    return {
        "cgroup.cpu": "".join(
            _lines(hierarchies, "cpu", ("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
        ),
        "cgroup.memory": "".join(_lines(hierarchies, "memory", ("memory.max",), ("memory.limit_in_bytes",))),
        "cgroup.cpuset": "".join(
            _lines(
                hierarchies,
                "cpuset",
                ("cpuset.cpus.effective",),
                ("cpuset.effective_cpus",),
                ("cpuset.cpus",),
            )
        ),
    }


def read_usage(proc: Path = Path("/proc/self")) -> dict[str, str | None]:
    """Read what this process's groups have used up, its own first; blank lines stand between the groups.

    Parameters
    ----------
    proc : Path
        Folder with ``cgroup`` and ``mountinfo``.

    Returns
    -------
    dict of str to str or None
        ``cgroup.cpu.stat``: the ``cpu.stat`` of each group (nr_periods, nr_throttled, …);
        ``cgroup.memory.usage``: "limit used", then ``memory.stat``. An empty text means that there is no such
        group, None that there is no way to know.
    """
    hierarchies = _mounted(proc)
    if not hierarchies:
        return dict.fromkeys(("cgroup.cpu.stat", "cgroup.memory.usage"))
    v2 = ("memory.max", "memory.current", "memory.stat")
    v1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat")
    return {
        "cgroup.cpu.stat": "\n".join(_lines(hierarchies, "cpu", ("cpu.stat",))),
        "cgroup.memory.usage": "\n".join(_lines(hierarchies, "memory", v2, v1)),
    }


def _mounted(proc: Path) -> list[Hierarchy]:
    """List the hierarchies; none where the process cannot read them."""
    try:
        return list(_hierarchies(_text(proc / "cgroup"), _text(proc / "mountinfo")))
    except OSError:
        return []


def _hierarchies(groups: str, mounts: str) -> Iterator[Hierarchy]:
    """Pair each line "id:controllers:path" of /proc/self/cgroup with its mount (cgroups(7))."""
    paths = dict(line.split(":", 2)[1:] for line in groups.splitlines() if line.count(":") > 1)
    for controllers, root, point in _mounts(mounts):
        own = next((path for names, path in paths.items() if set(names.split(",")) & controllers), None)
        own = paths.get("") if not controllers else own
        if own is not None:
            yield Hierarchy(controllers, _upwards(point, root, own))


def _mounts(mounts: str) -> Iterator[tuple[frozenset[str], str, Path]]:
    """Give controllers, root and mount point of each cgroup mount of /proc/self/mountinfo (proc(5))."""
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        head, tail = fields.split(" "), rest.split(" ")
        if len(head) < _MOUNT_FIELDS or len(tail) < _FILESYSTEM_FIELDS or not tail[0].startswith("cgroup"):
            continue
        options = frozenset(tail[2].split(",")) if tail[0] == "cgroup" else frozenset[str]()
        yield options, head[3], Path(head[4])


def _upwards(point: Path, root: str, own: str) -> tuple[Path, ...]:
    """List the folders from the process's own group up to the mount point.

    In a container the path may start with the part that the mount hides, or lie outside of what is mounted.
    Folders that do not exist are skipped later.
    """
    inside = PurePosixPath(own)
    if root != "/" and inside.is_relative_to(root):
        inside = inside.relative_to(root)
    parts = [part for part in inside.parts if part not in {"/", ".."}]
    return tuple(point.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1))


def _lines(hierarchies: list[Hierarchy], controller: str, *alternatives: tuple[str, ...]) -> Iterator[str]:
    """Give one line a group that has the files of one alternative, the values joined by a blank."""
    for hierarchy in hierarchies:
        if hierarchy.controllers and controller not in hierarchy.controllers:
            continue
        for folder in hierarchy.folders:
            values = next(filter(None, (_values(folder, files) for files in alternatives)), None)
            if values:
                yield f"{values}\n"


def _values(folder: Path, files: tuple[str, ...]) -> str | None:
    try:
        return " ".join(_text(folder / file).strip() for file in files)
    except OSError:
        return None


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")
