import math
from typing import Any

import pytest

from machmeter.gate.pair import _contended, _log_ratio, cost
from machmeter.model import RUN_DELAY_BOUND
from machmeter.pairs import Cost

Row = dict[str, Any]
ENDED = {"peak_rss_bytes": 9, "work": "digest"}


def row(wall_s: float = 2.0, **changes: Any) -> Row:
    """A sample of two calls that computed all the time."""
    return {"items": 2, "wall_s": wall_s, "cpu_s": wall_s, "run_delay_s": 0.0, "gpu_s": None} | changes


def value(number: float) -> Row:
    return {"items": 1, "value": number}


def ratio(base: list[Row], head: list[Row], clock: str) -> float | None:
    return _log_ratio({"base": base, "head": head}, clock)


def test_a_cost_is_that_of_a_call() -> None:
    """The median over the samples, by each clock that says something."""
    found = cost([row(2.0), row(4.0), row(30.0)], ENDED)
    assert (found.wall_s, found.cpu_s, found.gpu_s) == (2.0, 2.0, None)
    assert (found.samples, found.items, found.peak_rss_bytes, found.work) == (3, 2, 9, "digest")


def test_waiting_is_neither_computing_nor_waiting_for_a_core() -> None:
    """Half a second of four is a sleep, another half second belongs to others on the node."""
    found = cost([row(4.0, cpu_s=3.0, run_delay_s=0.5)], ENDED)
    assert (found.waited, found.delayed) == (0.125, 0.125)


def test_several_threads_wait_for_nothing() -> None:
    """More CPU time than wall time is no negative waiting."""
    assert cost([row(1.0, cpu_s=4.0)], ENDED).waited == 0


def test_a_timer_that_stands_still_costs_nothing() -> None:
    """A suite's own timer may say so, and nothing is divided by it."""
    assert cost([row(0.0, cpu_s=None, run_delay_s=None)], ENDED) == Cost(
        wall_s=0.0, samples=1, items=2, peak_rss_bytes=9, work="digest"
    )


def test_a_value_is_the_median_of_what_was_returned() -> None:
    """It has no seconds."""
    assert cost([value(3.0)], ENDED) == Cost(value=3.0, samples=1, peak_rss_bytes=9, work="digest")


def test_a_ratio_is_that_of_neighbouring_samples() -> None:
    """A machine that is three times slower for a while is so for both neighbours."""
    base, head = [row(1.0), row(3.0), row(1.0)], [row(2.0), row(6.0), row(2.0)]
    assert ratio(base, head, "cpu_s") == pytest.approx(math.log(2))


def test_a_ratio_is_one_of_calls_not_of_samples() -> None:
    """Items may differ from side to side."""
    assert ratio([row(2.0)], [row(2.0, items=4)], "wall_s") == pytest.approx(-math.log(2))


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        (2.0, 4.0, math.log(2)),
        (-2.0, -4.0, -math.log(2)),
        (0.0, 0.0, 0.0),
        (0.0, 5.0, None),
        (5.0, 0.0, None),
        (1.0, -1.0, None),
        (math.inf, math.inf, 0.0),
        (1.0, math.inf, None),
        (math.inf, 1.0, None),
        (1e-200, 1e200, None),
        (1e200, 1e-200, None),
    ],
)
def test_values_have_a_ratio_or_none(base: float, head: float, expected: float | None) -> None:
    """The same number twice is no change, whatever it is; nothing else is made up."""
    found = ratio([value(base)], [value(head)], "value")
    assert found == (expected if expected is None else pytest.approx(expected))


def test_a_clock_that_one_sample_lacks_says_nothing() -> None:
    """Half a GPU time is none."""
    assert ratio([row(), row()], [row(), row(cpu_s=None)], "cpu_s") is None


def test_no_gpu_is_no_ratio() -> None:
    """Nothing twice is not the same number twice."""
    assert ratio([row()], [row()], "gpu_s") is None


@pytest.mark.parametrize(("share", "contended"), [(0.5, False), (2.0, True)])
def test_waiting_for_a_core_is_contention(share: float, contended: bool) -> None:  # noqa: FBT001 - what is expected
    """Beyond the bound that holds for samples everywhere."""
    assert _contended([row(4.0, run_delay_s=4.0 * share * RUN_DELAY_BOUND)]) is contended


def test_stolen_time_is_contention() -> None:
    """Another machine had the processor."""
    assert _contended([row(4.0, pressure={"steal_s": 3.0})])


def test_a_value_is_never_contended() -> None:
    """It does not depend on time."""
    assert not _contended([value(1.0)])
