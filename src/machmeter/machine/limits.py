"""What this node can do at most, and how near to that something comes: Mach."""

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from machmeter.machine.health import GPU_KERNELS
from machmeter.machine.intervals import median_interval
from machmeter.machine.kernels import BY_THREADS, Measured, Request, Setting, run
from machmeter.model import Limit, LimitsRecord

#: These need numpy alone.
PLAIN_KERNELS: Final = (
    "matrix_product_f32",
    BY_THREADS,
    "page_cache_read",
    "cold_read",
    "widen_f16_f32_numpy",
)

#: These need blosc2 or torch.
SUITE_KERNELS: Final = (
    "decode_zstd9_f32",
    "decode_zstd9_f16",
    "decode_lz4_f32",
    "decode_lz4_f16",
    "widen_f16_f32_torch",
)

#: Timed seconds a kernel. The largest machines have some nine counts of threads: 22 kernels, half a minute.
_SECONDS: Final = 1.0

#: For the two child processes together they stay below a minute.
_TIMEOUT_S: Final = 30.0


class Mach(NamedTuple):
    """How fast something is relative to what its machine could do.

    Parameters
    ----------
    value : float
        Achieved over the smallest limit on the path; 1 is as fast as possible.
    bottleneck : str
        The name of that limit.
    """

    value: float
    bottleneck: str


def mach(achieved: float, limits_on_path: Mapping[str, float]) -> Mach:
    """Divide a rate by the smallest limit that its work must pass.

    Parameters
    ----------
    achieved : float
        In any unit a second.
    limits_on_path : mapping of str to float
        Limits by name, converted to the same unit: a path that reads float16 and delivers float32 passes half
        as many GB where it reads. The first of equal limits is the bottleneck.

    Raises
    ------
    ValueError
        If there are no limits, or one is not above zero.
    """
    if not limits_on_path or not all(limit > 0 for limit in limits_on_path.values()):
        msg = f"a path needs limits above zero, got {dict(limits_on_path)}"
        raise ValueError(msg)
    bottleneck = min(limits_on_path, key=lambda name: limits_on_path[name])
    return Mach(achieved / limits_on_path[bottleneck], bottleneck)


def measure(setting: Setting, threads: int | None = None, seconds: float = _SECONDS) -> LimitsRecord:
    """Measure all limits of this node: half a minute.

    Parameters
    ----------
    setting : Setting
        This node.
    threads : int, optional
        The most threads that copy memory at once; the usable CPUs by default.
    seconds : float
        Timed seconds a kernel.

    Returns
    -------
    LimitsRecord
        To be kept by the caller.
    """
    started_at, started = datetime.now(UTC), time.perf_counter()
    most = threads or len(os.sched_getaffinity(0))
    found = run(Request(PLAIN_KERNELS, setting.python, setting.directory, seconds, most, _TIMEOUT_S))
    wanted = SUITE_KERNELS + (GPU_KERNELS if setting.gpu else ())
    found += _in_the_suite(wanted, setting, seconds)
    limits = tuple(_limit(each) for each in found)
    wall = time.perf_counter() - started
    return LimitsRecord(setting.tag, setting.node, setting.run, started_at.isoformat(), wall, limits)


def _in_the_suite(names: tuple[str, ...], setting: Setting, seconds: float) -> tuple[Measured, ...]:
    if setting.suite_python is None:
        reason = "torch and blosc2 are needed, and no environment of the suite is known"
        return tuple(Measured(name, unavailable=reason) for name in names)
    return run(Request(names, setting.suite_python, setting.directory, seconds, timeout_s=_TIMEOUT_S))


def _limit(measured: Measured) -> Limit:
    """Take the median of the repetitions: a limit is what the node does when nothing interrupts it."""
    if measured.unavailable is not None:
        return Limit(measured.name, unavailable=measured.unavailable)
    found = median_interval(measured.rates)
    return Limit(measured.name, measured.unit, *found, len(measured.rates), measured.conditions)
