"""Passes over a benchmark apart from its timed samples: watched by py-spy, or with its calls counted."""

import functools
import math
from collections.abc import Collection
from typing import Any

from machmeter.probe import spy
from machmeter.probe.calls import Counter
from machmeter.probe.forks import kinds, process, raw_pass

#: Calls that share a setup take at most so much more or less than others, or they do other work: the first
#: after a setup finds cold caches.
_ALIKE = 1.5
_FEW = 3
_SUMMED = ("items", "wall_s", "cpu_s", "run_delay_s", "others_cpu_s")


def profile(
    kind: kinds.Kind,
    benchmark: Any,  # noqa: ANN401 - asv_runner's
    number: int,
    turns: int,
    plain: int,
    watch: spy.Watch,
) -> dict[str, Any]:
    """Watch a benchmark for a number of samples, between others that nobody watches.

    Parameters
    ----------
    kind : Kind
        The benchmark, set up and warm.
    benchmark : asv_runner's Benchmark
        The same; its function is marked from now on.
    number : int
        Calls in a sample.
    turns : int
        Samples that are watched.
    plain : int
        Calls before and after, each, that are not.
    watch : Watch
        How.

    Returns
    -------
    dict
        As of `machmeter.probe.spy.watch`, and ``plain_wall_s``: what as many calls take unwatched. Or
        ``refused``: why there is no profile.
    """
    if isinstance(kind, kinds.Raw):
        return raw_pass.profile(kind, number, watch)
    benchmark.func = functools.partial(spy.region, benchmark.func)
    apart = (min(number, plain), math.ceil(plain / number))
    before = several(kind, *apart)
    try:
        watched = spy.watch(watch, functools.partial(several, kind, number, turns), process.module_files)
    except spy.SpyError as error:
        return {"refused": str(error)}
    after = several(kind, *apart)
    share = watched["items"] / (before["items"] + after["items"])
    return watched | {"plain_wall_s": (before["wall_s"] + after["wall_s"]) * share}


def share_setup(kind: kinds.Kind, number: int) -> dict[str, Any]:
    """Find out whether calls may follow one setup: where that does not change what they take.

    Parameters
    ----------
    kind : Kind
        The benchmark, set up and warm.
    number : int
        Calls to try it with.

    Returns
    -------
    dict
        ``steady`` (bool): whether calls share a setup from now on, because they may; ``call_s``, seconds.
    """
    if not isinstance(kind, kinds.FreshCalls):
        return {"steady": False, "call_s": math.inf}
    apart = min(number, _FEW)
    kind.steady = False
    apart_s = kind.sample(apart)["wall_s"] / apart
    kind.steady = True
    together_s = kind.sample(number)["wall_s"] / number
    kind.steady = bool(apart_s / _ALIKE <= together_s <= apart_s * _ALIKE)
    return {"steady": kind.steady, "call_s": together_s}


def count(kind: kinds.Kind, benchmark: Any, number: int, project: Collection[str]) -> dict[str, Any]:  # noqa: ANN401 - asv_runner's
    """Count the project's calls in one sample.

    Returns
    -------
    dict
        ``items``, and ``calls``: caller, function, number of calls.
    """
    counter = Counter(project)
    benchmark.func = functools.partial(counter.run, benchmark.func)
    row = kind.sample(number)
    return {"items": row["items"], "calls": counter.calls(process.module_files())}


def several(kind: kinds.Kind, number: int, turns: int) -> dict[str, float]:
    """Add up samples: between them there is time for what must not be within, such as garbage collection."""
    total = dict.fromkeys(_SUMMED, 0.0)
    for _ in range(turns):
        row = kind.sample(number)
        for name in total:
            total[name] += row.get(name) or (row.get("pressure") or {}).get(name) or 0.0
    return total
