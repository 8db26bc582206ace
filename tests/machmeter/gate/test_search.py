"""Hundreds of searches over simulated commits: no process is started, the seeds are fixed."""

from collections.abc import Collection, Sequence

import numpy as np
import pytest

from machmeter.analysis.bisection import MEDIAN_ERROR, Step
from machmeter.analysis.comparison import LOOKS, judge, weigh
from machmeter.gate.search import MOST_PAIRS, Located, Search
from machmeter.gate.single import UnmeasurableError

SPREAD = 0.008
SEARCHES = 150


class Simulated:
    """Commits with known levels and normal noise; the good one is at position 0.

    Parameters
    ----------
    levels : sequence of float
        Log ratios to the good commit.
    broken : collection of int
        Positions that do not build.
    """

    def __init__(
        self,
        levels: Sequence[float],
        rng: np.random.Generator,
        broken: Collection[int] = (),
        outliers: float = 0.0,
    ) -> None:
        self.levels, self.broken, self.pairs, self.installed = list(levels), broken, 0, 0
        self._rng, self._outliers = rng, outliers
        self._installed: int | None = None

    def take(self, position: int) -> tuple[float | None, int]:
        if position != self._installed:
            self.installed, self._installed = self.installed + 1, position
        if position in self.broken:
            raise UnmeasurableError("it does not build")
        return self.draw(position), self.pairs

    def draw(self, position: int) -> float:
        self.pairs += 1
        wide = self._rng.uniform(6, 20) if self._rng.random() < self._outliers else 1.0
        return float(self.levels[position] + self._rng.normal() * SPREAD * wide)


def confirmed(bench: Simulated, pairs: int = 12) -> tuple[Step, float]:
    """What a confirmation with so many pairs says."""
    ratios = np.array([bench.draw(len(bench.levels) - 1) for _ in range(pairs)])
    centre = float(np.median(ratios))
    spread = 1.4826 * float(np.median(np.abs(ratios - centre))) * (1 + 1 / pairs) ** 0.5
    bench.pairs = 0
    return Step(0.0, centre, spread), MEDIAN_ERROR * spread / pairs**0.5


def search(bench: Simulated) -> tuple[list[Located], Search]:
    made = Search(*confirmed(bench), len(bench.levels) - 1, bench)
    return made.run(), made


def stepping(count: int, **steps: float) -> list[float]:
    """Levels of `count` commits after the good one: `at3=0.05` is 5% slower from position 3 on."""
    places = {int(name.removeprefix("at")): size for name, size in steps.items()}
    return [sum(size for place, size in places.items() if position >= place) for position in range(count + 1)]


def share_right(size: float, count: int, seed: int, outliers: float = 0.0) -> tuple[float, float]:
    """Share of searches that name the right commit alone, and pairs of a search on average."""
    rng = np.random.default_rng(seed)
    right = pairs = 0
    for _ in range(SEARCHES):
        place = int(rng.integers(1, count + 1))
        made = Simulated(stepping(count, **{f"at{place}": size}), rng, outliers=outliers)
        located, _ = search(made)
        right += located[0].group[:2] == (place, place)
        pairs += made.pairs
    return right / SEARCHES, pairs / SEARCHES


def pairs_of_plain_bisection(size: float, count: int, seed: int) -> float:
    """Pairs of a binary search that asks the gate about each commit, on average."""
    rng = np.random.default_rng(seed)
    total = 0
    for _ in range(30):
        place = int(rng.integers(1, count + 1))
        made = Simulated(stepping(count, **{f"at{place}": size}), rng)
        fast, slow = 0, count
        while slow - fast > 1:
            middle = (fast + slow) // 2
            fast, slow = (fast, middle) if gate_says_slower(made, middle) else (middle, slow)
        total += made.pairs
    return total / 30


def gate_says_slower(bench: Simulated, position: int) -> bool:
    ratios: list[float] = []
    for look in LOOKS[:10]:
        ratios += [bench.draw(position) for _ in range(look - len(ratios))]
        evidence = weigh(np.array(ratios), threshold=0.01)
        word = judge(evidence, discovered=evidence.p_value <= 0.01, threshold=0.01)
        if word != "undecided":
            return word == "slower"
    return False


@pytest.mark.parametrize(("size", "count"), [(0.3, 8), (0.03, 16), (0.02, 40), (0.01, 16)])
def test_the_right_commit_is_found_with_fewer_pairs(size: float, count: int) -> None:
    """At least 95% of searches name the very commit, with fewer pairs than the gate at each step takes."""
    right, pairs = share_right(size, count, seed=1)
    assert right >= 0.95
    assert pairs < pairs_of_plain_bisection(size, count, seed=1)


def test_outliers_do_not_mislead() -> None:
    """One pair in twenty that is off by 6 to 20 deviations leaves 95% of the searches right."""
    assert share_right(0.03, 16, seed=2, outliers=0.05)[0] >= 0.95


def test_a_large_step_takes_two_pairs_a_commit() -> None:
    """30% among 8 commits: three commits, six pairs."""
    assert share_right(0.3, 8, seed=3)[1] <= 7


