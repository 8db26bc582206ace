"""The fingerprint of a machine: what it is (hashed into its tag) and the state it is in (recorded only)."""

import re
from collections.abc import Mapping
from typing import Any

from machmeter.machine import capacity, cpuinfo, gpus, processor, sources
from machmeter.machine.label import label
from machmeter.machine.parsing import NONE, UNKNOWN, whole, word
from machmeter.machine.sources import Sources
from machmeter.model import Fingerprint

_CHOSEN = re.compile(r"\[(\w+)\]")


def fingerprint(texts: Sources | None = None) -> Fingerprint:
    """Name a machine by its hardware.

    Parameters
    ----------
    texts : Sources, optional
        The raw texts of a machine; those of this machine by default.

    Returns
    -------
    Fingerprint
        The same texts always give the same fingerprint. A fact that cannot be read is "unknown", and part
        of the hash as such. Nothing in it names a host, serial number, UUID, slot, clock reading or load.

    Raises
    ------
    MachmeterError
        If MACHMETER_FACTS_FILE names something that is no record.
    """
    read = sources.collect() if texts is None else texts
    facts = identity(read)
    return Fingerprint(identity=facts, state=state(read), label=label(facts))


def identity(texts: Mapping[str, str | None]) -> dict[str, Any]:
    """Give the facts that decide speed and do not change by themselves: these are hashed."""
    return {**processor.facts(texts), **capacity.facts(texts), **gpus.facts(texts.get("nvml"))}


def state(texts: Mapping[str, str | None]) -> dict[str, Any]:
    """Give the facts that may change on the same hardware: recorded, shown as events, never hashed."""
    return {
        "microcode": word(cpuinfo.microcode(texts.get("/proc/cpuinfo"))),
        "kernel": word(texts.get("/proc/sys/kernel/osrelease")),
        "os": _os(texts.get("/etc/os-release")),
        "container": _words(texts.get("container")),
        "governor": _words(texts.get("governors")),
        "boost": _boost(texts),
        "smt": word(texts.get("/sys/devices/system/cpu/smt/control")),
        "mitigations": _mitigations(texts.get("vulnerabilities")),
        "other_cpu_flags": processor.other_flags(texts),
        **processor.renamed(texts),
        "numa_balancing": whole(texts.get("/proc/sys/kernel/numa_balancing"), high=9),
        "transparent_hugepages": _chosen(texts.get("/sys/kernel/mm/transparent_hugepage/enabled")),
        "python": word(texts.get("python")),
        **gpus.state(texts.get("nvml")),
    }


def _os(text: str | None) -> str:
    """Give PRETTY_NAME of /etc/os-release, os-release(5)."""
    return word((text or "").strip().partition("=")[2].strip("\"'"))


def _words(text: str | None) -> str:
    """Give the lines as one text; "none" for an empty one."""
    if text is None:
        return UNKNOWN
    return word(" ".join(text.split())) if text.strip() else NONE


def _boost(texts: Mapping[str, str | None]) -> str:
    """Tell whether the CPU may exceed its nominal clock: cpufreq/boost, or Intel's no_turbo inverted."""
    general = whole(texts.get("/sys/devices/system/cpu/cpufreq/boost"), high=1)
    no_turbo = whole(texts.get("/sys/devices/system/cpu/intel_pstate/no_turbo"), high=1)
    boost = 1 - no_turbo if isinstance(no_turbo, int) else general
    return {0: "off", 1: "on"}.get(boost, UNKNOWN) if isinstance(boost, int) else UNKNOWN


def _mitigations(text: str | None) -> dict[str, str] | str:
    if text is None:
        return UNKNOWN
    parts = (line.partition(":") for line in text.splitlines())
    return {word(name): word(status) for name, _, status in parts}


def _chosen(text: str | None) -> str:
    """Give the word in brackets of "always [madvise] never"."""
    match = _CHOSEN.search(text or "")
    return match[1] if match else UNKNOWN
