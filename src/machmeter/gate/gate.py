"""The gate: takes pairs of every benchmark in turns until each has its answer or the time is over."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from machmeter.analysis.comparison import false_discoveries
from machmeter.gate import pair as pairs
from machmeter.gate.plan import Plan, first_forked
from machmeter.gate.processes import BenchmarkError
from machmeter.gate.questions import Question
from machmeter.gate.scout import scout
from machmeter.gate.stage import Stage
from machmeter.gate.trial import Trial
from machmeter.pairs import Pair, Verdict

#: Pairs of one generation share what importing the project left in memory, so each sweep has new sides; where
#: making them takes longer than the pairs, that many pairs share them at most.
_MOST_PAIRS_A_GENERATION = 4


@dataclass(frozen=True, slots=True)
class Rule:
    """When to stop.

    Parameters
    ----------
    threshold : float
        Smallest slowdown that must be found, as a share.
    alpha : float
        Rate of false discoveries over all benchmarks.
    budget_s : float, seconds
        For all benchmarks together.
    """

    threshold: float = 0.01
    alpha: float = 0.01
    budget_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Observer:
    """What is told while the gate runs.

    Parameters
    ----------
    pair : callable
        Takes each pair as it is taken.
    progress : callable
        Takes all trials and the seconds that are left, after each pair.
    """

    pair: Callable[[Pair], None] = lambda _: None
    progress: Callable[[Sequence[Trial], float], None] = lambda *_: None


def decide(
    stage: Stage,
    questions: Sequence[Question],
    rule: Rule,
    observer: Observer | None = None,
    earlier: Mapping[object, Sequence[Pair]] | None = None,
) -> list[Verdict]:
    """Measure until every question has its verdict.

    Parameters
    ----------
    stage : Stage
        Opened.
    questions : sequence of Question
        What is asked.
    rule : Rule
        When to stop.
    observer : Observer, optional
        What is told meanwhile.
    earlier : mapping of Question.key to sequence of Pair, optional
        Pairs of an interrupted run of the same comparison.

    Returns
    -------
    list of Verdict
        In the order of the questions.
    """
    return _Gate(stage, questions, rule, observer or Observer(), earlier or {}).run()


class _Gate:
    """A running comparison."""

    def __init__(
        self,
        stage: Stage,
        questions: Sequence[Question],
        rule: Rule,
        observer: Observer,
        earlier: Mapping[object, Sequence[Pair]],
    ) -> None:
        self._stage = stage
        self._rule = rule
        self._observer = observer
        self._trials = [Trial(question, rule.threshold) for question in questions]
        self._deadline = time.monotonic() + rule.budget_s
        for trial in self._trials:
            for pair in earlier.get(trial.question.key, ()):
                trial.add(pair)
        used = (pair.generation for each in earlier.values() for pair in each)
        stage.generation = max((stage.generation, *used))
        stage.begun = stage.generation + 1
        self._decide()

    def run(self) -> list[Verdict]:
        while self._open() and self._left_s() > 0:
            self._sweep()
        for trial in self._trials:
            trial.give_up("the time is over")
        self._observer.progress(self._trials, self._left_s())
        return [trial.verdict for trial in self._trials if trial.verdict is not None]

    def _sweep(self) -> None:
        """Take a pair of each open benchmark, from new sides."""
        if not self._stage.fresh and any(
            trial.needs_another_zygote(self._stage.begun) for trial in self._open()
        ):
            self._stage.restart()
        began = time.monotonic()
        if not self._stage.fresh:  # there every process is new by itself
            self._stage.renew()
        renewed_s = time.monotonic() - began
        chosen = self._affordable()
        taking_s = sum(trial.pair_s for trial in chosen) or renewed_s or 1.0
        times = min(_MOST_PAIRS_A_GENERATION, max(1, round(renewed_s / taking_s)))
        for _ in range(times):
            for trial in chosen:
                if trial.verdict is None and self._left_s() > 0:
                    self._take(trial)
            self._decide()

    def _affordable(self) -> list[Trial]:
        """Open trials whose answers can be had in the time that is left, those that need least first.

        Without enough time for all, some answers are worth more than none.
        """
        known = [trial.pair_s for trial in self._trials if trial.pairs]
        prior_s = float(np.median(known)) if known else 0.0
        waiting = sorted(self._open(), key=lambda trial: trial.remaining_s(prior_s))
        ends = np.cumsum([trial.remaining_s(prior_s) for trial in waiting])
        return [trial for trial, end in zip(waiting, ends, strict=True) if end <= self._left_s()] or waiting[
            :1
        ]

    def _take(self, trial: Trial) -> None:
        began = time.monotonic()
        try:
            plan = trial.plan or self._scouted(trial)
            if plan is not None:
                self._measure(trial, plan)
        except pairs.SkippedError:
            trial.verdict = trial.answer("skipped", "it does not apply to these parameters")
        except BenchmarkError as error:
            trial.verdict = trial.answer("failed", error.reason, error.output)
        finally:
            trial.spend(time.monotonic() - began)
        self._observer.progress(self._trials, self._left_s())

    def _scouted(self, trial: Trial) -> Plan | None:
        """Find out how a benchmark is measured; None where that ends its trial."""
        found = scout(self._stage, trial.question)
        trial.plan = found.plan
        if found.plan is None:
            trial.verdict = trial.answer(found.word, found.reason, found.output)
        return found.plan

    def _measure(self, trial: Trial, plan: Plan) -> None:
        fork = not (self._stage.fresh or trial.question.fresh)
        if not fork:
            self._stage.renew(first_forked(len(trial.pairs)))
        taken = pairs.take(
            self._stage.sides(), trial.question, plan, len(trial.pairs), self._stage.generation, fork=fork
        )
        self._observer.pair(taken)
        trial.add(taken)

    def _decide(self) -> None:
        discovered = false_discoveries(np.array([trial.p_value for trial in self._trials]), self._rule.alpha)
        begun = None if self._stage.fresh else self._stage.begun
        for trial, found in zip(self._trials, discovered, strict=True):
            trial.decide(discovered=bool(found), begun=None if trial.question.fresh else begun)

    def _open(self) -> list[Trial]:
        return [trial for trial in self._trials if trial.verdict is None]

    def _left_s(self) -> float:
        return self._deadline - time.monotonic()
