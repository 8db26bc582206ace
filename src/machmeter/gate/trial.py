"""One question under way: its pairs so far, and what they say."""

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from machmeter.analysis.comparison import LOOKS, Evidence, expected_pairs, judge, weigh
from machmeter.analysis.signed_rank import positive_ranks, upper_tail
from machmeter.gate import clock as clocks
from machmeter.gate.plan import Plan
from machmeter.gate.questions import Question
from machmeter.pairs import Pair, Verdict, is_rate

#: So many equal results of a side are no accident.
_STABLE_PAIRS = 4
#: Pairs that each of two zygotes must have given before a difference counts.
_SECOND_PAIRS = 6
#: By a one-sided signed-rank test: six pairs suffice if all of them agree.
_SECOND_P = 0.02


@dataclass(slots=True)
class Trial:
    """A question, its pairs and its answer.

    Parameters
    ----------
    question : Question
        What is asked.
    threshold : float
        Smallest slowdown that must be found, as a share.

    Attributes
    ----------
    suspected : bool
        Whether a difference is certain as far as the present zygote goes.
    """

    question: Question
    threshold: float
    plan: Plan | None = None
    pairs: list[Pair] = field(default_factory=list)
    verdict: Verdict | None = None
    seconds: float = 0.0
    evidence: Evidence | None = None
    clock: clocks.Clock | None = None
    suspected: bool = False

    def add(self, pair: Pair) -> None:
        """Take a new pair into account."""
        self.pairs.append(pair)
        self._weigh()
        changed = self._work_changed()
        if changed:
            self.verdict = self.answer("work changed", changed)

    def spend(self, seconds: float) -> None:
        """Add to the time that it took."""
        self.seconds += seconds
        if self.verdict is not None:
            self.verdict = replace(self.verdict, seconds=self.seconds)

    @property
    def pair_s(self) -> float:
        """Seconds of a pair, typically."""
        return float(np.median([pair.seconds for pair in self.pairs])) if self.pairs else 0.0

    @property
    def p_value(self) -> float:
        """Against "no change", as far as is known."""
        return 1.0 if self.evidence is None else self.evidence.p_value

    def remaining_s(self, prior_s: float = 0.0) -> float:
        """Guess the seconds until it is decided.

        Parameters
        ----------
        prior_s : float, seconds
            What a pair of other benchmarks takes, for one that has not been measured yet.
        """
        if self.evidence is None:
            return LOOKS[0] * (self.pair_s or prior_s)
        return max(1, expected_pairs(self.evidence, self.threshold)) * self.pair_s

    def decide(self, *, discovered: bool, begun: int | None = None) -> None:
        """Give the verdict if the evidence suffices.

        Parameters
        ----------
        discovered : bool
            Whether the p-value is among the discoveries of the whole suite.
        begun : int or None
            First generation of the present zygote. What lies where in its memory is the same for all pairs
            taken from it, so a difference counts only when a second one has shown it too; None where every
            process has a memory of its own.
        """
        if self.verdict is not None:
            return
        if self.evidence is None:
            self._decide_without_ratio()
            return
        word = judge(self.evidence, discovered=discovered, threshold=self.threshold)
        if word == "unchanged" and self.clock == "cpu":
            word = "unchanged" if clocks.same_waiting(self.pairs, self.threshold) else "undecided"
        self.suspected = word in {"slower", "faster"} and not self._is_seen_twice(begun)
        if self.suspected:
            return
        if word != "undecided":
            self.verdict = self.answer(self._in_its_direction(word))
        elif len(self.pairs) >= LOOKS[-1]:
            self.verdict = self.answer("inconclusive", f"{LOOKS[-1]} pairs did not settle it")

    def _is_seen_twice(self, begun: int | None) -> bool:
        """Whether the pairs of the present zygote and those before it both show the difference."""
        return begun is None or all(map(self._shows_it, self._by_zygote(begun)))

    def needs_another_zygote(self, begun: int) -> bool:
        """Whether the present one shows what no earlier one has shown."""
        if not self.suspected:
            return False
        present, earlier = self._by_zygote(begun)
        return self._shows_it(present) and not self._shows_it(earlier)

    def _by_zygote(self, begun: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Log ratios from the present zygote and from those before it, positive towards the whole."""
        if self.clock is None or self.evidence is None:
            return np.zeros(0), np.zeros(0)
        ratios, generations = clocks.log_ratios(self.pairs, self.clock)
        towards = math.copysign(1.0, self.evidence.ratio - 1.0) * np.array(ratios)
        present = np.array(generations) >= begun
        return towards[present], towards[~present]

    def _shows_it(self, ratios: NDArray[np.float64]) -> bool:
        return (
            ratios.size >= _SECOND_PAIRS
            and float(np.median(ratios)) >= self.threshold / 2
            and upper_tail(positive_ranks(np.sort(ratios), 0.0), ratios.size) <= _SECOND_P
        )

    def _decide_without_ratio(self) -> None:
        """Stop where what is returned has no ratio, such as 5 after 0: no further pair will give one."""
        if self.clock == "value" and len(self.pairs) >= LOOKS[0]:
            self.give_up("")

    def give_up(self, reason: str) -> None:
        """Say that time ran out."""
        if self.verdict is None:
            once = "the time was over before a second zygote could confirm the difference"
            self.verdict = self.answer(
                "inconclusive", self._obstacle() or (once if self.suspected else reason)
            )

    def answer(self, word: str, reason: str = "", output: str = "") -> Verdict:
        """Put what is known into a verdict."""
        found = self.evidence
        return Verdict(
            *self.question.key,
            word=word,
            clock=self.clock,
            unit=self.question.unit,
            ratio=None if found is None else found.ratio,
            low=None if found is None or not math.isfinite(found.high) else found.low,
            high=None if found is None or not math.isfinite(found.high) else found.high,
            p_value=None if found is None else found.p_value,
            base=self._typical("base"),
            head=self._head(),
            spread=None if found is None else found.spread,
            pairs=len(self.pairs),
            contended=sum(pair.contended for pair in self.pairs),
            seconds=self.seconds,
            reason=reason,
            output=output,
        )

    def _weigh(self) -> None:
        parallel = self.plan is not None and self.plan.parallel
        self.clock = clocks.choose(self.pairs, self.threshold, parallel=parallel)
        ratios, generations = clocks.log_ratios(self.pairs, self.clock)
        self.evidence = None
        if ratios:
            self.evidence = weigh(
                np.array(ratios), threshold=self.threshold, generations=np.array(generations)
            )

    def _work_changed(self) -> str:
        """Say so where each side computed the same each time, and the sides not the same."""
        if len(self.pairs) < _STABLE_PAIRS:  # a result that varies by itself says nothing
            return ""
        base, head = ({getattr(pair, side).work for pair in self.pairs} for side in ("base", "head"))
        if len(base) == len(head) == 1 and base != head and None not in base | head:
            return "base and head computed different results"
        return ""

    def _in_its_direction(self, word: str) -> str:
        """Take more for better where the unit is a rate."""
        if not (self.clock == "value" and is_rate(self.question.unit)):
            return word
        return {"slower": "faster", "faster": "slower"}.get(word, word)

    def _obstacle(self) -> str:
        contended = sum(pair.contended for pair in self.pairs)
        if self.clock == "wall" and contended > len(self.pairs) / 2:
            return f"{contended} of {len(self.pairs)} pairs were contended, and wall time decides here"
        if self.pairs and self.evidence is None:
            return "its values have no ratio"
        return ""

    def _head(self) -> float | None:
        """Cost of the head by the ratio: between pairs the machine's speed changes more than the code."""
        base, found = self._typical("base"), self.evidence
        return self._typical("head") if found is None or base is None else base * found.ratio

    def _typical(self, side: str) -> float | None:
        if self.clock is None:
            return None
        values = [getattr(pair, side).by(self.clock) for pair in self.pairs]
        known = [value for value in values if value is not None and math.isfinite(value)]
        return float(np.median(known)) if known else None
