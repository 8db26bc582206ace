"""The torch pass: which operators and CUDA kernels an iteration runs, by torch's own profiler."""

import importlib
import importlib.util
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from machmeter.probe.forks import kinds, untimed

#: Iterations that are profiled: more of short ones, within bounds; fewer where each is profiled by itself.
_FEWEST, _MOST, _MOST_SET_UP = 3, 100, 10
_MICROSECOND = 1e-6


def take(kind: kinds.Kind, benchmark: Any, seconds: float) -> dict[str, Any]:  # noqa: ANN401 - asv_runner's
    """Have torch profile some iterations of a benchmark.

    Parameters
    ----------
    kind : Kind
        The benchmark, set up and warm.
    benchmark : asv_runner's Benchmark
        The same.
    seconds : float
        What the iterations should take together.

    Returns
    -------
    dict
        ``iterations``, and ``rows``: "operator" or "kernel", name, calls, own CPU time and own time on the
        device, in seconds, all three an iteration. Or ``refused``: why there are none.
    """
    if isinstance(kind, kinds.Raw):
        return {"refused": "statements in an interpreter of their own cannot be profiled"}
    untimed.renew(benchmark)
    call = untimed.call_of(benchmark)
    began = time.perf_counter()
    call()  # whatever happens only at first, such as an import of torch
    torch = sys.modules.get("torch")
    if torch is None:
        return {"refused": _absent()}
    number = min(_MOST, max(_FEWEST, round(seconds / max(time.perf_counter() - began, 1e-6))))
    _profiled(torch, benchmark, call, 1)  # the profiler's own first use takes longer
    if not benchmark._setups:  # noqa: SLF001 - asv_runner offers no other place
        return _summed([_profiled(torch, benchmark, call, number)], number)
    number = min(_MOST_SET_UP, number)
    return _summed([_profiled(torch, benchmark, call, 1) for _ in range(number)], number)


def _absent() -> str:
    if importlib.util.find_spec("torch") is None:
        return "torch is not installed in the benchmark environment"
    return "the benchmark does not use torch"


def _profiled(torch: Any, benchmark: Any, call: Callable[[], Any], number: int) -> Any:  # noqa: ANN401
    """Profile some calls; the setup before them is not seen."""
    profiler = importlib.import_module("torch.profiler")
    on_device = torch.cuda.is_initialized()
    activities = [profiler.ProfilerActivity.CPU]
    if on_device:
        activities.append(profiler.ProfilerActivity.CUDA)
    untimed.renew(benchmark)
    with profiler.profile(activities=activities) as found:
        for _ in range(number):
            call()
        if on_device:
            torch.cuda.synchronize()
    return found.key_averages()


def _summed(stretches: list[Any], iterations: int) -> dict[str, Any]:
    calls: Counter[tuple[str, str]] = Counter()
    cpu_us: Counter[tuple[str, str]] = Counter()
    device_us: Counter[tuple[str, str]] = Counter()
    for event in (event for stretch in stretches for event in stretch):
        what = "operator" if event.device_type.name == "CPU" else "kernel"
        if what == "kernel" and getattr(event, "is_user_annotation", False):
            continue  # spans kernels that are listed themselves
        key = what, event.key
        calls[key] += event.count
        cpu_us[key] += event.self_cpu_time_total
        device_us[key] += event.self_device_time_total
    scale = _MICROSECOND / iterations
    rows = [
        [*key, calls[key] / iterations, cpu_us[key] * scale, device_us[key] * scale] for key in sorted(calls)
    ]
    return {"iterations": iterations, "rows": rows}
