import itertools
from collections import Counter
from typing import Any

import pytest

from machmeter.gate.plan import SAMPLES, SIDE_S, Plan, first_forked, order, processor


def told(**changes: Any) -> dict[str, Any]:
    plain = {"measures": "time", "number": 4, "most": None, "call_s": 1e-3, "sample_s": 1e-3}
    return plain | {"computes": True, "cores": 1.0, "delayed": 0.0} | changes


def planned(*, single_threaded: bool = True, **changes: Any) -> Plan:
    return Plan.of(told(**changes), told(**changes), single_threaded=single_threaded)


@pytest.mark.parametrize("index", range(8))
def test_every_four_samples_hold_both_sides_equally(index: int) -> None:
    """A drift within four samples costs both sides the same."""
    letters = order(index, 32)
    blocks = [letters[start : start + 4] for start in range(0, len(letters), 4)]
    assert [Counter(block) for block in blocks] == [Counter("AABB")] * 16


@pytest.mark.parametrize("samples", [1, 2, 4, 6, 10, 32])
def test_the_order_has_as_many_samples_of_each_side_as_were_asked_for(samples: int) -> None:
    """No side is sampled more often than the other."""
    assert Counter(order(5, samples)) == {"A": samples, "B": samples}


@pytest.mark.parametrize("samples", [1, 2, 8, 32])
def test_four_pairs_mirror_each_other(samples: int) -> None:
    """Each order occurs with either side forked first, and so does its mirror image."""
    taken = {(order(index, samples), first_forked(index)) for index in range(4)}
    mirrored = {(letters.translate(str.maketrans("AB", "BA")), first) for letters, first in taken}
    assert len(taken) == 4
    assert taken == mirrored


@pytest.mark.parametrize("count", [1, 2, 3, 16])
def test_every_processor_is_used_with_either_side_first(count: int) -> None:
    """No processor serves one fork order more than the other."""
    used = Counter((processor(index, range(count)), first_forked(index)) for index in range(8 * count))
    assert len(used) == 2 * count
    assert len(set(used.values())) == 1


@pytest.mark.parametrize("start", [0, 8, 40])
def test_eight_pairs_have_every_circumstance_once(start: int) -> None:
    """Either side first, either order, either of two processors: what one or two of them do cancels."""
    block = range(start, start + 8)
    assert len({(first_forked(each), order(each, 16), processor(each, range(2))) for each in block}) == 8


def test_hands_change_as_often_as_not() -> None:
    """Plain turns would give each side the pages of memory that it has just released."""
    firsts = [first_forked(number) for number in range(96)]
    changes = sum(one != other for one, other in itertools.pairwise(firsts))
    assert 40 <= changes <= 66
    assert firsts.count("base") == 48


def test_a_value_is_asked_for_once_a_process() -> None:
    """What a benchmark returns needs no rounds."""
    assert planned(measures="value", call_s=None) == Plan(1, 1, "value")


def test_short_calls_get_all_samples() -> None:
    """Samples of a millisecond leave room for all of them."""
    assert planned() == Plan(4, SAMPLES, "time", pinned=True)


def test_long_calls_get_fewer_samples_in_an_even_number() -> None:
    """The samples of a side take about the time that a side may take."""
    assert planned(sample_s=SIDE_S / 7.5).samples == 6


def test_very_long_calls_are_sampled_twice() -> None:
    """Fewer would leave the order unbalanced."""
    assert planned(sample_s=100.0).samples == 2


@pytest.mark.parametrize(("repeat", "samples"), [(1, 1), (2, 2), (3, 2), (7, 6), (1000, SAMPLES)])
def test_the_suites_own_repeat_is_the_most(repeat: int, samples: int) -> None:
    """A benchmark that may run only so often in a process does not run more often."""
    assert planned(most=repeat).samples == samples


def test_a_benchmark_that_is_not_warmed_up_is_sampled_once() -> None:
    """A second sample would not be the first call any more."""
    assert planned(call_s=None, number=0) == Plan(1, 1)


def test_what_computes_on_several_cores_is_judged_by_wall_time_and_not_bound() -> None:
    """On one processor a head that keeps fewer cores busy would look as fast as its base."""
    plan = Plan.of(told(cores=1.9), told(cores=1.0), single_threaded=True)
    assert (plan.parallel, plan.pinned) == (True, False)


def test_a_busy_node_cannot_judge_by_wall_time() -> None:
    """There CPU time on one processor is what can be known of a benchmark with several processes."""
    plan = Plan.of(told(cores=1.9, delayed=0.3), told(cores=1.9), single_threaded=True)
    assert (plan.parallel, plan.pinned) == (False, True)


@pytest.mark.parametrize("changes", [{"computes": False}, {"single_threaded": False}])
def test_what_waits_or_has_numerical_threads_is_not_bound(changes: dict[str, Any]) -> None:
    """Spinning threads on one processor would wait for each other."""
    assert not planned(**changes).pinned
