from math import inf, sqrt

import numpy as np
import pytest

from machmeter.analysis.generations import inflation


def by_hand(values: list[float], generations: list[int]) -> float:
    """Rosner's ratio of variances, pair by pair, for values without ties."""
    centre = sorted(values)[len(values) // 2]
    distances = sorted(abs(value - centre) for value in values)
    signed = [
        (1 if v > centre else -1 if v < centre else 0) * (distances.index(abs(v - centre)) + 1)
        for v in values
    ]
    names = sorted(set(generations))
    sums = [sum(s for s, g in zip(signed, generations, strict=True) if g == name) for name in names]
    ratio = sum(total**2 for total in sums) / sum(s**2 for s in signed)
    return ratio * len(names) / (len(names) - 1)


def test_pairs_of_their_own_cost_nothing() -> None:
    """Without generations, and with one a pair, nothing is inflated."""
    values = np.random.default_rng(1).normal(size=12)
    assert inflation(values, None) == 1.0
    assert inflation(values, np.arange(12)) == 1.0


def test_one_generation_tells_nothing() -> None:
    """What all pairs share cannot be told from an effect."""
    assert inflation(np.array([0.1, 0.2, 0.3]), np.zeros(3, dtype=int)) == inf


def test_a_shared_offset_is_seen() -> None:
    """Signed ranks that go together within generations inflate as a count by hand says."""
    values = [0.11, 0.12, 0.14, -0.21, -0.22, -0.23, 0.37, 0.38, 0.39, -0.515, -0.52, -0.53, 0.05]
    generations = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4]
    expected = sqrt(by_hand(values, generations))
    assert expected > 1.3
    assert inflation(np.array(values), np.array(generations)) == pytest.approx(expected)


@pytest.mark.parametrize("length", [2, 3, 4])
def test_independent_pairs_of_a_generation_keep_the_least_correlation(length: int) -> None:
    """Where generations show no correlation, the design effect of 0.08 remains."""
    row = np.linspace(0.1, 1.0, 12)
    values = np.where(np.arange(12) % 2 == 0, row, -row)
    expected = sqrt(1 + (length - 1) * 0.08)
    assert inflation(values, np.arange(12) // length) == pytest.approx(expected, rel=0.35)
    assert inflation(values, np.arange(12) // length) >= expected


def test_names_of_generations_do_not_matter() -> None:
    """Renumbered generations are the same generations."""
    values, names = np.random.default_rng(3).normal(size=12), np.arange(12) // 3
    assert inflation(values, names) == inflation(values, 90 - 7 * names)


def test_identical_pairs_have_no_correlation_to_show() -> None:
    """Pairs without any spread keep the least correlation."""
    assert inflation(np.full(8, 0.1), np.arange(8) // 2) == pytest.approx(sqrt(1.08))
