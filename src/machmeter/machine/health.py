"""Whether a node is as fast as its twins: reference kernels now against those of earlier runs."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import median, quantiles
from types import MappingProxyType
from typing import Final

from machmeter.machine.kernels import Measured, Request, Setting, run
from machmeter.model import Health, HealthRecord, KernelRate, Slowness

CPU_KERNELS: Final = ("matrix_product_f32", "memcpy", "interpreter", "page_cache_read", "cold_read")
GPU_KERNELS: Final = ("host_to_device", "device_copy", "product_bf16", "product_f32_gpu")

#: Below so many earlier observations nobody knows what is usual.
FEWEST_EARLIER: Final = 5

#: Older observations than these say little about the machine as it is now.
MOST_EARLIER: Final = 100

HEALTHY: Final = "healthy"
SLOW: Final = "slow"
UNKNOWN: Final = "unknown"

#: Makes the median absolute deviation the standard deviation of a normal distribution: 1 / 0.6745.
_TO_SIGMA: Final = 1.4826


@dataclass(frozen=True, slots=True)
class Bounds:
    """From where on a kernel counts as slow; both must be exceeded.

    Parameters
    ----------
    effect : float
        Smallest share of the usual rate that is missing. Below it nobody would act, and placement of pages,
        neighbours on the host and the age of the page cache explain it.
    spread : float
        Smallest spread (standard deviation of the log rate) that is believed: a few earlier observations may
        lie together by chance.
    deviations : float
        How many spreads below the usual rate.
    """

    effect: float
    spread: float
    deviations: float = 6.0


_COMPUTE: Final = Bounds(effect=0.10, spread=0.03)
_MEMORY: Final = Bounds(effect=0.15, spread=0.05)
_DISK: Final = Bounds(effect=0.30, spread=0.10)

BOUNDS: Final[Mapping[str, Bounds]] = MappingProxyType(
    {
        **dict.fromkeys(("matrix_product_f32", "interpreter", "product_bf16", "product_f32_gpu"), _COMPUTE),
        **dict.fromkeys(("memcpy", "page_cache_read", "host_to_device", "device_copy"), _MEMORY),
        "cold_read": _DISK,
    }
)

#: Timed seconds of each kernel: five of the CPU, or five and four of the GPU, make about five seconds in all.
_CPU_S, _CPU_BESIDE_GPU_S, _GPU_S = 0.7, 0.3, 0.15

#: A healthy node needs a tenth of it; storage that hangs must not hold up a night's run.
_TIMEOUT_S: Final = 60.0


def check(setting: Setting, earlier: Sequence[HealthRecord]) -> HealthRecord:
    """Observe this node and judge it.

    A kernel that seems slow is run once more, after the others, and its better observation counts: what
    disturbed it for a moment is over by then, what throttles it is not.

    Parameters
    ----------
    setting : Setting
        This node.
    earlier : sequence of HealthRecord
        Earlier observations of the same tag, whatever the node, in the order of time.

    Returns
    -------
    HealthRecord
        To be kept by the caller.
    """
    started_at, started = datetime.now(UTC), time.perf_counter()
    rates = observe(setting)
    health = judge(rates, earlier)
    if health.slow:
        rates = better(rates, observe(setting, frozenset(each.kernel for each in health.slow)))
        health = judge(rates, earlier)
    wall = time.perf_counter() - started
    return HealthRecord(setting.tag, setting.node, setting.run, started_at.isoformat(), wall, rates, health)


def observe(setting: Setting, only: frozenset[str] | None = None) -> tuple[KernelRate, ...]:
    """Run the health set once: about 5 s.

    Parameters
    ----------
    only : frozenset of str, optional
        The kernels to run; all that the machine has by default.
    """
    wanted = [name for name in CPU_KERNELS if only is None or name in only]
    seconds = _CPU_BESIDE_GPU_S if setting.gpu else _CPU_S
    found = _run(wanted, Request((), setting.python, setting.directory, seconds, timeout_s=_TIMEOUT_S))
    if not setting.gpu:
        return found
    wanted = [name for name in GPU_KERNELS if only is None or name in only]
    if setting.suite_python is None:
        reason = "torch is needed, and no environment of the suite is known"
        return found + tuple(KernelRate(name, unavailable=reason) for name in wanted)
    return found + _run(
        wanted, Request((), setting.suite_python, setting.directory, _GPU_S, timeout_s=_TIMEOUT_S)
    )


def _run(names: Sequence[str], request: Request) -> tuple[KernelRate, ...]:
    if not names:
        return ()
    return tuple(summary(each) for each in run(replace(request, names=tuple(names))))


def summary(measured: Measured) -> KernelRate:
    """Keep of a kernel what its health is judged by."""
    if measured.unavailable is not None:
        return KernelRate(measured.name, unavailable=measured.unavailable)
    rates = measured.rates
    quick = quantiles(rates, n=4, method="inclusive")[2] if len(rates) > 1 else rates[0]
    return KernelRate(
        measured.name, measured.unit, measured.sustained, quick, len(rates), measured.conditions
    )


def better(first: Sequence[KernelRate], second: Sequence[KernelRate]) -> tuple[KernelRate, ...]:
    """Replace an observation by a second one of the same kernel that sustained a higher rate."""
    again = {rate.name: rate for rate in second if rate.unavailable is None}
    return tuple(max(rate, again.get(rate.name, rate), key=lambda one: one.sustained) for rate in first)


def judge(rates: Sequence[KernelRate], earlier: Sequence[HealthRecord]) -> Health:
    """Compare an observation with earlier ones of the same hardware.

    Parameters
    ----------
    rates : sequence of KernelRate
        Of this observation.
    earlier : sequence of HealthRecord
        Of the same tag, on any node, in the order of time. Those judged slow do not count: a node that is
        throttled for weeks must not become what is usual.

    Returns
    -------
    Health
        "slow" if a kernel is slower than usual, whatever the others are; else "unknown" if one could not be
        judged, because it is unavailable or has fewer than `FEWEST_EARLIER` observations under the same
        conditions; else "healthy". Faster than usual is healthy.
    """
    findings = [_judged(rate, _comparable(rate, earlier)) for rate in rates]
    slow = tuple(finding for finding in findings if isinstance(finding, Slowness))
    unknown = tuple(finding for finding in findings if isinstance(finding, str))
    return Health(SLOW if slow else UNKNOWN if unknown else HEALTHY, slow, unknown)


def _comparable(rate: KernelRate, earlier: Sequence[HealthRecord]) -> list[KernelRate]:
    """Give the latest earlier rates of the same kernel under the same conditions."""
    others = (other for record in earlier if record.health.verdict != SLOW for other in record.rates)
    wanted = (rate.name, rate.conditions, None)
    same = [other for other in others if (other.name, other.conditions, other.unavailable) == wanted]
    return same[-MOST_EARLIER:]


def _judged(rate: KernelRate, same: Sequence[KernelRate]) -> Slowness | str | None:
    """Say how slow a kernel is, or why that cannot be said; None for one that is as fast as usual."""
    if rate.unavailable is not None:
        return f"{rate.name} is unavailable: {rate.unavailable}"
    if len(same) < FEWEST_EARLIER:
        under = f" under {rate.conditions}" if rate.conditions else ""
        return f"{rate.name} has {len(same)} of {FEWEST_EARLIER} earlier observations{under}"
    return _slowness(rate, same)


def _slowness(rate: KernelRate, earlier: Sequence[KernelRate]) -> Slowness | None:
    bounds = BOUNDS.get(rate.name, _MEMORY)
    sustained = missing_share(rate.sustained, [each.sustained for each in earlier], bounds)
    undisturbed = missing_share(rate.undisturbed, [each.undisturbed for each in earlier], bounds)
    if not (sustained or undisturbed):
        return None
    return Slowness(rate.name, sustained or undisturbed, interrupted=not undisturbed)


def missing_share(rate: float, earlier: Sequence[float], bounds: Bounds) -> float:
    """Tell how much of the usual rate is missing.

    Usual is the median of the earlier rates, on a logarithmic scale; their spread is the median absolute
    deviation times 1.4826 (F. R. Hampel, The influence curve and its role in robust estimation, JASA 69,
    1974). Both bear that half of the earlier observations were disturbed. Of few values they are uncertain,
    and the deviation comes out too small: hence n / (n - 0.8) (C. Croux, P. J. Rousseeuw, Time-efficient
    algorithms for two highly robust estimators of scale, COMPSTAT 1992).

    Parameters
    ----------
    rate : float
        Above zero.
    earlier : sequence of float
        At least one, in the same unit, above zero.
    bounds : Bounds
        Of this kernel.

    Returns
    -------
    float
        0 if the rate is not below the usual one by `bounds`; else the missing share of the usual rate.
    """
    logs = [math.log(each) for each in earlier]
    usual = median(logs)
    spread = max(_TO_SIGMA * median(abs(each - usual) for each in logs), bounds.spread)
    spread *= len(logs) / (len(logs) - 0.8)
    below = usual - math.log(rate)
    least = max(bounds.deviations * spread, -math.log1p(-bounds.effect))
    return -math.expm1(-below) if below > least else 0.0
