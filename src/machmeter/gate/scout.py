"""The first processes of a benchmark: how it is to be measured, or why it cannot be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from machmeter.gate import pair, plan
from machmeter.gate.plan import Plan
from machmeter.gate.processes import BenchmarkError, Side
from machmeter.gate.questions import Question
from machmeter.gate.stage import Stage


@dataclass(frozen=True, slots=True)
class Scouted:
    """What the first processes told.

    Parameters
    ----------
    plan : Plan or None
        How pairs are taken; None where there will be none.
    word, reason, output : str
        Of the verdict, in that case.
    """

    plan: Plan | None = None
    word: str = ""
    reason: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class _Told:
    """What one side told: its error, that it was skipped, or how it went."""

    prepared: Mapping[str, Any] | None = None
    modules: Mapping[str, str | None] | None = None
    error: BenchmarkError | None = None
    no_number: bool = False


def scout(stage: Stage, question: Question) -> Scouted:
    """Run a benchmark once at the base and once at the head.

    A benchmark that fails at the base alone came with the head: it is added, not failed.
    """
    base, head = (_ask(stage, question, side) for side in ("base", "head"))
    if head.error is not None:
        return Scouted(None, "failed", head.error.reason, head.error.output)
    if base.error is not None:
        return Scouted(None, "added", f"it does not run at the base ({base.error.reason})", base.error.output)
    if head.no_number and base.prepared is not None:
        return Scouted(None, "failed", "head: it returned NaN, which the base does not")
    if head.prepared is None or base.prepared is None:
        return _skipped(base, head)
    stage.learn(base.modules or {}, head.modules or {})
    return Scouted(Plan.of(base.prepared, head.prepared, single_threaded=stage.single_threaded))


def prepare_cache(stage: Stage, question: Question, side: Side) -> None:
    """Run a benchmark's ``setup_cache`` on one side, once in a comparison.

    Raises
    ------
    BenchmarkError
        If it failed, now or for another benchmark that shares it.
    """
    if question.cache is None:
        return
    if not stage.claims_cache(side.name, question.cache):
        if (side.name, question.cache) in stage.broken_caches:
            raise stage.broken_caches[side.name, question.cache]
        return
    request = {"op": "cache", "benchmark": question.benchmark, "param": None}
    process = side.measurer(request, fork=not stage.fresh, cache=question.cache)
    try:
        process.ready(question.cache_timeout_s)
    except BenchmarkError as error:
        stage.broken_caches[side.name, question.cache] = error
        raise
    finally:
        process.end()


def _ask(stage: Stage, question: Question, name: Any) -> _Told:  # noqa: ANN401 - a side's name
    fork = not (stage.fresh or question.fresh)
    try:
        prepare_cache(stage, question, stage.sides()[name])
        if not fork:
            stage.renew()
        return _run(stage.sides()[name], question, fork=fork)
    except pair.SkippedError as error:
        return _Told(no_number=isinstance(error, pair.NoNumberError))
    except BenchmarkError as error:
        return _Told(error=error)


def _run(side: Side, question: Question, *, fork: bool) -> _Told:
    process, prepared = pair.start(side, question, fork=fork)
    try:
        found = {"number": prepared["number"]}
        if prepared["call_s"] is not None and prepared["most"] != 1:
            calibrate = {"op": "calibrate", "seconds": plan.SAMPLE_S}
            found = process.ask(calibrate, question.timeout_s)
        if prepared["call_s"] is None:  # it has not been called yet
            answer = process.ask({"op": "sample", "number": max(1, found["number"])}, question.timeout_s)
            if answer["skipped"]:
                raise pair.NoNumberError
        finished = process.ask({"op": "finish", "modules": True}, question.timeout_s)
    finally:
        process.end()
    return _Told(prepared | found, finished["modules"])


def _skipped(base: _Told, head: _Told) -> Scouted:
    if base.prepared is None and head.prepared is None:
        return Scouted(None, "skipped", "it does not apply to these parameters")
    word, there = ("added", "head") if base.prepared is None else ("removed", "base")
    return Scouted(None, word, f"it applies to these parameters at the {there} only")
