from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from machmeter.analysis.comparison import LOOKS
from machmeter.gate import gate as module
from machmeter.gate import pair as pairs
from machmeter.gate.gate import Observer, Rule, decide
from machmeter.gate.pair import SkippedError
from machmeter.gate.plan import Plan
from machmeter.gate.processes import BenchmarkError
from machmeter.gate.questions import Question
from machmeter.gate.scout import Scouted
from machmeter.gate.trial import Trial
from machmeter.pairs import Pair

if TYPE_CHECKING:
    from machmeter.gate.stage import Stage

Make = Callable[..., Pair]


class Clock:
    """A clock that moves only when something is done."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class FakeStage:
    """Counts generations; making sides takes as long as it is told to."""

    def __init__(self, clock: Clock, renewing_s: float = 0.1, fresh: str = "") -> None:
        self._clock = clock
        self._renewing_s = renewing_s
        self.generation = -1
        self.begun = 0
        self.restarts = 0
        self.fresh = fresh

    def renew(self, _first: str | None = None) -> None:
        self.generation += 1
        self._clock.now += self._renewing_s

    def restart(self) -> None:
        self.restarts += 1
        self.begun = self.generation + 1

    def sides(self) -> object:
        return {}


class World:
    """Benchmarks by name: what each pair of them is like."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, make: Make) -> None:
        self._make = make
        self.clock = Clock()
        self.stage = FakeStage(self.clock)
        self.benchmarks: dict[str, Callable[[int], float]] = {}
        self.scouted: dict[str, Scouted] = {}
        self.pair_s = 1.0
        self.taken: list[Pair] = []
        self.told: list[tuple[int, float]] = []
        monkeypatch.setattr(module, "time", self.clock)
        monkeypatch.setattr(module, "scout", self._scout)
        monkeypatch.setattr(pairs, "take", self._take)

    def has(self, name: str, ratio: float = 1.0, spread: float = 0.002) -> None:
        """Add a benchmark whose log ratios are normal."""
        generator = np.random.default_rng(len(self.benchmarks))
        self.benchmarks[name] = lambda _: float(generator.normal(np.log(ratio), spread))

    def decide(self, budget_s: float = 1e6, **rule: Any) -> dict[str, Any]:
        asked = [Question(name, (), {}) for name in self.benchmarks]
        verdicts = decide(cast("Stage", self.stage), asked, Rule(budget_s=budget_s, **rule), self._observer())
        return {verdict.benchmark: verdict for verdict in verdicts}

    def pairs_of(self, name: str) -> list[Pair]:
        return [pair for pair in self.taken if pair.benchmark == name]

    def _observer(self) -> Observer:
        def progress(trials: Sequence[Trial], left_s: float) -> None:
            self.told.append((sum(trial.verdict is not None for trial in trials), left_s))

        return Observer(self.taken.append, progress)

    def _scout(self, _: object, question: Question) -> Scouted:
        return self.scouted.get(question.benchmark, Scouted(Plan(1, 2)))

    def _take(self, _: object, question: Question, *rest: Any, fork: bool) -> Pair:
        _, index, generation = rest
        self.clock.now += self.pair_s
        ratio = self.benchmarks[question.benchmark](index)
        return self._make(
            benchmark=question.benchmark, index=index, generation=generation, cpu=ratio, seconds=self.pair_s
        )


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, pair: Make) -> World:
    return World(monkeypatch, pair)


def raising(error: Exception, after: int = 0) -> Callable[[int], float]:
    def ratio(index: int) -> float:
        if index >= after:
            raise error
        return 0.0

    return ratio


def test_each_benchmark_gets_its_answer(world: World) -> None:
    """One slower, one faster, one the same, in the suite's order."""
    world.has("slow", 1.05)
    world.has("fast", 0.95)
    world.has("same")
    found = world.decide()
    assert [(name, verdict.word) for name, verdict in found.items()] == [
        ("slow", "slower"),
        ("fast", "faster"),
        ("same", "unchanged"),
    ]


def test_a_difference_counts_when_a_second_zygote_has_shown_it(world: World) -> None:
    """What is unchanged does not pay for that."""
    world.has("slow", 1.05)
    world.has("same")
    found = world.decide()
    assert world.stage.restarts == 1
    assert found["slow"].pairs >= 12
    late = [pair for pair in world.pairs_of("slow") if pair.generation >= world.stage.begun]
    assert 6 <= len(late) <= found["slow"].pairs - 6


