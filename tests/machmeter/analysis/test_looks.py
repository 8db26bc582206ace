from math import log1p

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import wilcoxon

from machmeter.analysis.looks import LOOKS, equivalent, next_look, sequential_p_value


def rejected_by_some_look(values: NDArray[np.float64], alpha: float) -> bool:
    """Spend a twentieth of alpha at each look from 12 pairs on, each with scipy's test."""
    looks = [look for look in LOOKS if 12 <= look <= values.size]
    return any(wilcoxon(values[:look], method="exact").pvalue <= alpha / 20 for look in looks)


@pytest.mark.parametrize("effect", [0.0, 0.3, 0.6, 1.0])
def test_the_sequential_p_value_is_the_smallest_alpha_that_rejects(effect: float) -> None:
    """Bisecting alpha over the looks with scipy's exact test ends at the sequential p-value."""
    values = np.random.default_rng(11).normal(effect, 1.0, size=50)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if rejected_by_some_look(values, middle) else (middle, high)
    assert high == pytest.approx(sequential_p_value(values, None), rel=1e-9)


def test_more_looks_never_take_evidence_back() -> None:
    """What was once enough stays enough, whatever the later pairs say."""
    values = np.concatenate([np.full(24, 1.0) + np.arange(24) / 100, np.full(40, -1.0) - np.arange(40) / 100])
    assert sequential_p_value(values, None) <= sequential_p_value(values[:24], None) < 1e-5


def test_pairs_between_looks_wait_for_the_next_one() -> None:
    """From 24 to 27 pairs nothing new is concluded, at 28 it is."""
    values = np.random.default_rng(12).normal(1.0, 0.5, size=28)
    assert sequential_p_value(values[:27], None) == sequential_p_value(values[:24], None)
    assert sequential_p_value(values, None) != sequential_p_value(values[:24], None)


def test_sides_may_be_swapped() -> None:
    """Head against base proves as much as base against head."""
    values = np.random.default_rng(13).normal(0.4, 1.0, size=40)
    assert sequential_p_value(values, None) == sequential_p_value(-values, None)


@pytest.mark.parametrize("noise", ["normal", "heavy"])
def test_nulls_cross_no_more_often_than_alpha(noise: str) -> None:
    """Looked at up to 96 pairs without ever stopping, 10% is reached in at most 10%, and not never."""
    rng = np.random.default_rng(14)
    shape = (1500, 96)
    drawn = rng.normal(size=shape) if noise == "normal" else rng.standard_t(2, size=shape)
    crossed = sum(sequential_p_value(row, None) <= 0.1 for row in drawn)
    assert 0.01 * 1500 < crossed <= 0.1 * 1500


def test_generations_keep_the_size_under_a_shared_offset() -> None:
    """An offset that four pairs share is rejected at 5% in less than 5%, but would not be if unknown."""
    rng = np.random.default_rng(15)
    groups = np.arange(96) // 4
    drawn = rng.normal(size=(800, 96)) + rng.normal(size=(800, 24))[:, groups] * 0.6
    aware = sum(sequential_p_value(row, groups) <= 0.05 for row in drawn)
    unaware = sum(sequential_p_value(row, None) <= 0.05 for row in drawn)
    assert aware <= 0.05 * 800 < 0.08 * 800 < unaware


@pytest.mark.parametrize(
    ("centre", "deviation", "expected"),
    [(0.0, 0.002, True), (0.009, 0.002, False), (-0.009, 0.002, False), (0.0, 0.02, False)],
)
def test_two_one_sided_tests_prove_equivalence(centre: float, deviation: float, expected: bool) -> None:  # noqa: FBT001
    """Equivalent is what scipy's one-sided tests place below the threshold and above its inverse."""
    values = np.random.default_rng(16).normal(centre, deviation, size=24)
    slower = wilcoxon(values - log1p(0.01), alternative="less", method="exact").pvalue
    faster = wilcoxon(values + log1p(0.01), alternative="greater", method="exact").pvalue
    assert (max(slower, faster) <= 0.004) == expected
    assert equivalent(values, None, 0.01) == expected


def test_equivalence_uses_whole_looks() -> None:
    """Pairs after the last look do not change what it said, and before the first nothing is said."""
    values = np.array([0.001, -0.001] * 4 + [0.5, 0.5, 0.5])
    assert equivalent(values, None, 0.01)
    assert not equivalent(values[:7], None, 0.01)


@pytest.mark.parametrize(("pairs", "expected"), [(0, 8), (8, 12), (47, 48), (1535, 1536), (1536, None)])
def test_the_next_look_lies_ahead(pairs: int, expected: int | None) -> None:
    """The next look is the first one with more pairs."""
    assert expected == next_look(pairs)


def test_looks_are_balanced() -> None:
    """Each look has a multiple of four pairs, so that order and generations are balanced."""
    assert all(look % 4 == 0 for look in LOOKS)
