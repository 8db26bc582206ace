"""Whether kernels are slower than usual: a robust deviation from earlier observations."""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from types import MappingProxyType
from typing import Final

from machmeter.model import Health, HealthRecord, KernelRate, Slowness

#: Below so many earlier observations nobody knows what is usual.
FEWEST_EARLIER: Final = 5

#: Older observations than these say little about the machine as it is now.
MOST_EARLIER: Final = 100

HEALTHY: Final = "healthy"
SLOW: Final = "slow"
UNKNOWN: Final = "unknown"

#: Makes the median absolute deviation the standard deviation of a normal distribution: 1 / 0.6745.
_TO_SIGMA: Final = 1.4826


#: So many spreads below the usual rate is slow.
DEVIATIONS: Final = 6.0

#: The smallest spread that is believed, as standard deviation of the log rate: a few earlier observations
#: may lie together by chance. `DEVIATIONS` times it is the smallest loss that is ever called slow: 17% of a
#: matrix product, 26% of a copy, 45% of a cold read. Below that nobody would act: the layout of its memory
#: makes each process of CPython faster or slower by up to a tenth, and so does the place of pages in caches.
LEAST_SPREAD: Final[Mapping[str, float]] = MappingProxyType(
    {
        **dict.fromkeys(("matrix_product_f32", "product_bf16", "product_f32_gpu"), 0.03),
        **dict.fromkeys(("interpreter", "memcpy", "page_cache_read", "host_to_device", "device_copy"), 0.05),
        "cold_read": 0.10,
    }
)


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
    least = LEAST_SPREAD[rate.name]
    sustained = missing_share(rate.sustained, [each.sustained for each in earlier], least)
    undisturbed = missing_share(rate.undisturbed, [each.undisturbed for each in earlier], least)
    if not (sustained or undisturbed):
        return None
    return Slowness(rate.name, sustained or undisturbed, interrupted=not undisturbed)


def missing_share(rate: float, earlier: Sequence[float], least_spread: float) -> float:
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
    least_spread : float
        Of this kernel, see `LEAST_SPREAD`.

    Returns
    -------
    float
        0 if the rate is less than `DEVIATIONS` spreads below the usual one; else its missing share of that.
    """
    logs = [math.log(each) for each in earlier]
    usual = median(logs)
    spread = max(_TO_SIGMA * median(abs(each - usual) for each in logs), least_spread)
    spread *= len(logs) / (len(logs) - 0.8)
    below = usual - math.log(rate)
    return -math.expm1(-below) if below > DEVIATIONS * spread else 0.0