def test_the_luck_of_one_zygote_is_no_difference(world: World) -> None:
    """A side that is faster for as long as the zygote lives, and no longer."""
    generator = np.random.default_rng(1)

    def ratio(_: int) -> float:
        return float(generator.normal(0.0 if world.stage.restarts else 0.012, 0.004))

    world.benchmarks["lucky"] = ratio
    assert world.decide()["lucky"].word != "slower"
    assert world.stage.restarts == 1


def test_a_zygote_of_few_pairs_is_followed_by_another_one(world: World, pair: Make) -> None:
    """A resumed run has too few pairs of the interrupted one: they are no second zygote."""
    world.has("slow", 1.05)
    earlier: dict[object, list[Pair]] = {}
    earlier["slow", ()] = [pair(benchmark="slow", index=n, generation=n, cpu=0.05) for n in range(3)]
    asked = [Question("slow", (), {})]
    (found,) = decide(cast("Stage", world.stage), asked, Rule(budget_s=1e6), None, earlier)
    assert (found.word, world.stage.restarts) == ("slower", 1)
    assert found.pairs < 40


def test_a_first_zygote_that_hid_the_difference_is_outvoted(world: World) -> None:
    """The next two show it."""
    generator = np.random.default_rng(2)

    def ratio(index: int) -> float:
        return float(generator.normal(0.0 if index < 8 else 0.03, 0.012))

    world.benchmarks["late"] = ratio
    assert world.decide()["late"].word == "slower"


def test_without_zygotes_every_process_is_another_one(world: World) -> None:
    """Nothing needs to be started over."""
    world.stage.fresh = "dependencies differ"
    world.has("slow", 1.05)
    assert (world.decide()["slow"].word, world.stage.restarts) == ("slower", 0)


def test_measuring_stops_with_the_answer(world: World) -> None:
    """No pair is taken after the look that decided."""
    world.has("same", spread=1e-3)
    assert world.decide()["same"].pairs == LOOKS[0]


def test_noisy_benchmarks_get_more_pairs(world: World) -> None:
    """The time goes where it is needed."""
    world.has("steady", spread=0.002)
    world.has("noisy", spread=0.02)
    found = world.decide()
    assert found["noisy"].pairs > 3 * found["steady"].pairs
    assert found["noisy"].word == "unchanged"


def test_with_little_time_what_needs_least_is_decided(world: World) -> None:
    """One hopeless benchmark does not keep the others from their answers."""
    world.has("hopeless", spread=0.5)
    for number in range(4):
        world.has(f"steady{number}", spread=0.008)
    found = world.decide(budget_s=130.0)
    words = Counter(verdict.word for verdict in found.values())
    assert found["hopeless"].word == "inconclusive"
    assert words == {"unchanged": 4, "inconclusive": 1}


def test_the_time_limit_ends_it(world: World) -> None:
    """What has no answer by then is inconclusive and says so, with its pairs kept."""
    world.has("noisy", spread=0.3)
    found = world.decide(budget_s=20.0)["noisy"]
    assert (found.word, found.reason) == ("inconclusive", "the time is over")
    assert len(world.taken) == found.pairs > 10


def test_a_benchmark_whose_turn_never_came_is_inconclusive(world: World) -> None:
    """Every question has a verdict, also when the first pair used up all the time."""
    world.has("first")
    world.has("second")
    world.pair_s = 100.0
    found = world.decide(budget_s=50.0)
    assert {name: (verdict.word, verdict.pairs) for name, verdict in found.items()} == {
        "first": ("inconclusive", 1),
        "second": ("inconclusive", 0),
    }


@pytest.mark.parametrize("after", [0, 5])
def test_a_failing_benchmark_does_not_stop_the_others(world: World, after: int) -> None:
    """Whether it fails at once or after a while, with its output kept and without a further pair."""
    world.has("fine")
    world.benchmarks["broken"] = raising(BenchmarkError("head: it raised", "Traceback"), after)
    found = world.decide()
    assert found["fine"].word == "unchanged"
    assert (found["broken"].word, found["broken"].reason, found["broken"].output) == (
        "failed",
        "head: it raised",
        "Traceback",
    )
    assert found["broken"].pairs == after


def test_a_benchmark_that_does_not_apply_is_skipped(world: World) -> None:
    """It said so itself."""
    world.benchmarks["skipped"] = raising(SkippedError())
    assert world.decide()["skipped"].word == "skipped"


