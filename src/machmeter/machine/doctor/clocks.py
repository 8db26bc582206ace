"""What sets the speed of the clock, and the clock that times are read from."""

from collections.abc import Iterator
from typing import Final

from machmeter.machine import fingerprint
from machmeter.machine.doctor.finding import Finding, Level, ok, shown, unknown
from machmeter.machine.doctor.readings import Readings
from machmeter.machine.parsing import NONE, UNKNOWN, word

_SOURCE: Final = "/sys/devices/system/clocksource/clocksource0/current_clocksource"

#: Read through the kernel's vDSO: tens of nanoseconds instead of a microsecond and more.
_FAST: Final = frozenset({"tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page", "timebase"})


def findings(readings: Readings) -> Iterator[Finding]:
    """Judge governor, boost and time source."""
    state = fingerprint.state(readings.texts)
    yield _governor(state["governor"])
    yield _boost(state["boost"])
    yield _time_source(word(readings.texts.get(_SOURCE)))


def _governor(governor: str) -> Finding:
    check = "frequency governor"
    if governor in {UNKNOWN, NONE}:
        return unknown(check, "cpufreq")
    if governor == "performance":
        return ok(check, governor)
    why = "The clock rises and falls with the load, and the first part of each sample runs slower."
    return Finding(
        check, Level.WARNING, governor, why, "sudo cpupower frequency-set -g performance (as administrator)"
    )


def _boost(boost: str) -> Finding:
    if boost == UNKNOWN:
        return unknown("boost", "cpufreq")
    if boost == "off":
        return ok("boost", boost)
    why = "Above its nominal clock a CPU's speed depends on its temperature and on its busy cores."
    advice = "Leave it as it is on all nodes, or switch it off on all (cpupower, or the firmware's set-up)."
    return Finding("boost", Level.NOTE, boost, why, advice)


def _time_source(source: str) -> Finding:
    check = "time source"
    if source == UNKNOWN:
        return unknown(check, _SOURCE)
    if source in _FAST:
        return ok(check, source)
    why = "Reading it takes a microsecond or more, around every sample and in every timed loop."
    advice = 'Ask the administrator why not "tsc" (dmesg | grep -i clocksource says it).'
    return Finding(check, Level.WARNING, shown(source), why, advice)
