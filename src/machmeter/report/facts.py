"""A machine's facts as HTML, whatever their JSON shape."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from machmeter.report.markup import Markup, element

#: Heading of a group, and the words in a fact's name that put it there; the first group that fits takes it.
_GROUPS: Final = {
    "GPUs": ("gpu", "mig", "cuda"),
    "Caches": ("cache",),
    "Memory": ("ram", "memory", "numa"),
    "CPU": ("cpu", "core", "thread", "socket", "hypervisor", "architecture"),
}
_REST: Final = "Other"
_SHOWN_ORDER: Final = ("CPU", "Caches", "Memory", "GPUs", _REST)

#: A longer list (the CPU's instruction flags) is folded away.
_LONG_LIST: Final = 12

#: An object in a list with no more facts than this stands in one line.
_ONE_LINE: Final = 5

_SPELLED: Final = {
    "cpu": "CPU",
    "cpus": "CPUs",
    "gpu": "GPU",
    "gpus": "GPUs",
    "ram": "RAM",
    "gib": "GiB",
    "kib": "KiB",
    "numa": "NUMA",
    "os": "OS",
    "smt": "SMT",
    "mig": "MIG",
    "pcie": "PCIe",
    "vbios": "VBIOS",
}

_WORDS: Final = {True: "yes", False: "no", None: "unknown"}


def groups(identity: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Sort facts under the headings CPU, Caches, Memory, GPUs and Other; empty headings are left out."""
    found: dict[str, dict[str, Any]] = {title: {} for title in _SHOWN_ORDER}
    for name, value in identity.items():
        found[_group(name)][name] = value
    return {title: members for title, members in found.items() if members}


def facts(members: Mapping[str, Any]) -> Markup:
    """List facts as names and values."""
    pairs = []
    for name, value in members.items():
        pairs += [element("dt", _spelled(name)), element("dd", _value(value))]
    return element("dl", *pairs)


def _spelled(name: str) -> str:
    """Spell a fact's name as people do: "ram_gib" as "RAM GiB"."""
    return " ".join(_SPELLED.get(word, word) for word in name.split("_"))


def _group(name: str) -> str:
    lowered = name.lower()
    fits = (title for title, words in _GROUPS.items() if any(word in lowered for word in words))
    return next(fits, _REST)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return _folded([f"{_spelled(name)}: {fact}" for name, fact in value.items()])
    if isinstance(value, list | tuple):
        return _listing(value)
    return _WORDS.get(value, str(value)) if isinstance(value, bool | None) else str(value)


def _entry(value: object) -> str:
    """Spell a small object, such as a cache, in one line."""
    if not isinstance(value, Mapping) or len(value) > _ONE_LINE:
        return _value(value)
    if set(value) == {"level", "type", "kib", "shared_by", "count"}:
        return _cache(value)
    return ", ".join(f"{_spelled(name)} {fact}" for name, fact in value.items())


def _cache(value: Mapping[str, Any]) -> str:
    sharing = "" if value["shared_by"] == 1 else f", each for {value['shared_by']} CPUs"
    return f"L{value['level']} {value['type']}: {value['count']} of {value['kib']} KiB{sharing}"


def _listing(entries: Sequence[object]) -> str:
    if any(isinstance(entry, Mapping) for entry in entries):
        return element("ol", *(element("li", _entry(entry)) for entry in entries))
    if len(entries) > _LONG_LIST:
        return _folded([", ".join(map(str, entries))], len(entries))
    return ", ".join(map(str, entries)) or "none"


def _folded(lines: Sequence[str], count: int | None = None) -> Markup:
    """Fold lines away under their number."""
    listed = element("ul", *(element("li", line) for line in lines))
    return element("details", element("summary", f"{count or len(lines)} entries"), listed)
