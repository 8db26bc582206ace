"""What a benchmark may not do to the node: use up its memory, fill its disk with output."""

import contextlib
from pathlib import Path

from machmeter.machine import cgroups

#: A benchmark is ended when less than this share of the memory is left: the kernel would end somebody else.
LEAST_MEMORY = 0.04
#: ... or when it has printed more than this.
MOST_OUTPUT_BYTES = 256 << 20


def exceeded(output: Path) -> str | None:
    """Say what a measuring process used up, None where all is well."""
    available, total = _memory()
    if available < LEAST_MEMORY * total:
        return f"was ended: {available >> 20} MiB of {total >> 20} MiB memory were left on this node"
    with contextlib.suppress(OSError):
        printed = output.stat().st_size
        if printed > MOST_OUTPUT_BYTES:
            return f"was ended: it had printed {printed >> 20} MiB"
    return None


def _memory(proc: Path = Path("/proc")) -> tuple[int, int]:
    """Bytes of memory that can be given out, and all, of the node or of the group that has least left."""
    lines = (proc / "meminfo").read_text(encoding="ascii").splitlines()
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    node = kilobytes["MemAvailable"] * 1024, kilobytes["MemTotal"] * 1024
    groups = (cgroups.read_usage(proc / "self")["cgroup.memory.usage"] or "").split("\n\n")
    limited = [room for room in map(_room, groups) if room is not None and room[1] < node[1]]
    return min([node, *limited], key=lambda room: room[0] / room[1])


def _room(group: str) -> tuple[int, int] | None:
    """Bytes that a control group has left, and its limit; file pages are given back when they are needed."""
    words = group.split()
    with contextlib.suppress(ValueError, IndexError):
        limit, used = int(words[0]), int(words[1])
        known = dict(zip(words[2::2], words[3::2], strict=False))
        prefix = "total_" if "total_inactive_file" in known else ""
        files = sum(int(known.get(f"{prefix}{kind}_file", 0)) for kind in ("active", "inactive"))
        return limit - used + files, limit
    return None
