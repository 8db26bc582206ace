"""The GPUs: whether they are free, cool and at full clock."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeGuard

from machmeter.machine.doctor.finding import Finding, Level, ok, shown, unknown
from machmeter.machine.doctor.readings import Readings
from machmeter.machine.parsing import GIB, as_json

#: Bits of nvmlClocksThrottleReasons (nvml.h), and the word for each.
_SLOWED: Final = {
    0x08: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}
_LIMITED: Final = {0x02: "application clocks", 0x04: "power cap", 0x10: "sync boost", 0x100: "display clock"}

#: A number beyond it is a misread.
_MOST: Final = 1e12

_BUSY_PERCENT: Final = 5
_NEAR_DEGREES: Final = 5


def findings(readings: Readings) -> Iterator[Finding]:
    """Judge every visible GPU; none where there is none."""
    gpus = as_json(readings.gpus)
    if not isinstance(gpus, list):
        yield unknown("GPU", "NVML")
        return
    if not gpus:
        yield ok("GPU", "none")
    for index, gpu in enumerate(gpus):
        if isinstance(gpu, Mapping):
            numbers = {name: value for name, value in gpu.items() if _is_number(value)}
            yield ok(f"GPU {index}", shown(str(gpu.get("name"))))
            yield from _users(f"GPU {index} use", gpu, numbers)
            yield from _throttling(f"GPU {index} throttling", numbers)
            yield from _clocks(index, numbers)
            yield from _settings(index, gpu, numbers)


def _is_number(value: object) -> TypeGuard[float]:
    # A bool is an int to Python, and no quantity; JSON knows infinite ones.
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return math.isfinite(value) and abs(value) < _MOST


def _users(check: str, gpu: Mapping[str, Any], numbers: Mapping[str, float]) -> Iterator[Finding]:
    processes, busy = gpu.get("processes"), numbers.get("utilisation")
    others = [each for each in processes if isinstance(each, Mapping)] if isinstance(processes, list) else []
    working = busy is None or busy >= _BUSY_PERCENT
    spelled = "utilisation unknown" if busy is None else f"{busy:.0f}% busy"
    why = "Kernels of several processes take turns: every timing on it would be another."
    advice = 'Wait until they are done or choose another GPU (CUDA_VISIBLE_DEVICES); see "nvidia-smi".'
    if others:
        found = f"{spelled}; {', '.join(map(_user, others))}"
        yield Finding(check, Level.UNFIT if working else Level.WARNING, found, why, advice)
    elif busy is not None and working:
        yield Finding(check, Level.UNFIT, f"{spelled} by what cannot be seen from here", why, advice)
    elif busy is None and not isinstance(processes, list):
        yield unknown(check, "NVML")
    else:
        yield ok(check, f"free, {spelled}")


def _user(process: Mapping[str, Any]) -> str:
    memory = process.get("memory_used")
    held = f", {memory / GIB:.3g} GiB" if _is_number(memory) else ""
    return f"{shown(str(process.get('name') or 'unknown'))} (pid {shown(str(process.get('pid')))}{held})"


def _throttling(check: str, numbers: Mapping[str, float]) -> Iterator[Finding]:
    reasons = numbers.get("throttle_reasons")
    if reasons is None:
        yield unknown(check, "NVML")
        return
    slowed = [name for bit, name in _SLOWED.items() if int(reasons) & bit]
    limited = [name for bit, name in _LIMITED.items() if int(reasons) & bit]
    why = "The clock is below what the same work would get at another time."
    if slowed:
        advice = 'Let it cool down and look at fans and power supply ("nvidia-smi -q -d PERFORMANCE").'
        yield Finding(check, Level.UNFIT, ", ".join(slowed + limited), why, advice)
    elif limited:
        advice = "Keep the same limits on all nodes."
        yield Finding(check, Level.NOTE, ", ".join(limited), why, advice)
    else:
        yield ok(check, "none")


def _clocks(index: int, numbers: Mapping[str, float]) -> Iterator[Finding]:
    check = f"GPU {index} clock"
    now, most = numbers.get("sm_mhz"), numbers.get("sm_mhz_max")
    chosen, default = numbers.get("application_mhz"), numbers.get("application_mhz_default")
    if now is None or most is None:
        yield unknown(check, "NVML")
    elif None not in {chosen, default} and chosen != default:
        found = f"{now:.0f} of {most:.0f} MHz; application clock {chosen:.0f}, by default {default:.0f}"
        why = "Other nodes of the class run at another clock."
        yield Finding(check, Level.WARNING, found, why, f"sudo nvidia-smi -i {index} -rac (as administrator)")
    else:
        yield ok(check, f"{now:.0f} of {most:.0f} MHz")
    heat, bound = numbers.get("temperature_c"), numbers.get("slowdown_c")
    if heat is not None and bound is not None and heat > bound - _NEAR_DEGREES:
        found, why = f"{heat:.0f} °C, slows down at {bound:.0f} °C", "It is about to lower its clock."
        yield Finding(f"GPU {index} temperature", Level.WARNING, found, why, "Let it cool down first.")
    elif heat is not None:
        yield ok(f"GPU {index} temperature", f"{heat:.0f} °C")


def _settings(index: int, gpu: Mapping[str, Any], numbers: Mapping[str, float]) -> Iterator[Finding]:
    check = f"GPU {index} persistence mode"
    if "persistence" not in numbers:
        yield unknown(check, "NVML")
    elif numbers["persistence"]:
        yield ok(check, "on")
    else:
        why = "The driver unloads when nobody uses the GPU: the next first use takes seconds."
        yield Finding(
            check, Level.WARNING, "off", why, f"sudo nvidia-smi -i {index} -pm 1 (as administrator)"
        )
    limit, default = numbers.get("power_limit_w"), numbers.get("power_limit_w_default")
    if limit is not None and default is not None and limit != default:
        why = "The power limit decides the clock under load; it is part of the machine's tag."
        found = f"{limit:.0f} W, by default {default:.0f} W"
        yield Finding(f"GPU {index} power limit", Level.NOTE, found, why, "Keep it the same on all nodes.")
    if numbers.get("ecc") == 0:
        why = "Memory is a little faster without it, so twins must have the same."
        yield Finding(f"GPU {index} ECC", Level.NOTE, "off", why, "Keep it the same on all nodes.")
    if gpu.get("mig") is True:
        why = "Other instances share the board's power, clock and memory bandwidth to the host."
        advice = "Keep the other instances idle while measuring."
        yield Finding(f"GPU {index} MIG", Level.NOTE, "an instance of a shared GPU", why, advice)
