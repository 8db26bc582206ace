"""Shares of call paths at two commits, against a slow oracle and against chance."""

import numpy as np
import pytest
from profiles_of import drawn, profile

from machmeter.profiling.shares import Scale, table

EQUAL = Scale(base_s=0.01, ratio=1.0, error=0.0)


def leaves(stack: tuple[str, ...]) -> tuple[str, ...]:
    return stack[-1:]


def test_the_shares_and_their_error_are_those_of_a_slow_oracle() -> None:
    """Pooled shares; the jackknife leaves out one process after the other."""
    base = [profile({("main", "a"): 30, ("main", "b"): 70}), profile({("main", "a"): 5, ("main", "b"): 45})]
    head = [profile({("main", "a"): 50, ("main", "b"): 50}), profile({("main", "a"): 10, ("main", "b"): 90})]
    found = table(base, head, Scale(0.01, 2.0, 0.1), leaves)
    place = found.keys.index("a")
    assert found.base[place] == pytest.approx(35 / 150)
    assert found.head[place] == pytest.approx(2 * 60 / 200)

    def variance(counts: list[float], totals: list[float]) -> float:
        smoothed = (sum(counts) + 0.5) / (sum(totals) + 1)
        binomial = smoothed * (1 - smoothed) / sum(totals)
        without = [
            (sum(counts) - count) / (sum(totals) - total) for count, total in zip(counts, totals, strict=True)
        ]
        mean = sum(without) / len(without)
        jackknife = (len(without) - 1) / len(without) * sum((each - mean) ** 2 for each in without)
        return max(binomial, jackknife)

    expected = variance([30, 5], [100, 50]) + 4 * variance([50, 10], [100, 100]) + (0.3 * 0.1) ** 2
    assert found.error[place] ** 2 == pytest.approx(expected)


def test_changes_add_up_to_the_whole() -> None:
    """Whatever one function gains, with all others it is the ratio less one."""
    base, head = drawn({"pkg.a:f": 1, "pkg.a:g": 3}, seed=1), drawn({"pkg.a:f": 2, "pkg.a:g": 3}, seed=2)
    found = table(base, head, Scale(0.01, 1.25, 0.0), leaves)
    assert sum(change.delta_s for change in found.changes.values()) == pytest.approx(0.0025)


def test_equal_commits_are_rarely_called_different() -> None:
    """The false discovery rate holds."""
    costs = {f"pkg.a:f{number}": 1.0 for number in range(20)}
    wrong = 0
    for seed in range(200):
        found = table(drawn(costs, seed=seed), drawn(costs, seed=10_000 + seed), EQUAL, leaves)
        wrong += any(change.significant for change in found.changes.values())
    assert wrong / 200 <= 0.06


def test_intervals_hold_the_truth() -> None:
    """In 95 of 100 cases, a little more since the larger of two variances counts."""
    before, after = {"pkg.a:f": 0.2, "pkg.a:g": 0.8}, {"pkg.a:f": 0.3, "pkg.a:g": 0.8}
    held = 0
    for seed in range(300):
        found = table(drawn(before, seed=seed), drawn(after, seed=9_000 + seed), Scale(1.0, 1.1, 0.0), leaves)
        change = found.changes["pkg.a:f"]
        held += change.low_s <= 0.1 <= change.high_s
    assert 0.93 <= held / 300 <= 0.99


def test_a_path_of_few_stacks_is_not_judged() -> None:
    """Five stacks in one side and none in the other are no evidence."""
    base = [profile({("main", "a"): 1000}) for _ in range(4)]
    head = [profile({("main", "a"): 1000, ("main", "b"): 1}) for _ in range(4)]
    assert table(base, head, EQUAL, leaves).changes["b"].p_value == 1.0


def test_one_profile_a_side_is_enough_for_an_estimate() -> None:
    """With the error of counting alone."""
    found = table([profile({("main", "a"): 10})], [profile({("main", "a"): 10})], EQUAL, leaves)
    assert np.isfinite(found.error).all()
