"""Whether a node is as fast as its twins: reference kernels now against those of earlier runs."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from statistics import quantiles
from typing import Final

from machmeter.machine.judgement import judge
from machmeter.machine.kernels import Measured, Request, Setting, run
from machmeter.model import HealthRecord, KernelRate

CPU_KERNELS: Final = ("matrix_product_f32", "memcpy", "interpreter", "page_cache_read", "cold_read")
GPU_KERNELS: Final = ("host_to_device", "device_copy", "product_bf16", "product_f32_gpu")

#: Timed seconds of each kernel: five of the CPU, or five and four of the GPU, make about five seconds in all.
_CPU_S, _CPU_BESIDE_GPU_S, _GPU_S = 0.6, 0.3, 0.15

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
