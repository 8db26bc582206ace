import gc
import math
import types
from typing import Any

import pytest
from asv_runner.benchmarks._base import Benchmark
from asv_runner.benchmarks.time import TimeBenchmark
from asv_runner.benchmarks.timeraw import TimerawBenchmark
from asv_runner.benchmarks.track import TrackBenchmark

from machmeter.probe.benchmark_types import TimeItemBenchmark
from machmeter.probe.forks import kinds


def timed(function: Any, kind: type[Benchmark] = TimeBenchmark, **attributes: Any) -> Any:
    """A benchmark that was set up, with attributes of its class."""
    source = types.SimpleNamespace(**attributes)
    made = kind("bench.time_x", function, [source])
    made.do_setup()
    return made


class Counter:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1


def test_a_sample_makes_as_many_calls_as_it_says() -> None:
    """The row tells the calls and the clocks of all of them together."""
    counter = Counter()
    row = kinds.of(timed(counter)).sample(7)
    assert (counter.calls, row["items"]) == (7, 7)
    assert row["wall_s"] > 0


def test_garbage_is_not_collected_within_a_sample() -> None:
    """As with `timeit`; afterwards it is as it was."""
    seen: list[bool] = []
    kinds.of(timed(lambda: seen.append(gc.isenabled()))).sample(1)
    assert (seen, gc.isenabled()) == ([False], True)


def test_garbage_collection_that_was_off_stays_off() -> None:
    """A suite that turned it off has its way."""
    gc.disable()
    try:
        kinds.of(timed(lambda: None)).sample(1)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_calls_are_found_that_fill_a_sample() -> None:
    """Many of a short function."""
    assert kinds.of(timed(lambda: None)).calls_for(0.002) > 1000


def test_a_call_that_fills_a_sample_is_made_once() -> None:
    """No second call is needed to know that."""
    counter = Counter()
    kind = kinds.of(timed(counter))
    assert (kind.calls_for(0.0), counter.calls) == (1, 1)


def test_the_suites_number_is_taken() -> None:
    """And nothing is called to find one."""
    counter = Counter()
    assert (kinds.of(timed(counter, number=13)).calls_for(1.0), counter.calls) == (13, 0)


@pytest.mark.parametrize(("repeat", "most"), [(0, None), (3, 3), ((1, 5, 2.0), 5)])
def test_the_suites_repeat_is_the_most(repeat: Any, most: int | None) -> None:
    """A number, 0 for automatic, or (fewest, most, seconds)."""
    assert kinds.of(timed(lambda: None, repeat=repeat)).most == most


def test_a_benchmark_is_called_twice_before_it_is_timed() -> None:
    """What happens only at first is over then."""
    counter = Counter()
    assert kinds.of(timed(counter)).warm_up() is not None
    assert counter.calls == 2


def test_no_warm_up_is_no_call() -> None:
    """The suite wants the first call timed."""
    counter = Counter()
    assert (kinds.of(timed(counter, warmup_time=0)).warm_up(), counter.calls) == (None, 0)


def test_a_benchmark_with_a_setup_has_it_before_each_call() -> None:
    """The first call uses the setup that was there."""
    log: list[str] = []
    kind = kinds.of(timed(lambda: log.append("call"), setup=lambda: log.append("setup")))
    kind.sample(3)
    assert log == ["setup", "call"] * 3


def test_the_suites_timer_decides() -> None:
    """Its difference is the wall time, and CPU time says nothing."""
    now = iter([5.0, 8.0])
    row = kinds.of(timed(lambda: None, timer=lambda: next(now))).sample(2)
    assert (row["items"], row["wall_s"], row["cpu_s"]) == (2, 3.0, None)


@pytest.mark.parametrize("stated", ["total = sum(range(10))", ("sum(data)", "\n    data = [1, 2]\n")])
def test_a_statement_has_an_interpreter_of_its_own(stated: Any) -> None:
    """With its setup, without the start of that interpreter."""
    row = kinds.of(timed(lambda: stated, TimerawBenchmark)).sample(5)
    assert row["items"] == 5
    assert 0 < row["wall_s"] < 1
    assert 0 < row["cpu_s"] < 1


def test_a_statement_may_print() -> None:
    """Its own lines are not taken for the clock's."""
    row = kinds.of(timed(lambda: "print(1, 2)", TimerawBenchmark)).sample(2)
    assert row["wall_s"] > 0


def test_items_are_counted_and_their_work_is_known() -> None:
    """The digest is of the first call, so that later ones need not be looked at."""
    done = types.SimpleNamespace(items=4, bytes=None, result=[1, 2])
    kind = kinds.of(timed(lambda: done, TimeItemBenchmark))
    row = kind.sample(1)
    assert (row["items"], kind.calls_for(1.0), kind.number) == (4.0, 1, 1)
    assert kind.work is not None


def test_items_that_are_none_are_an_error() -> None:
    """A benchmark that does not say what it did has no seconds an item."""
    with pytest.raises(TypeError, match="positive number of items"):
        kinds.of(timed(lambda: None, TimeItemBenchmark)).sample(1)


@pytest.mark.parametrize(
    ("returned", "value"), [(3, 3.0), ("4.5", 4.5), ({"samples": [1, 9, 2], "number": 1}, 2.0), (True, 1.0)]
)
def test_what_a_benchmark_returns_is_its_value(returned: Any, value: float) -> None:
    """A number, or the median of samples of a foreign type."""
    kind = kinds.of(timed(lambda: returned, TrackBenchmark))
    assert (kind.name, kind.sample(1)["value"]) == ("value", value)


def test_no_number_stays_none() -> None:
    """NaN says that the benchmark does not apply."""
    assert math.isnan(kinds.of(timed(lambda: math.nan, TrackBenchmark)).sample(1)["value"])
