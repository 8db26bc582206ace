import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machmeter_workloads.errors import WorkloadError
from machmeter_workloads.loaders.planner.choice import (
    Candidate,
    choose,
    decide,
    predict,
    ring_slots,
    thread_counts,
)
from machmeter_workloads.loaders.planner.race import contenders
from machmeter_workloads.loaders.planner.rates import NodeRates, StrategyRates

MB = 1e6
MS = 1e-3


def strategy(name: str, megabytes: float, milliseconds: float, **changes: object) -> StrategyRates:
    """A strategy that reads files of its own name's format, all of them cold, and scales well."""
    rates = StrategyRates(
        name,
        f"format of {name}",
        made=True,
        file_bytes=megabytes * MB,
        cold_share=1.0,
        alone_cpu_s=milliseconds * MS,
        together_cpu_s=milliseconds * MS,
    )
    return replace(rates, **changes)  # type: ignore[arg-type]


# The measured prototypes: 240 x 320 x 100 cubes.
BLOSC = strategy("threads_blosc", 18, 12.7)
LZ4 = strategy("threads_lz4", 9, 5.7)
MAPPED = strategy("mapped", 15.4, 1.4)
NODE = NodeRates(cpus=2, strategies=(BLOSC, LZ4, MAPPED))


def with_storage(megabytes_per_s: float, **changes: object) -> NodeRates:
    rate = megabytes_per_s * MB
    node = replace(NODE, storage_bytes_per_s=rate, reader_bytes_per_s=rate)
    return replace(node, **changes)  # type: ignore[arg-type]


def test_a_slow_storage_asks_for_the_smallest_file() -> None:
    """At 200 MB/s nothing counts but bytes."""
    plan = choose(with_storage(200), batch_size=4)
    assert (plan.chosen.strategy, plan.chosen.bound) == ("threads_lz4", "storage")
    assert plan.chosen.predicted_s == pytest.approx(45 * MS)


def test_a_storage_without_limit_asks_for_no_decoding() -> None:
    """With all files in memory, what has nothing to decompress wins, on all CPUs."""
    plan = choose(NODE, batch_size=4)
    assert (plan.chosen.strategy, plan.chosen.threads, plan.chosen.bound) == ("mapped", 2, "decoding")
    assert plan.chosen.predicted_s == pytest.approx(0.7 * MS)


def test_files_in_the_page_cache_do_not_wait_for_the_storage() -> None:
    """The smaller format is cold, the larger one is warm, and the storage slow."""
    warm = replace(MAPPED, cold_share=0)
    plan = choose(with_storage(200, strategies=(LZ4, warm)), batch_size=4)
    assert plan.chosen.strategy == "mapped"


def test_no_more_threads_than_the_storage_can_feed() -> None:
    """More threads that wait for the storage would only take CPUs from the training."""
    plan = choose(with_storage(100, cpus=16), batch_size=4)
    assert plan.chosen.threads < 4


def test_one_cpu_gets_one_thread() -> None:
    """Nothing is divided by the CPUs beyond the first, of which there are none."""
    plan = choose(replace(NODE, cpus=1), batch_size=4)
    assert plan.chosen.threads == 1
    assert plan.chosen.predicted_s == pytest.approx(1.4 * MS)
    assert {each.threads for each in plan.candidates} == {1}


def test_threads_that_share_the_memory_cost_more() -> None:
    """What a cube costs grows evenly from one thread to all of them."""
    shared = replace(MAPPED, alone_cpu_s=1 * MS, together_cpu_s=4 * MS)
    node = replace(NODE, cpus=4, strategies=(shared,))
    costs = [predict(node, shared, threads) for threads in (1, 2, 4)]
    assert [each.cpu_s for each in costs] == pytest.approx([1 * MS, 2 * MS, 4 * MS])
    assert [each.predicted_s for each in costs] == pytest.approx([1 * MS, 1 * MS, 1 * MS])
    assert choose(node, batch_size=4).chosen.threads == 1


def test_one_thread_reads_and_decodes_in_turns() -> None:
    """Its two times add up; two threads overlap them."""
    node = with_storage(2000)
    one, two = predict(node, LZ4, 1), predict(node, LZ4, 2)
    assert one.predicted_s == pytest.approx(4.5 * MS + 5.7 * MS)
    assert one.bound == "reading and decoding in turns"
    assert two.predicted_s == pytest.approx(5.1 * MS)


def test_a_single_reader_may_be_slower_than_the_storage() -> None:
    """A network storage gives a thread a sixteenth of what it gives to all: every CPU gets one."""
    node = with_storage(4000, cpus=8, reader_bytes_per_s=250 * MB, strategies=(MAPPED,))
    plan = choose(node, batch_size=4)
    assert plan.chosen.threads == 8
    assert plan.chosen.bound == "reading and decoding in turns"


