"""What /proc/cpuinfo says that lscpu leaves out or renames: microcode, and the numbers of Arm cores."""

import re
from typing import Final

#: The lines that are kept. Others are volatile (MHz), in lscpu already (flags), or name the board (Serial).
KEYS: Final = ("microcode", "CPU implementer", "CPU variant", "CPU part", "CPU revision")

_LINE: Final = re.compile(r"([A-Za-z][\w ]*?)\s*: *(.*)", re.ASCII)


def kinds(text: str) -> str:
    """Keep of /proc/cpuinfo one block of the lines with `KEYS` for each kind of CPU, in the file's order."""
    blocks = (_kept(block) for block in text.split("\n\n"))
    return "\n".join(dict.fromkeys(block for block in blocks if block))


def _kept(block: str) -> str:
    return "".join(f"{line}\n" for line in block.splitlines() if line.startswith(KEYS))


def fields(text: str | None) -> list[dict[str, str]]:
    """Give the fields of each block; empty where there is none."""
    blocks = (text or "").split("\n\n")
    found = (
        {match[1]: match[2].strip() for match in map(_LINE.fullmatch, block.splitlines()) if match}
        for block in blocks
    )
    return [block for block in found if block]


def microcode(text: str | None) -> str:
    """Give the revision of the first CPU's microcode, or an empty text."""
    return next((block["microcode"] for block in fields(text) if "microcode" in block), "")
