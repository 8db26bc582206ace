"""A measuring process: one benchmark with one set of parameters, in samples that the driver asks for."""

import contextlib
import math
import os
import pickle
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

from machmeter.probe import spy
from machmeter.probe.forks import kernel, kinds, memory_pass, passes, process, torch_pass
from machmeter.probe.forks.layout import Shaker
from machmeter.probe.forks.wire import Wire
from machmeter.probe.meter import peak_rss_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

_CACHE = "cache.pickle"
#: A benchmark computes when it waits, for anything but a core, less than the rest of this share of its time.
_COMPUTING = 0.9


def serve(path: str, request: dict[str, Any], benchmarks: dict[str, Any]) -> None:
    """Measure until the driver hangs up.

    Parameters
    ----------
    path : str
        The driver's socket.
    request : dict
        ``token``; ``op``: "measure" or "cache" (run ``setup_cache`` and store what it returns);
        ``benchmark`` and ``param``: name and index of the parameter set, or None; ``processor``: the only one
        for it and its children, None for all; ``folder``: working directory, which holds the cache of
        ``setup_cache`` if there is one; ``output``: file for what it prints.
    benchmarks : dict of str to asv_runner's Benchmark
        Of the suite as this side sees it.
    """
    os.setpgid(0, 0)  # the driver can end us with all our children at once
    kernel.offer_to_the_oom_killer()
    process.redirect(request["output"])
    if request.get("processor") is not None:
        os.sched_setaffinity(0, {request["processor"]})
    os.makedirs(request["folder"], exist_ok=True)
    os.chdir(request["folder"])
    wire = Wire.to(path)
    wire.send({"token": request["token"], "pid": os.getpid()})
    with contextlib.suppress(BrokenPipeError):
        _answer(wire, request, benchmarks[request["benchmark"]])


def _answer(wire: Wire, request: dict[str, Any], benchmark: Any) -> None:  # noqa: ANN401 - asv_runner's
    known = set(sys.modules)
    process.seed()
    shaker = Shaker(request["token"])
    if benchmark.type == "time":  # what counts memory is left alone
        shaker.fill()
        shaker.shake()
    if request["op"] == "cache":
        wire.send(_guarded(_store_cache, benchmark))
        return
    reply = _guarded(_prepare, benchmark, request["param"])
    kind = reply.pop("kind", None)
    wire.send(reply)
    if kind is None:
        return
    actions: dict[str, Callable[[dict[str, Any]], Any]] = {
        "calibrate": lambda asked: _calibrate(kind, asked["seconds"]),
        "sample": lambda asked: _sample(kind, asked["number"]),
        "share": lambda asked: passes.share_setup(kind, asked["number"]),
        "profile": lambda asked: _profile(kind, benchmark, asked),
        "count": lambda asked: passes.count(kind, benchmark, asked["number"], asked["project"]),
        "memory": lambda asked: _complement(kind, benchmark, asked),
        "torch": lambda asked: _complement(kind, benchmark, asked),
    }
    while (asked := wire.receive()) is not None:
        if isinstance(kind, kinds.FreshCalls):
            kind.steady = asked.get("steady", False)
        if asked["op"] == "sample":
            shaker.shake()
        if asked["op"] in actions:
            wire.send(_guarded(actions[asked["op"]], asked))
            continue
        reply = _guarded(_finish, benchmark)
        files = process.module_files() if asked.get("modules") else {}
        new = {name: files[name] for name in sorted(set(files) - known)}
        wire.send({"modules": new, "peak_rss_bytes": peak_rss_bytes(), "work": kind.work} | reply)


def _profile(kind: kinds.Kind, benchmark: Any, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    watch = spy.Watch(**asked["watch"])
    return passes.profile(kind, benchmark, asked["number"], asked["turns"], asked["plain"], watch)


def _guarded(action: Any, *arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - actions of this module
    """Run a part of the benchmark; what it raises becomes the answer."""
    mine = os.getpid()
    try:
        answer = dict(action(*arguments))
    except BaseException as error:  # noqa: BLE001 - a benchmark may fail in any way
        with contextlib.suppress(Exception):  # it may have closed its output
            traceback.print_exc()
        answer = {"failed": f"{type(error).__name__}: {error}".strip().removesuffix(":")}
    if os.getpid() != mine:
        os._exit(0)  # the benchmark forked and its child came back: one of them answers
    return answer


def _store_cache(benchmark: Any) -> dict[str, Any]:  # noqa: ANN401
    cache = benchmark.do_setup_cache()
    with open(_CACHE, "wb") as stream:
        pickle.dump(cache, stream)
    return {}


def _prepare(benchmark: Any, param: int | None) -> dict[str, Any]:  # noqa: ANN401
    """Set the benchmark up and call it twice, so that what happens only at first is over."""
    if param is not None:
        benchmark.set_param_idx(param)
    cache = None
    if benchmark.setup_cache_key is not None:
        with open(_CACHE, "rb") as stream:
            cache = pickle.load(stream)  # noqa: S301 - written by `_store_cache` a moment ago
    benchmark.set_cache(cache)
    if benchmark.do_setup():
        return {"skipped": True}
    kind = kinds.of(benchmark)
    call_s = kind.warm_up()
    return {
        "kind": kind,
        "measures": kind.name,
        "number": kind.number,
        "most": kind.most,
        "call_s": call_s,
    }


def _calibrate(kind: kinds.Kind, seconds: float) -> dict[str, Any]:
    """Find the calls in a sample, how long one takes with the setup before it, and what it does meanwhile.

    Threads and child processes count: ``computes`` is whether they computed, or wanted to, nearly all the
    time; ``cores``: on how many cores; ``delayed``: share of the time in which they waited for one.
    """
    number = kind.calls_for(seconds)
    began = time.perf_counter()
    row = kind.sample(number)
    sample_s = time.perf_counter() - began
    cpu_s, delay_s, wall_s = row["cpu_s"], row["run_delay_s"] or 0.0, row["wall_s"]
    if cpu_s is None or row["gpu_s"] is not None or not wall_s > 0:
        return {"number": number, "sample_s": sample_s, "computes": False, "cores": 0.0, "delayed": 0.0}
    return {
        "number": number,
        "sample_s": sample_s,
        "computes": cpu_s + delay_s > _COMPUTING * wall_s,
        "cores": cpu_s / wall_s,
        "delayed": delay_s / wall_s,
    }


def _sample(kind: kinds.Kind, number: int) -> dict[str, Any]:
    row = kind.sample(number)
    return row | {"skipped": math.isnan(row.get("value", 0.0))}


def _complement(kind: kinds.Kind, benchmark: Any, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    if asked["op"] == "memory":
        return memory_pass.take(kind, benchmark, asked["project"])
    return torch_pass.take(kind, benchmark, asked["seconds"])


def _finish(benchmark: Any) -> dict[str, Any]:  # noqa: ANN401
    benchmark.do_teardown()
    return {}