def test_what_the_first_processes_find_is_the_verdict(world: World) -> None:
    """A benchmark that runs on one side only takes no pair."""
    world.has("new")
    world.scouted["new"] = Scouted(None, "added", "it does not run at the base")
    found = world.decide()["new"]
    assert (found.word, found.reason, world.taken) == ("added", "it does not run at the base", [])


def test_false_discoveries_are_counted_over_the_suite(world: World) -> None:
    """A change that is proved among few benchmarks needs more pairs among many."""
    world.has("slow", 1.02, 0.02)
    alone = world.decide()["slow"].pairs
    for number in range(30):
        world.has(f"same{number}", spread=1e-4)
    world.benchmarks["slow"] = _replayed(world)
    world.taken.clear()
    assert world.decide()["slow"].pairs > alone


def _replayed(world: World) -> Callable[[int], float]:
    ratios = [pair.cpu for pair in world.pairs_of("slow")]
    generator = np.random.default_rng(0)
    fresh = [float(each) for each in generator.normal(np.log(1.02), 0.02, LOOKS[-1])]
    assert fresh[: len(ratios)] == ratios
    return lambda index: fresh[index]


def test_every_sweep_has_new_sides(world: World) -> None:
    """Pairs of a benchmark do not share what importing the project left in memory."""
    world.has("one", spread=0.01)
    world.has("two", spread=0.01)
    world.decide()
    assert len({pair.generation for pair in world.pairs_of("one")}) == len(world.pairs_of("one"))


def test_costly_sides_serve_for_some_pairs(world: World) -> None:
    """Where importing takes much longer than a pair, up to four pairs of a benchmark share the sides."""
    world.has("one", spread=0.01)
    world.stage = FakeStage(world.clock, renewing_s=30.0)
    world.decide()
    counts = Counter(pair.generation for pair in world.taken)
    assert max(counts.values()) == 4


def test_fresh_processes_are_never_shared(world: World) -> None:
    """A side that measures itself serves for one pair."""
    world.has("one", spread=0.01)
    world.stage = FakeStage(world.clock, renewing_s=30.0, fresh="it was asked for")
    world.decide()
    assert set(Counter(pair.generation for pair in world.taken).values()) == {1}


def test_earlier_pairs_count(world: World, pair: Make) -> None:
    """A resumed comparison goes on where it stopped, with pairs and generations numbered on."""
    world.has("same", spread=1e-3)
    kept = [pair(benchmark="same", index=index, generation=3 * index) for index in range(5)]
    asked = [Question("same", (), {})]
    (found,) = decide(
        cast("Stage", world.stage),
        asked,
        Rule(budget_s=1e6),
        Observer(world.taken.append),
        {("same", ()): kept},
    )
    assert (found.word, found.pairs) == ("unchanged", LOOKS[0])
    assert [each.index for each in world.taken] == [5, 6, 7]
    assert _disjoint(kept, world.taken)


def _disjoint(one: Iterable[Pair], other: Iterable[Pair]) -> bool:
    return not {pair.generation for pair in one} & {pair.generation for pair in other}


def test_enough_earlier_pairs_need_no_measuring(world: World, pair: Make) -> None:
    """The answer was there, only its writing was interrupted."""
    kept = [pair(benchmark="same", index=index, generation=index, cpu=1e-4) for index in range(LOOKS[0])]
    asked = [Question("same", (), {})]
    (found,) = decide(cast("Stage", world.stage), asked, Rule(), None, {("same", ()): kept})
    assert (found.word, world.taken, world.stage.generation) == ("unchanged", [], LOOKS[0] - 1)


def test_no_question_is_no_verdict(world: World) -> None:
    """An empty suite takes no time."""
    assert world.decide() == {}
    assert world.stage.generation == -1


def test_progress_is_told_after_each_pair_and_at_the_end(world: World) -> None:
    """The numbers of decided benchmarks never fall, the time runs down, and no verdict is left untold."""
    world.has("one", spread=1e-3)
    world.has("two", spread=1e-3)
    world.decide(budget_s=1000.0)
    decided, left = zip(*world.told, strict=True)
    assert list(decided) == sorted(decided)
    assert list(left) == sorted(left, reverse=True)
    assert (len(world.told), decided[-1]) == (len(world.taken) + 1, 2)
