"""Measures what a node can resolve: takes pairs of a reference workload with and without slowdowns."""

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from machmeter.errors import BrokenBenchmarkProcessError
from machmeter.gate import clock as clocks
from machmeter.gate import pair as pairs
from machmeter.gate import reference
from machmeter.gate.interrupts import noticed
from machmeter.gate.peers import PeerError
from machmeter.gate.plan import Plan
from machmeter.gate.processes import BenchmarkError
from machmeter.gate.questions import Question, ask
from machmeter.gate.replays import EFFECTS, Noise, summarise
from machmeter.gate.scout import scout
from machmeter.gate.stage import Stage
from machmeter.results.calibrations import Calibration

INTERRUPTED: Final = "it was interrupted"

#: A sweep takes a pair of each kernel: without a slowdown in every other sweep, else each slowdown in turns.
_CYCLE: Final = tuple(effect for each in EFFECTS for effect in (0.0, each))
_TIMEOUT_S: Final = 60.0


def calibrate(
    seconds: float, tell: Callable[[Sequence[Noise], float], None] = lambda *_: None
) -> Calibration:
    """Measure for a while and say what could be found; an interruption ends the measuring early.

    Parameters
    ----------
    seconds : float
        For measuring.
    tell : callable, optional
        Takes the pairs so far and the seconds that are left, after each sweep.
    """
    started_at, began = datetime.now(UTC).isoformat(), time.monotonic()
    taken: list[Noise] = []
    ended = ""
    try:
        with noticed() as check, tempfile.TemporaryDirectory(prefix="machmeter-") as folder:
            for sweep in _sweeps(Path(folder), began + seconds):
                taken += sweep
                check()
                tell(taken, began + seconds - time.monotonic())
    except KeyboardInterrupt:
        ended = INTERRUPTED
    return summarise(taken, started_at, time.monotonic() - began, ended)


def _sweeps(folder: Path, until: float) -> Iterator[list[Noise]]:
    """Take pairs until the time is over: each sweep from new sides, one of each kernel."""
    setting = reference.make(folder, (0.0, *EFFECTS))
    try:
        with Stage(setting) as stage:
            questions, _, _ = ask(stage.open(), None, _TIMEOUT_S)
            asked = {(_name(each), float(each.params[0])): each for each in questions}
            plans = {name: _plan(stage, asked[name, 0.0]) for name in reference.KERNELS}
            for index in itertools.count():
                if time.monotonic() >= until:
                    return
                effect = _CYCLE[index % len(_CYCLE)]
                began = time.monotonic()
                stage.renew()
                renewing_s = time.monotonic() - began
                yield [
                    _take(stage, asked[name, effect], plans[name], index, renewing_s)
                    for name in reference.KERNELS
                ]
    except (BenchmarkError, PeerError) as error:
        raise BrokenBenchmarkProcessError(f"The reference workload: {error}", "") from error


def _plan(stage: Stage, question: Question) -> Plan:
    found = scout(stage, question)
    if found.plan is None:
        raise BrokenBenchmarkProcessError(f"The reference workload: {found.reason}", found.output)
    return found.plan


def _take(stage: Stage, question: Question, how: Plan, index: int, renewing_s: float) -> Noise:
    taken = pairs.take(
        stage.sides(), question, how, index, stage.generation, fork=not (stage.fresh or question.fresh)
    )
    (ratio,), _ = clocks.log_ratios([taken], "cpu")
    return Noise(
        _name(question), float(question.params[0]), ratio, taken.seconds + renewing_s, taken.contended
    )


def _name(question: Question) -> str:
    return question.benchmark.rpartition("time_")[2]
