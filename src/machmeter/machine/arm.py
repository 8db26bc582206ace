"""The identity of Arm cores: the numbers of their identification register, which no tool renames.

lscpu takes vendor, name and stepping of an Arm core from a table of its own or from SMBIOS, as its version
and the user's rights have it: the same machine was "ARM Neoverse-N1 r3p1" and "Ampere(TM) Altra(TM) 0x3".
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from machmeter.machine import cpuinfo
from machmeter.machine.parsing import NONE

_NUMBER: Final = re.compile(r"0x[0-9a-f]{1,4}|\d{1,4}", re.ASCII)
_CPU_NAME: Final = re.compile(r"(0x[0-9a-f]{1,4}) (0x[0-9a-f]{1,4})", re.ASCII)

_VENDORS: Final = {
    "0x41": "Arm",
    "0x42": "Broadcom",
    "0x43": "Cavium",
    "0x46": "Fujitsu",
    "0x48": "HiSilicon",
    "0x4e": "NVIDIA",
    "0x51": "Qualcomm",
    "0x61": "Apple",
    "0x6d": "Microsoft",
    "0xc0": "Ampere",
}

#: Names for the readable label, after Linux' arch/arm64/include/asm/cputype.h and lscpu. They are part of the
#: tag, though not of its hash: another name here is another tag.
_NAMES: Final = {
    "0x41": {
        "0xd03": "Cortex-A53",
        "0xd05": "Cortex-A55",
        "0xd07": "Cortex-A57",
        "0xd08": "Cortex-A72",
        "0xd09": "Cortex-A73",
        "0xd0a": "Cortex-A75",
        "0xd0b": "Cortex-A76",
        "0xd0c": "Neoverse-N1",
        "0xd0d": "Cortex-A77",
        "0xd40": "Neoverse-V1",
        "0xd41": "Cortex-A78",
        "0xd44": "Cortex-X1",
        "0xd46": "Cortex-A510",
        "0xd47": "Cortex-A710",
        "0xd48": "Cortex-X2",
        "0xd49": "Neoverse-N2",
        "0xd4d": "Cortex-A715",
        "0xd4e": "Cortex-X3",
        "0xd4f": "Neoverse-V2",
        "0xd80": "Cortex-A520",
        "0xd81": "Cortex-A720",
        "0xd82": "Cortex-X4",
        "0xd84": "Neoverse-V3",
        "0xd85": "Cortex-X925",
        "0xd8e": "Neoverse-N3",
    },
    "0x43": {"0x0a1": "ThunderX", "0x0af": "ThunderX2"},
    "0x46": {"0x001": "A64FX"},
    "0x48": {"0xd01": "Kunpeng-920"},
    "0x4e": {"0x004": "Carmel"},
    "0x51": {"0x001": "Oryon", "0xc00": "Falkor"},
    "0x61": {
        "0x022": "Icestorm-M1",
        "0x023": "Firestorm-M1",
        "0x024": "Icestorm-M1-Pro",
        "0x025": "Firestorm-M1-Pro",
        "0x028": "Icestorm-M1-Max",
        "0x029": "Firestorm-M1-Max",
        "0x032": "Blizzard-M2",
        "0x033": "Avalanche-M2",
    },
    "0x6d": {"0xd49": "Azure-Cobalt-100"},
    "0xc0": {"0xac3": "AmpereOne", "0xac4": "AmpereOne-A"},
}


class Core(NamedTuple):
    """A kind of Arm core by the fields of its MIDR_EL1 register (Arm Architecture Reference Manual).

    Parameters
    ----------
    implementer, part, variant, revision : str
        As in /proc/cpuinfo: hexadecimal such as "0x41", the revision decimal.
    """

    implementer: str
    part: str
    variant: str
    revision: str


def cores(text: str | None) -> list[Core]:
    """Give the kinds of Arm core that /proc/cpuinfo names, sorted; empty on other CPUs.

    Parameters
    ----------
    text : str or None
        /proc/cpuinfo, or what `machmeter.machine.cpuinfo.kinds` keeps of it.
    """
    names = [f"CPU {field}" for field in Core._fields]
    blocks = ([block.get(name, "").lower() for name in names] for block in cpuinfo.fields(text))
    return sorted({Core(*values) for values in blocks if all(map(_NUMBER.fullmatch, values))})


def facts(text: str | None) -> dict[str, Any]:
    """Give the identity facts that replace those of lscpu; empty where the numbers are not known.

    Parameters
    ----------
    text : str or None
        As for `cores`.

    Returns
    -------
    dict
        ``cpu_vendor`` (implementer), ``cpu_model`` (part), ``cpu_stepping`` (variant and revision) and
        ``cpu_name``; lists for a CPU with several kinds of core.
    """
    found = cores(text)
    if not found:
        return {}
    steppings = [f"r{int(core.variant, 0)}p{core.revision}" for core in found]
    return {
        "cpu_vendor": _one([core.implementer for core in found]),
        "cpu_family": NONE,
        "cpu_model": _one([core.part for core in found]),
        "cpu_stepping": _one(steppings),
        "cpu_name": _one([f"{core.implementer} {core.part}" for core in found]),
    }


def _one(values: list[str]) -> Any:  # noqa: ANN401
    return values[0] if len(values) == 1 else values


def names(identity: Mapping[str, Any]) -> list[str]:
    """Name the cores of a machine for people; empty where its CPU is not known by Arm's numbers.

    Parameters
    ----------
    identity : mapping of str to JSON value
        Facts of `machmeter.machine.fingerprint.fingerprint`.
    """
    shown = identity["cpu_name"]
    matches = [_CPU_NAME.fullmatch(str(name)) for name in (shown if isinstance(shown, list) else [shown])]
    return [_name(match[1], match[2]) for match in matches if match]


def _name(vendor: str, part: str) -> str:
    """Give a name, or the maker and the part's number for one that came after this table."""
    return _NAMES.get(vendor, {}).get(part) or f"{_VENDORS.get(vendor, 'Arm')} {part}"
