"""Takes one pair: a measuring process of each side, in turns."""

import math
import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from machmeter.gate import plan
from machmeter.gate.plan import Plan
from machmeter.gate.processes import Measurer, Side
from machmeter.gate.questions import Question
from machmeter.model import OTHERS_BOUND, RUN_DELAY_BOUND, TICKS_S
from machmeter.pairs import Cost, Pair
from machmeter.pairs import Side as SideName


class SkippedError(Exception):
    """The benchmark does not apply to these parameters: its setup raised NotImplementedError."""


class NoNumberError(SkippedError):
    """It returned NaN."""


def start(side: Side, question: Question, *, fork: bool) -> tuple[Measurer, dict[str, Any]]:
    """Start a measuring process and wait until it is set up and warm.

    Raises
    ------
    BenchmarkError
        If it failed.
    SkippedError
        If the benchmark does not apply.
    """
    process = launch(side, question, None, fork=fork)
    try:
        return process, settle(process, question)
    except BaseException:
        process.end()
        raise


def take(
    sides: Mapping[SideName, Side], question: Question, how: Plan, index: int, generation: int, *, fork: bool
) -> Pair:
    """Take a pair.

    Raises
    ------
    BenchmarkError
        If the benchmark fails on a side.
    SkippedError
        If it does not apply.
    """
    began, started_at = time.monotonic(), datetime.now(UTC).isoformat()
    first = plan.first_forked(index)
    turns = plan.order(index, how.samples)
    processor = plan.processor(index, sorted(os.sched_getaffinity(0))) if how.pinned else None
    running: dict[SideName, Measurer] = {}
    try:
        for name in (first, _other(first)):
            running[name] = launch(sides[name], question, processor, fork=fork)
        for process in running.values():  # both are set up at the same time: that is not timed
            settle(process, question)
        rows = _samples(running, question, how, turns)
        ended = {name: running[name].ask({"op": "finish"}, question.timeout_s) for name in running}
    finally:
        for process in running.values():
            process.release()
        for process in running.values():
            process.end()
    return Pair(
        benchmark=question.benchmark,
        params=question.params,
        generation=generation,
        index=index,
        first=first,
        order=turns,
        started_at=started_at,
        seconds=time.monotonic() - began,
        contended=any(_contended(rows[name]) for name in rows),
        cpu=_log_ratio(rows, "cpu_s"),
        wall=_log_ratio(rows, "wall_s"),
        gpu=_log_ratio(rows, "gpu_s"),
        value=_log_ratio(rows, "value"),
        base=cost(rows["base"], ended["base"]),
        head=cost(rows["head"], ended["head"]),
    )


def launch(side: Side, question: Question, processor: int | None, *, fork: bool) -> Measurer:
    """Start a measuring process, on one processor or on any; `BenchmarkError` if it does not come up."""
    request = {
        "op": "measure",
        "benchmark": question.benchmark,
        "param": question.index[side.name],
        "processor": processor,
    }
    return side.measurer(request, fork=fork, cache=question.cache)


def settle(process: Measurer, question: Question) -> dict[str, Any]:
    """Wait until a process is set up and warm; `BenchmarkError` or `SkippedError` if it will not be."""
    prepared = process.ready(question.timeout_s)
    if prepared.get("skipped"):
        raise SkippedError
    return prepared


def cost(rows: Sequence[Mapping[str, Any]], ended: Mapping[str, Any]) -> Cost:
    """Sum up the samples of one side.

    Parameters
    ----------
    rows : sequence of mapping
        Samples as a measuring process sends them.
    ended : mapping
        ``peak_rss_bytes`` and ``work`` of that process.
    """
    told: dict[str, Any] = {key: ended.get(key) for key in ("peak_rss_bytes", "work")}
    if "value" in rows[0]:
        value = float(np.median([row["value"] for row in rows]))
        return Cost(value=value, samples=len(rows), **told)
    return Cost(
        wall_s=_median(rows, "wall_s"),
        cpu_s=_median(rows, "cpu_s"),
        gpu_s=_median(rows, "gpu_s"),
        waited=float(np.median([_waited(row) for row in rows])),
        delayed=_delayed(rows),
        samples=len(rows),
        items=float(rows[0]["items"]),
        **told,
    )


def _samples(
    running: Mapping[SideName, Measurer], question: Question, how: Plan, turns: str
) -> dict[SideName, list[dict[str, Any]]]:
    """Take the samples of both sides in turns."""
    rows: dict[SideName, list[dict[str, Any]]] = {"base": [], "head": []}
    for letter in turns:
        name: SideName = "base" if letter == "A" else "head"
        answer = running[name].ask({"op": "sample", "number": how.number}, question.timeout_s)
        if answer.get("skipped"):
            raise NoNumberError
        rows[name].append(answer)
    return rows


def _log_ratio(rows: Mapping[SideName, Sequence[Mapping[str, Any]]], clock: str) -> float | None:
    """Median over neighbouring samples of ln(head / base); None where the clock says nothing."""
    base, head = ([_per_item(row, clock) for row in rows[name]] for name in ("base", "head"))
    both = [(one, other) for one, other in zip(base, head, strict=True) if one and other]
    pairs = [(one, other) for one, other in both if 0 < abs(other / one) < math.inf]
    if len(pairs) < len(base) or any(one * other < 0 for one, other in pairs):
        return 0.0 if base == head and None not in base else None
    # Of negative numbers the lower one is the better one too, and it is the larger in size.
    signs = [1 if one > 0 else -1 for one, _ in pairs]
    ratios = [sign * math.log(other / one) for sign, (one, other) in zip(signs, pairs, strict=True)]
    return float(np.median(ratios))


def _per_item(row: Mapping[str, Any], clock: str) -> float | None:
    given = row.get(clock)
    return None if given is None else float(given) / float(row["items"])


def _median(rows: Sequence[Mapping[str, Any]], clock: str) -> float | None:
    values = [_per_item(row, clock) for row in rows]
    known = [value for value in values if value is not None]
    return float(np.median(known)) if len(known) == len(rows) else None


def _waited(row: Mapping[str, Any]) -> float:
    """Share of a sample's wall time in which it neither computed nor waited for a core."""
    if row["cpu_s"] is None:
        return 0.0
    return max(0.0, 1.0 - float(row["cpu_s"] + (row["run_delay_s"] or 0.0)) / float(row["wall_s"]))


def _delayed(rows: Sequence[Mapping[str, Any]]) -> float:
    """Share of wall time in which the samples' threads waited for a core."""
    wall_s = sum(row["wall_s"] for row in rows)  # 0 by a suite's own timer
    return float(sum(row["run_delay_s"] or 0.0 for row in rows) / wall_s) if wall_s > 0 else 0.0


def _contended(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether others took so much of the cores that the wall time of the samples says little.

    What counts is what happened to these processes: a benchmark that sleeps is not disturbed by a busy node.
    """
    if "value" in rows[0]:
        return False
    wall = sum(row["wall_s"] for row in rows)
    stolen = sum((row.get("pressure") or {}).get("steal_s") or 0.0 for row in rows)
    return _delayed(rows) > RUN_DELAY_BOUND or stolen > max(OTHERS_BOUND * wall, TICKS_S)


def _other(name: SideName) -> SideName:
    return "head" if name == "base" else "base"
