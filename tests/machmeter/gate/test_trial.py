import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from machmeter.analysis.comparison import LOOKS
from machmeter.gate.questions import Question
from machmeter.gate.trial import Trial
from machmeter.pairs import Cost, Pair

Make = Callable[..., Pair]


def trial(unit: str = "seconds", threshold: float = 0.02) -> Trial:
    return Trial(Question("bench.time_x", ("1",), {"base": 0, "head": 0}, unit=unit), threshold)


def noisy(centre: float, count: int, spread: float = 0.002) -> list[float]:
    return [float(each) for each in np.random.default_rng(1).normal(centre, spread, count)]


def fed(make: Make, ratios: Sequence[float], **changes: Any) -> Trial:
    """A trial that has seen pairs with these log ratios of CPU time."""
    made = trial()
    for index, ratio in enumerate(ratios):
        made.add(make(cpu=ratio, index=index, **changes))
    return made


def valued(make: Make, base: float, head: float, count: int, unit: str = "unit") -> Trial:
    """A trial of a benchmark that returns the same numbers each time."""
    made = trial(unit)
    ratio = math.log(head / base) if head / base > 0 else None
    for index in range(count):
        made.add(make(base=Cost(value=base), head=Cost(value=head), cpu=None, value=ratio, index=index))
    return made


@pytest.mark.parametrize(
    ("centre", "word"), [(math.log(1.05), "slower"), (-math.log(1.05), "faster"), (0.0, "unchanged")]
)
def test_a_clear_case_is_decided(pair: Make, centre: float, word: str) -> None:
    """The word follows the ratio of head over base."""
    asked = fed(pair, noisy(centre, 16))
    asked.decide(discovered=centre != 0)
    assert asked.verdict is not None
    assert asked.verdict.word == word
    assert asked.verdict.ratio == pytest.approx(math.exp(centre), rel=0.005)


def test_what_is_no_discovery_of_the_suite_stays_open(pair: Make) -> None:
    """A small p-value alone does not decide while the whole suite does not allow it."""
    asked = fed(pair, noisy(math.log(1.05), 16))
    asked.decide(discovered=False)
    assert asked.verdict is None


def test_the_last_look_is_the_end(pair: Make) -> None:
    """After the most pairs that the rule knows, the answer is that there is none."""
    asked = trial(threshold=0.001)
    asked.pairs = [pair(cpu=ratio) for ratio in noisy(0.0, LOOKS[-1] - 1, 0.05)]
    asked.add(pair(cpu=0.01))
    asked.decide(discovered=False)
    assert asked.verdict is not None
    assert (asked.verdict.word, asked.verdict.pairs) == ("inconclusive", LOOKS[-1])


def test_other_results_are_changed_work(pair: Make) -> None:
    """Two sides that compute different things, each the same thing four times, are not compared."""
    asked = trial()
    for _ in range(4):
        assert asked.verdict is None
        asked.add(pair(base=Cost(cpu_s=1.0, work="a"), head=Cost(cpu_s=1.0, work="b")))
    assert asked.verdict is not None
    assert asked.verdict.word == "work changed"


def test_results_that_vary_on_their_own_are_no_changed_work(pair: Make) -> None:
    """A side that computes something else each time says nothing about the other side."""
    asked = trial()
    for works in ("aa", "bc", "de", "fg", "hi"):
        asked.add(pair(base=Cost(cpu_s=1.0, work=works[0]), head=Cost(cpu_s=1.0, work=works[1])))
    assert asked.verdict is None


def test_results_that_are_unknown_on_one_side_are_no_changed_work(pair: Make) -> None:
    """A head that began to say what it computed is still compared."""
    asked = trial()
    asked.add(pair(base=Cost(cpu_s=1.0), head=Cost(cpu_s=1.0, work="b")))
    assert asked.verdict is None


@pytest.mark.parametrize(
    ("unit", "head", "word"),
    [
        ("items/s", 2.0, "faster"),
        ("items/s", 0.5, "slower"),
        ("bytes", 2.0, "slower"),
        ("bytes", 0.5, "faster"),
    ],
)
def test_more_is_better_for_rates_alone(pair: Make, unit: str, head: float, word: str) -> None:
    """Twice the items a second are faster, twice the bytes are slower."""
    asked = valued(pair, 1.0, head, LOOKS[0], unit)
    asked.decide(discovered=True)
    assert asked.verdict is not None
    assert asked.verdict.word == word
    assert asked.verdict.ratio == pytest.approx(head)


def test_values_without_a_ratio_are_inconclusive_at_the_first_look(pair: Make) -> None:
    """More pairs of 0 and 5 would never give a ratio, so the budget is left to others."""
    asked = valued(pair, 5.0, 0.0, LOOKS[0])
    asked.decide(discovered=False)
    assert asked.verdict is not None
    assert (asked.verdict.word, asked.verdict.reason) == ("inconclusive", "its values have no ratio")
    assert (asked.verdict.base, asked.verdict.head) == (5.0, 0.0)


def test_contended_pairs_without_a_ratio_stay_open(pair: Make) -> None:
    """The next pair may be undisturbed."""
    asked = trial()
    for index in range(LOOKS[0]):
        asked.add(pair(cpu=None, contended=True, index=index))
    asked.decide(discovered=False)
    assert asked.verdict is None


def test_giving_up_names_contention_where_wall_time_decides(pair: Make) -> None:
    """The reader learns that the node was busy, not only that time ran out."""
    asked = trial()
    for index in range(3):
        asked.add(pair(cpu=None, contended=index > 0, index=index))
    asked.give_up("the time is over")
    assert asked.verdict is not None
    assert "2 of 3 pairs were contended" in asked.verdict.reason


def test_giving_up_without_a_pair_says_why() -> None:
    """A benchmark whose turn never came is inconclusive, with nothing claimed."""
    asked = trial()
    asked.give_up("the time is over")
    assert asked.verdict is not None
    assert (asked.verdict.word, asked.verdict.reason) == ("inconclusive", "the time is over")
    assert (asked.verdict.ratio, asked.verdict.pairs) == (None, 0)


def test_giving_up_leaves_an_answer_alone(pair: Make) -> None:
    """What was decided stays decided when the time is over."""
    asked = fed(pair, noisy(0.0, 16, 1e-4))
    asked.decide(discovered=False)
    asked.give_up("the time is over")
    assert asked.verdict is not None
    assert asked.verdict.word == "unchanged"


def test_the_seconds_of_a_verdict_hold_its_last_pair(pair: Make) -> None:
    """Time is booked after the verdict was given."""
    asked = trial()
    asked.verdict = asked.answer("failed", "it raised")
    asked.spend(2.0)
    assert asked.verdict.seconds == 2.0


def test_a_noisy_trial_needs_longer(pair: Make) -> None:
    """The guess of the remaining time grows with the spread."""
    steady, noise = fed(pair, noisy(0.0, 8, 0.005)), fed(pair, noisy(0.0, 8, 0.05))
    assert steady.remaining_s() < noise.remaining_s()


def test_a_trial_without_evidence_needs_the_first_look() -> None:
    """Nothing is known about a benchmark that has no pair, not even its time."""
    asked = trial()
    assert (asked.remaining_s(), asked.p_value) == (0.0, 1.0)