def test_commits_that_do_not_build_are_passed_over() -> None:
    """With three in ten broken, the step lies in the group that is named, and only broken commits blur it."""
    rng = np.random.default_rng(4)
    right = 0
    for _ in range(SEARCHES):
        place = int(rng.integers(1, 17))
        broken = {position for position in range(1, 16) if rng.random() < 0.3}
        located, done = search(Simulated(stepping(16, **{f"at{place}": 0.05}), rng, broken))
        first, last, _ = located[0].group
        right += first <= place <= last
        assert set(range(first, last)) <= broken
        assert set(done.skipped) <= broken
    assert right >= 0.95 * SEARCHES


def test_everything_between_may_be_broken() -> None:
    """Then all of them are the answer, without a pair."""
    bench = Simulated(stepping(5, at3=0.05), np.random.default_rng(5), broken={1, 2, 3, 4})
    located, done = search(bench)
    assert located[0].group[:2] == (1, 5)
    assert len(done.skipped) == 4


def test_neighbours_need_no_search() -> None:
    """Between a commit and the next there is nothing to measure."""
    bench = Simulated(stepping(1, at1=0.05), np.random.default_rng(6))
    assert search(bench)[0][0].group == (1, 1, 1.0)
    assert bench.pairs == 0


@pytest.mark.parametrize(("first", "second"), [(0.02, 0.06), (0.06, 0.02), (0.03, 0.045)])
def test_of_two_steps_the_larger_is_found(first: float, second: float) -> None:
    """Wherever the two are, in at least 95% of searches; its share of the whole is about right."""
    rng = np.random.default_rng(7)
    right = 0
    shares = []
    for _ in range(SEARCHES):
        places = sorted(rng.choice(np.arange(1, 17), 2, replace=False).tolist())
        levels = stepping(16, **{f"at{places[0]}": first, f"at{places[1]}": second})
        located, done = search(Simulated(levels, rng))
        larger = places[0] if first > second else places[1]
        right += any(each.group.first <= larger <= each.group.last for each in located)
        shares.append(located[0].rise / done.whole.after)
    assert right >= 0.95 * SEARCHES
    assert float(np.median(shares)) == pytest.approx(max(first, second) / (first + second), abs=0.1)


def test_of_three_steps_the_largest_is_found() -> None:
    """Also where the smallest one lies in the middle of the way."""
    rng = np.random.default_rng(8)
    right = 0
    for _ in range(SEARCHES):
        places = sorted(rng.choice(np.arange(1, 33), 3, replace=False).tolist())
        sizes = dict(zip((f"at{place}" for place in places), (0.03, 0.02, 0.05), strict=True))
        located, _ = search(Simulated(stepping(32, **sizes), rng))
        right += any(each.group.first <= places[2] <= each.group.last for each in located)
    assert right >= 0.95 * SEARCHES


def test_a_single_step_is_reported_alone() -> None:
    """Noise is rarely taken for a second step: in at most 5% of searches."""
    rng = np.random.default_rng(9)
    found = [len(search(Simulated(stepping(16, at7=0.04), rng))[0]) for _ in range(SEARCHES)]
    assert sum(number > 1 for number in found) <= 0.05 * SEARCHES


def test_a_commit_whose_pairs_are_all_disturbed_is_passed_over() -> None:
    """Wall time of disturbed pairs says nothing: the search neither hangs nor guesses."""

    class Disturbed(Simulated):
        def take(self, position: int) -> tuple[float | None, int]:
            ratio, generation = super().take(position)
            return (None if position == 4 else ratio), generation

    bench = Disturbed(stepping(8, at6=0.3), np.random.default_rng(10))
    located, done = search(bench)
    assert located[0].group[:2] == (6, 6)
    assert done.skipped == {4: f"{MOST_PAIRS} pairs did not settle it"}


def test_time_that_is_over_leaves_what_is_likely() -> None:
    """Without any time nothing is excluded, and the reason is told."""
    bench = Simulated(stepping(8, at6=0.3), np.random.default_rng(11))
    made = Search(*confirmed(bench), 8, bench, seconds=0.0)
    assert made.run()[0].group[:2] == (1, 8)
    assert made.ended == "the time is over"


def test_an_interrupted_search_tells_what_it_knows() -> None:
    """After the first commit half of the range is left."""

    class Interrupting(Simulated):
        def take(self, position: int) -> tuple[float | None, int]:
            if self.pairs == 2:
                raise KeyboardInterrupt
            return super().take(position)

    bench = Interrupting(stepping(8, at6=0.3), np.random.default_rng(12))
    made = Search(*confirmed(bench), 8, bench)
    with pytest.raises(KeyboardInterrupt):
        made.run()
    assert made.stop("you said so")[0].group[:2] == (5, 8)


def test_rates_that_fall_are_searched_alike() -> None:
    """A benchmark in items a second has its step downwards."""
    bench = Simulated([-level for level in stepping(16, at5=0.05)], np.random.default_rng(13))
    located, _ = search(bench)
    assert located[0].group[:2] == (5, 5)
    assert located[0].rise < 0


def test_each_commit_is_told() -> None:
    """The observer hears of every commit that was measured or passed over."""
    told: list[int] = []
    bench = Simulated(stepping(8, at6=0.3), np.random.default_rng(14), broken={4})
    made = Search(*confirmed(bench), 8, bench, tell=told.append)
    made.run()
    assert set(told) == set(made.seen)
