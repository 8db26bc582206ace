"""Raw text of a source into a fact; what is absent, garbled or absurd becomes "unknown", never an error."""

import json
import math
import re
from typing import Any, Final

UNKNOWN: Final = "unknown"
UNLIMITED: Final = "unlimited"
NONE: Final = "none"

KIB: Final = 2**10
GIB: Final = 2**30

#: No machine has more CPUs, sockets or NUMA nodes than this; a larger number is a misread.
MOST_CPUS: Final = 65_536

#: Longer than any name, and short enough to be read by a person.
MOST_CHARACTERS: Final = 200

_RANGE = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?", re.ASCII)
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([KMG]?)(?:i?B)?", re.ASCII)
_FACTORS = {"": 1 / KIB, "K": 1, "M": KIB, "G": KIB**2}


def as_json(text: str | None) -> Any:  # noqa: ANN401  (JSON is any of six types)
    """Parse JSON, or give None for what is not JSON, also where it is nested absurdly deep."""
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return None


def word(value: object) -> str:
    """Give a printable one-line text without surrounding blanks, or "unknown"."""
    if not isinstance(value, str):
        return UNKNOWN
    stripped = value.strip()
    sane = 0 < len(stripped) <= MOST_CHARACTERS and stripped.isprintable() and "\ufffd" not in stripped
    return stripped if sane else UNKNOWN


def whole(value: object, low: int = 0, high: int = MOST_CPUS) -> int | str:
    """Give the integer between `low` and `high` that a text or number stands for, or "unknown"."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return UNKNOWN
    try:
        number = int(value)
    except ValueError:
        return UNKNOWN
    return number if low <= number <= high else UNKNOWN


def listed(text: str | None) -> int | str:
    """Count what a kernel list such as "0-5,48-53" names, or give "unknown".

    The format is described in the kernel's Documentation/admin-guide/cputopology.rst.
    """
    if text is None:
        return UNKNOWN
    ranges = [_RANGE.fullmatch(part) for part in text.strip().split(",")]
    if not all(ranges):
        return UNKNOWN
    bounds = [(int(match[1]), int(match[2] or match[1])) for match in ranges if match]
    return whole(sum(last - first + 1 for first, last in bounds), low=1)


def size_kib(text: object) -> int | str:
    """Give the KiB of a size such as "48K" (sysfs), "32K" or "1.5 MiB" (lscpu), or "unknown"."""
    match = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        return UNKNOWN
    return whole(round(float(match[1]) * _FACTORS[match[2]]), low=1, high=GIB)


def nominal_gib(size: float) -> float:
    """Round bytes up to the memory that was built in or configured.

    Kernels and drivers reserve a few per cent, more or less of it from version to version. The steps are an
    eighth of the power of two below (2 GiB between 16 and 32 GiB): every usual size lies on one of them, and
    what is missing from it stays within the step.

    Parameters
    ----------
    size : float, bytes
        Above zero.

    Returns
    -------
    float, GiB
    """
    gib = size / GIB
    step = 2.0 ** (math.floor(math.log2(gib)) - 3)
    rounded = math.ceil(gib / step) * step
    return int(rounded) if rounded.is_integer() else rounded
