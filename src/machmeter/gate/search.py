"""Finds the first slow commit: each pair shifts what is likely, the next commit is the median of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, sqrt
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from machmeter.analysis import bisection
from machmeter.analysis.bisection import CONFIDENCE, MEDIAN_ERROR, Group, Step
from machmeter.gate.single import UnmeasurableError

#: Pairs are taken in twos, so that either side is forked first equally often.
_BATCH: Final = 2
#: A commit that is still unsettled after so many pairs is passed over.
MOST_PAIRS: Final = 64
#: Another step is looked for where what remains is this many standard errors.
_ERRORS: Final = 3.0
#: ... and told, besides the largest one, where it is this many.
_LEAST_ERRORS: Final = 2.0
#: A commit is called fast or slow within this part of the whole from the good or the bad one.
_NEAR: Final = 0.3


class Bench(Protocol):
    """What compares a commit with the good one."""

    def take(self, position: int) -> tuple[float | None, int]:
        """Take a pair.

        Parameters
        ----------
        position : int
            Of the commit in the range, 1 for the first after the good one.

        Returns
        -------
        ratio : float or None
            ln(commit / good); None where the pair was disturbed.
        generation : int
            Pairs with the same number share their side processes.

        Raises
        ------
        UnmeasurableError
            If the commit does not build or the benchmark fails there.
        """


@dataclass(slots=True)
class Seen:
    """The pairs of one commit.

    Parameters
    ----------
    ratios, generations : list of float, list of int
        Of the pairs that say something.
    pairs : int
        All that were taken.
    """

    ratios: list[float] = field(default_factory=list)
    generations: list[int] = field(default_factory=list)
    pairs: int = 0


class Segment(NamedTuple):
    """Commits between two whose levels are known.

    Parameters
    ----------
    start, end : int
        Positions; the commit at `start` is before any step, the one at `end` after all of them.
    before, after : float
        Their log ratios to the good commit.
    """

    start: int
    end: int
    before: float
    after: float


class Located(NamedTuple):
    """A step that was found.

    Parameters
    ----------
    group : Group
        Where: positions of the whole range.
    rise, error : float
        Its log ratio and the standard error of that.
    """

    group: Group
    rise: float
    error: float


class Search:
    """A search for the largest step in a range of commits.

    Parameters
    ----------
    whole : Step
        From the good to the bad commit.
    error : float
        Standard error of its level.
    count : int
        Commits in the range, without the good one.
    bench : Bench
        Takes the pairs.
    tell : callable, optional
        Called after each pair or skipped commit with its position.
    seconds : float
        When to stop; checked between pairs.
    """

    def __init__(
        self,
        whole: Step,
        error: float,
        count: int,
        bench: Bench,
        *,
        tell: Callable[[int], None] = lambda _: None,
        seconds: float = inf,
    ) -> None:
        self.whole, self.count = whole, count
        self.segment = Segment(0, count, whole.before, whole.after)
        self.seen: dict[int, Seen] = {}
        self.skipped: dict[int, str] = {}
        self.located: list[Located] = []
        #: Why the search ended before it was sure; empty if it was.
        self.ended = ""
        self._error, self._bench, self.tell = error, bench, tell
        self._deadline = time.monotonic() + seconds
        self._current: int | None = None

    def run(self) -> list[Located]:
        """Find the largest step, and those that had to be found on the way to it; the largest first.

        A part of the range whose ends differ by less than a step that was found holds no larger one, unless
        it holds a step down as well.
        """
        waiting = [self.segment]
        while waiting and not self.ended:
            self.segment = max(waiting, key=self._rise)
            if not self._is_worth_searching(self.segment):
                break
            waiting.remove(self.segment)
            waiting += self._split(self.segment)
        # Where a level lies halfway, noise alone can look like the place of a step.
        others = [each for each in self.located[1:] if abs(each.rise) > _LEAST_ERRORS * each.error]
        self.located[1:] = others
        return self.located

    def stop(self, reason: str) -> list[Located]:
        """End a search that was interrupted with what is known."""
        self.ended = reason
        if not self.located:
            self._note()
        return self.located

    def now(self) -> Group:
        """Where the step of the present segment most likely is."""
        found = bisection.groups(self._probabilities(), self._measurable())[0]
        if found.probability < CONFIDENCE:
            found = bisection.credible(self._probabilities())
        return _shifted(found, self.segment.start)

    def word(self, position: int) -> str:
        """Call a commit "fast" like the good one, "slow" like the bad one, "between", or "unsettled"."""
        seen = self.seen[position]
        if not seen.ratios:
            return "unsettled"
        part = float(np.median(seen.ratios)) / self.whole.after
        if part < _NEAR:
            return "fast"
        return "slow" if part > 1 - _NEAR else "between"

    def _split(self, segment: Segment) -> list[Segment]:
        """Locate a segment's step; what is left of the segment lies before and after it."""
        while bisection.groups(self._probabilities(), self._measurable())[0].probability < CONFIDENCE:
            if time.monotonic() >= self._deadline:
                self.ended = "the time is over"
                break
            self._measure(self._next())
        found = self._note()
        ends = ((segment.start, found.first - 1), (found.last, segment.end))
        return [Segment(a, b, self._level(a, -1), self._level(b, 1)) for a, b in ends if a < b]

    def _note(self) -> Group:
        """Note where the present segment's step is."""
        found = self.now()
        left, right = found.first - 1, found.last
        rise = self._level(right, 1) - self._level(left, -1)
        self.located.append(Located(found, rise, self._error_between(left, right)))
        self.located.sort(key=lambda each: -each.rise * np.sign(self.whole.after))
        return found

    def _next(self) -> int:
        current = None if self._current is None else self._current - self.segment.start
        chosen = bisection.next_position(self._probabilities(), self._measurable(), current)
        assert chosen is not None  # noqa: S101 - a single group has probability 1 and ends the search
        return chosen + self.segment.start

    def _measure(self, position: int) -> None:
        """Take two pairs of a commit, or pass it over."""
        self._current = position
        seen = self.seen.setdefault(position, Seen())
        try:
            for _ in range(_BATCH):
                ratio, generation = self._bench.take(position)
                seen.pairs += 1
                if ratio is not None:
                    seen.ratios.append(ratio)
                    seen.generations.append(generation)
        except UnmeasurableError as error:
            self.skipped[position] = error.reason
        if seen.pairs >= MOST_PAIRS and position == self._next_or_none():
            self.skipped[position] = f"{seen.pairs} pairs did not settle it"
        self.tell(position)

    def _next_or_none(self) -> int | None:
        if bisection.groups(self._probabilities(), self._measurable())[0].probability >= CONFIDENCE:
            return None
        return self._next()

    def _probabilities(self) -> NDArray[np.float64]:
        step = Step(self.segment.before, self.segment.after, self.whole.spread)
        odds = {
            each: step.log_odds(seen.ratios, seen.generations)
            for each in self._measurable()
            if (seen := self.seen.get(each + self.segment.start)) is not None
        }
        return bisection.posterior(self.segment.end - self.segment.start, odds)

    def _measurable(self) -> list[int]:
        """Positions within the segment that can be compared."""
        start, end = self.segment.start, self.segment.end
        return [each - start for each in range(start + 1, end) if each not in self.skipped]

    def _is_worth_searching(self, segment: Segment) -> bool:
        if not self.located:
            return True
        error, rise = self._error_between(segment.start, segment.end), self._rise(segment)
        return rise > _ERRORS * error and rise + _ERRORS * error > abs(self.located[0].rise)

    def _rise(self, segment: Segment) -> float:
        return (segment.after - segment.before) * float(np.sign(self.whole.after))

    def _level(self, position: int, outwards: int) -> float:
        """Level of a commit, or of the nearest one beyond it that was measured."""
        while position not in {0, self.count}:
            seen = self.seen.get(position)
            if seen is not None and seen.ratios:
                return float(np.median(seen.ratios))
            position += outwards
        return self.whole.after if position else self.whole.before

    def _error_between(self, left: int, right: int) -> float:
        return sqrt(self._error_of(left) ** 2 + self._error_of(right) ** 2)

    def _error_of(self, position: int) -> float:
        if position in {0, self.count}:
            return self._error if position else 0.0
        seen = self.seen.get(position)
        return MEDIAN_ERROR * self.whole.spread / sqrt(len(seen.ratios)) if seen and seen.ratios else 0.0


def _shifted(group: Group, by: int) -> Group:
    return Group(group.first + by, group.last + by, group.probability)