def test_a_format_that_was_not_made_is_not_chosen_but_named() -> None:
    """The plan says what a conversion would bring."""
    node = replace(NODE, strategies=(BLOSC, LZ4, replace(MAPPED, made=False)))
    plan = choose(node, batch_size=4)
    assert plan.chosen.strategy == "threads_lz4"
    assert (
        "The format format of mapped is not made; with it, mapped on 2 threads would take 0.7 ms"
        in plan.why()
    )


def test_nothing_made_is_said() -> None:
    """A data set that does not exist has no best strategy."""
    node = replace(NODE, strategies=(replace(LZ4, made=False),))
    with pytest.raises(WorkloadError, match=r"nothing to choose from.*make_cube_set"):
        choose(node, batch_size=4)


def test_the_reason_is_one_sentence_with_the_numbers() -> None:
    """What was chosen, what the storage gives, what limits it, and what comes next."""
    assert choose(with_storage(1000), batch_size=4).why() == (
        "threads_lz4 on 2 threads: the storage gives 1000 MB/s, a cube takes 9.0 ms, limited by storage; "
        "mapped on 2 threads would take 15.4 ms (storage)."
    )


def test_a_measurement_overrules_the_prediction() -> None:
    """The race has the last word, and only those who took part in it can win."""
    plan = choose(NODE, batch_size=4)
    measured = {("mapped", 2): 9 * MS, ("threads_lz4", 2): 3 * MS}
    candidates = [
        replace(each, measured_s=measured.get((each.strategy, each.threads))) for each in plan.candidates
    ]
    raced = decide(NODE, candidates, batch_size=4)
    assert (raced.chosen.strategy, raced.chosen.measured_s) == ("threads_lz4", 3 * MS)
    assert raced.candidates[0] is raced.chosen


def test_of_equals_the_one_that_takes_less_of_the_cpus_is_chosen() -> None:
    """Whatever is nearly as quick leaves more to the training."""
    hungry = Candidate("a", "a", 1, True, 1.00 * MS, "decoding", cpu_s=4 * MS)  # noqa: FBT003
    frugal = Candidate("b", "b", 2, True, 1.01 * MS, "decoding", cpu_s=1 * MS)  # noqa: FBT003
    assert decide(NODE, [hungry, frugal], batch_size=4).chosen is frugal


def test_only_those_race_that_may_win() -> None:
    """Each strategy with its best number of threads; nobody races alone, nor far behind."""
    near = replace(LZ4, strategy="near", cold_share=0, alone_cpu_s=1.5 * MS, together_cpu_s=1.6 * MS)
    missing = replace(near, strategy="missing", made=False)
    node = replace(NODE, strategies=(BLOSC, MAPPED, near, missing))
    assert [str(each) for each in contenders(choose(node, 4))] == ["mapped on 2 threads", "near on 2 threads"]
    assert contenders(choose(replace(NODE, strategies=(BLOSC, MAPPED)), 4)) == []


@pytest.mark.parametrize(
    ("cpus", "expected"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (16, [1, 2, 4, 8, 16])]
)
def test_the_numbers_of_threads_end_with_the_usable_cpus(cpus: int, expected: list[int]) -> None:
    """Powers of two, and all."""
    assert thread_counts(cpus) == expected


@pytest.mark.parametrize(("threads", "batch_size", "expected"), [(1, 1, 3), (2, 4, 3), (16, 6, 5)])
def test_the_ring_is_no_larger_than_the_threads_can_use(threads: int, batch_size: int, expected: int) -> None:
    """The batches that they fill at a time, one that is filled, and one that is lent."""
    assert ring_slots(threads, batch_size) == expected


@given(
    storage=st.floats(1 * MB, 1e11),
    cpus=st.integers(1, 64),
    costs=st.lists(
        st.tuples(st.floats(0.1, 100), st.floats(0.1, 100), st.floats(0, 1)), min_size=1, max_size=6
    ),
)
def test_nothing_beats_the_choice(storage: float, cpus: int, costs: list[tuple[float, float, float]]) -> None:
    """No candidate is predicted to be quicker by more than a tie, or than any limit allows."""
    strategies = tuple(
        replace(strategy(str(number), size, cost), cold_share=cold)
        for number, (size, cost, cold) in enumerate(costs)
    )
    node = NodeRates(cpus, strategies, storage_bytes_per_s=storage, reader_bytes_per_s=storage)
    plan = choose(node, batch_size=2)
    assert plan.chosen.predicted_s <= 1.021 * min(each.predicted_s for each in plan.candidates)
    for each in plan.candidates:
        rates = strategies[int(each.strategy)]
        assert each.predicted_s >= rates.cold_share * rates.file_bytes / storage * (1 - 1e-9)
        assert each.predicted_s >= rates.alone_cpu_s / cpus * (1 - 1e-9)
        assert math.isfinite(each.predicted_s)
