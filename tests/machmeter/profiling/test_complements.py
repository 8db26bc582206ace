"""Differences of memory and of torch's operators: certain ones, noisy ones, and none."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from machmeter.profiling.complements import MEMORY, TORCH, Complement, Row, Sheet, memory_sheet, subtract

FILL = ("main", "bench:time_work", "toy:fill")
KEEP = ("main", "bench:time_work", "toy:keep")


def sheet(**sizes: int) -> Sheet:
    """Bytes by function; each took one allocation."""
    return {("path", ("main", name)): (float(size), 1.0) for name, size in sizes.items()}


def operators(random: np.random.Generator, costs: Mapping[str, float], noise: float) -> Sheet:
    """One process: its own speed, and noise of each operator."""
    speed = float(np.exp(random.normal(0, noise)))
    return {
        ("operator", (name,)): (1.0, cost * speed * float(np.exp(random.normal(0, noise))), 0.0)
        for name, cost in costs.items()
    }


def drawn(base: Mapping[str, float], head: Mapping[str, float], seed: int, noise: float = 0.05) -> Complement:
    """Three processes a side."""
    random = np.random.default_rng(seed)
    return subtract(
        TORCH,
        [operators(random, base, noise) for _ in range(3)],
        [operators(random, head, noise) for _ in range(3)],
    )


def statuses(found: Complement) -> dict[str, str]:
    return {row.name[-1]: row.status for row in found.rows}


def only(rows: Sequence[Row]) -> Row:
    (row,) = rows
    return row


def test_what_never_varies_differs_for_certain() -> None:
    """Bytes of a deterministic benchmark are facts, with a spread of none."""
    found = subtract(MEMORY, [sheet(fill=1000, keep=500)] * 3, [sheet(fill=1100, keep=500)] * 3)
    assert statuses(found) == {"fill": "changed", "keep": ""}
    assert (found.rows[0].amounts["bytes"].delta, found.rows[0].amounts["bytes"].spread) == (100.0, 0.0)


def test_added_and_removed_are_told_apart() -> None:
    """A path that only one side has, in each of its processes."""
    found = subtract(MEMORY, [sheet(keep=500, old=10)] * 3, [sheet(keep=500, new=20)] * 3)
    assert statuses(found) == {"new": "added", "old": "removed", "keep": ""}


def test_what_some_processes_have_is_not_added() -> None:
    """Two of three processes at the head and none at the base are no evidence."""
    heads = [sheet(keep=500, new=200), sheet(keep=500, new=200), sheet(keep=500)]
    assert statuses(subtract(MEMORY, [sheet(keep=500)] * 3, heads))["new"] == ""


def test_a_difference_within_the_spread_is_none() -> None:
    """The medians differ, but so do the processes of one commit."""
    bases = [sheet(fill=size) for size in (1000, 1300, 1310)]
    heads = [sheet(fill=size) for size in (1320, 1330, 1600)]
    found = subtract(MEMORY, bases, heads)
    assert statuses(found) == {"fill": ""}
    assert found.rows[0].amounts["bytes"].spread == 310.0


def test_a_trifle_is_no_change() -> None:
    """Less than a thousandth of the whole, however exactly it is known."""
    found = subtract(MEMORY, [sheet(fill=100_000, name=10)] * 3, [sheet(fill=100_000, name=60)] * 3)
    assert statuses(found) == {"fill": "", "name": ""}


def test_more_allocations_of_the_same_bytes_are_no_change() -> None:
    """The peak is what counts; their number is shown."""
    key = "path", FILL
    found = subtract(MEMORY, [{key: (1000.0, 1.0)}] * 3, [{key: (1000.0, 5.0)}] * 3)
    assert only(found.rows).status == ""
    assert only(found.rows).amounts["allocations"].after == 5.0


def test_an_operator_that_is_called_once_more_changed() -> None:
    """Its time may stay within the noise."""
    key = "operator", ("aten::add",)
    bases: list[Sheet] = [{key: (1.0, cost, 0.0)} for cost in (1.0, 1.2, 1.4)]
    heads: list[Sheet] = [{key: (2.0, cost, 0.0)} for cost in (1.1, 1.3, 1.5)]
    row = only(subtract(TORCH, bases, heads).rows)
    assert row.status == "changed"
    assert (row.amounts["calls"].changed, row.amounts["cpu_s"].changed) == (True, False)


def test_equal_commits_are_rarely_called_different() -> None:
    """Over all rows of a benchmark, in processes of different speed: in 5% of benchmarks, plus chance."""
    costs = {f"aten::op{number}": 1.0 + number for number in range(40)}
    wrong = sum(any(row.status for row in drawn(costs, costs, seed).rows) for seed in range(300))
    assert wrong / 300 <= 0.08


def test_an_operator_of_twice_the_time_is_found() -> None:
    """Among forty, with noise of 3% between processes and operators."""
    base = {f"aten::op{number}": 1.0 for number in range(40)}
    head = base | {"aten::op7": 2.0}
    first = [drawn(base, head, seed, noise=0.03).rows[0] for seed in range(100)]
    right = sum((row.name, row.status) == (("aten::op7",), "changed") for row in first)
    assert right >= 90


def test_libraries_count_for_the_function_that_called_them() -> None:
    """Frames outside the project are left out, and their bytes added to the path."""
    rows = [
        ([*FILL, "numpy:zeros"], 100, 1),
        ([*FILL, "numpy:ones", "numpy:empty"], 50, 2),
        (list(KEEP), 7, 1),
        (["thread", "threading:Thread.run"], 3, 1),
    ]
    assert memory_sheet(rows, {"bench", "toy"}) == {
        ("path", FILL): (150.0, 3.0),
        ("path", KEEP): (7.0, 1.0),
        ("path", ("thread",)): (3.0, 1.0),
    }


def test_the_gpus_time_is_that_of_its_kernels() -> None:
    """An operator's own time on the device is its kernels' once more."""
    one: Sheet = {("operator", ("aten::mm",)): (1.0, 2.0, 5.0), ("kernel", ("gemm",)): (1.0, 0.0, 5.0)}
    totals = subtract(TORCH, [one] * 2, [one] * 2).totals
    assert (totals["cpu_s"].after, totals["device_s"].after) == (2.0, 5.0)


def test_the_largest_change_comes_first() -> None:
    """By its share of all bytes; what did not change is last."""
    found = subtract(
        MEMORY,
        [sheet(a=1000, b=1000, c=9000)] * 2,
        [sheet(a=1100, b=1500, c=9000)] * 2,
    )
    assert [row.name[-1] for row in found.rows] == ["b", "a", "c"]


def test_one_process_tells_no_spread() -> None:
    """Rather refused than guessed."""
    with pytest.raises(ValueError, match="2 processes a side"):
        subtract(MEMORY, [sheet(a=1)], [sheet(a=2)] * 3)


def test_nothing_differs_from_nothing() -> None:
    """A benchmark without a single operator has no rows."""
    found = subtract(TORCH, [{}] * 3, [{}] * 3)
    assert found.rows == ()
    assert found.totals["cpu_s"].delta == 0.0
