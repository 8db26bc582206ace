"""How busy the machine is: load average, stalls, steal, quota."""

import re
from collections.abc import Iterator
from typing import Final

from machmeter.machine import capacity
from machmeter.machine.doctor import cores
from machmeter.machine.doctor.counters import cpu_set, growth, pressure, shares
from machmeter.machine.doctor.finding import Finding, Level, ok, unknown
from machmeter.machine.doctor.readings import Readings
from machmeter.machine.parsing import UNKNOWN, UNLIMITED
from machmeter.model import PRESSURE_BOUND

_LOAD_SHARE: Final = 0.5
_STALL_SHARE: Final = {"cpu": 0.05, "io": 0.20, "memory": 0.01}
_STEAL_UNFIT: Final = 0.05
_STEAL_WARNING: Final = 0.01
_STAT: Final = "/proc/stat"
_WAIT: Final = 'Wait until it is over, then run "machmeter doctor" again; "top" shows who it is.'


def findings(readings: Readings) -> Iterator[Finding]:
    """Judge load average, pressure stall information, steal and throttling by a CPU quota."""
    yield _load_average(readings)
    for resource in _STALL_SHARE:
        yield _pressure(readings, resource)
    yield _steal(readings)
    yield _quota(readings)


def _load_average(readings: Readings) -> Finding:
    check = "load average"
    match = re.match(r"(\d{1,6}\.\d{1,3}) ", readings.texts.get("/proc/loadavg") or "", re.ASCII)
    # The load counts the whole machine's tasks, also in a container.
    online = cpu_set(readings.texts.get("/sys/devices/system/cpu/online")) or cores.usable(readings)
    if match is None or not online:
        return unknown(check, "/proc/loadavg")
    load = float(match[1])
    found = f"{load:.2f} on {len(online)} CPUs in the last minute"
    why = "Measured processes wait for a core that others use."
    if load > len(online):
        return Finding(check, Level.UNFIT, found, why, _WAIT)
    if load > _LOAD_SHARE * len(online):
        return Finding(check, Level.WARNING, found, why, _WAIT)
    return ok(check, found)


def _pressure(readings: Readings, resource: str) -> Finding:
    check, source = f"{resource} pressure", f"/proc/pressure/{resource}"
    first, last = pressure(readings.before.get(source)), pressure(readings.after.get(source))
    if first is None or last is None or readings.window_s <= 0:
        return unknown(check, source)
    now = min(1.0, max(0.0, (last[1] - first[1]) / readings.window_s))
    found = f"tasks stalled {now:.0%} of the last {readings.window_s:.1f} s, {last[0]:.0%} of the last 10 s"
    # What lasts is seen by both; a short burst of either kind says nothing about the next minutes.
    lasting = min(now, last[0])
    why = "Somebody waits for it all the time; samples taken in such a time are marked contended."
    if lasting > PRESSURE_BOUND and resource != "io":
        return Finding(check, Level.UNFIT, found, why, _WAIT)
    if lasting > _STALL_SHARE[resource]:
        return Finding(check, Level.WARNING, found, why, _WAIT)
    return ok(check, found)


def _steal(readings: Readings) -> Finding:
    load, mine = shares(readings.before.get(_STAT), readings.after.get(_STAT)), cores.usable(readings)
    stolen = [share for cpu, (_, share) in load.items() if cpu in mine]
    if not stolen:
        return unknown("steal", _STAT)
    share = sum(stolen) / len(stolen)
    found = f"{share:.1%} of our CPUs' time went to other guests"
    why = "The hypervisor gives our cores to other virtual machines."
    advice = 'Wait, or move to a host that is not shared; then run "machmeter doctor" again.'
    if share > _STEAL_UNFIT:
        return Finding("steal", Level.UNFIT, found, why, advice)
    if share > _STEAL_WARNING:
        return Finding("steal", Level.WARNING, found, why, advice)
    return ok("steal", found)


def _quota(readings: Readings) -> Finding:
    check, source = "CPU quota", "cgroup.cpu.stat"
    quota = capacity.facts(readings.texts)["cpu_quota"]
    if quota == UNKNOWN or readings.after.get(source) is None:
        return unknown(check, "the control group")
    periods = growth(readings.before, readings.after, source, "nr_periods")
    throttled = growth(readings.before, readings.after, source, "nr_throttled")
    why = "A group that has used up its quota stands still until the next period."
    advice = "Use fewer threads, or ask for a larger quota or a cpuset instead of one (docker --cpuset-cpus)."
    if throttled:
        found = f"{quota} CPUs; throttled in {throttled} of {max(periods, throttled)} periods"
        return Finding(check, Level.UNFIT, found, why, advice)
    if quota != UNLIMITED:
        return Finding(check, Level.NOTE, f"{quota} CPUs; not throttled now", why, advice)
    return ok(check, "none")
