from itertools import pairwise
from math import exp, log, log1p

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from machmeter.analysis.comparison import LOOKS, Evidence, expected_pairs, judge, weigh


def decide(values: NDArray[np.float64], threshold: float = 0.01) -> tuple[str, Evidence]:
    """Look until the rule decides, at alpha 1%."""
    for look in (look for look in LOOKS if look <= values.size):
        evidence = weigh(values[:look], threshold=threshold)
        decision = judge(evidence, discovered=evidence.p_value <= 0.01, threshold=threshold)
        if decision != "undecided":
            break
    return decision, evidence


def pairs_of(runs: int, count: int, seed: int) -> NDArray[np.float64]:
    """Draw null pairs with 0.8% deviation, one in 33 of them off by up to 30%."""
    rng = np.random.default_rng(seed)
    hit = rng.random((runs, count)) < 0.03
    return rng.normal(0, 0.008, (runs, count)) + hit * rng.uniform(-0.3, 0.3, (runs, count))


def test_nulls_raise_no_alarm_and_are_decided_early() -> None:
    """Of 600 nulls within 40 pairs, at most 1% are called changed and 5% undecided, after some 18 pairs."""
    ended = [decide(row) for row in pairs_of(600, 40, seed=21)]
    decisions = [decision for decision, _ in ended]
    assert decisions.count("slower") + decisions.count("faster") <= 6
    assert decisions.count("undecided") <= 30
    assert np.mean([evidence.pairs for _, evidence in ended]) < 19


@pytest.mark.parametrize(
    ("threshold", "limit", "runs"), [(0.01, 40, 300), (0.005, 96, 120), (0.002, 600, 20)]
)
def test_a_slowdown_of_the_threshold_is_found(threshold: float, limit: int, runs: int) -> None:
    """Within the limit of pairs, 95% of slowdowns by the threshold are found, as slower, outliers or not."""
    ended = [decide(row + log1p(threshold), threshold)[0] for row in pairs_of(runs, limit, seed=22)]
    assert ended.count("slower") >= 0.93 * runs
    assert ended.count("faster") == 0


@pytest.mark.parametrize("effect", [0.0, 0.005, 0.01, 0.05])
def test_the_interval_at_the_stop_holds_the_truth(effect: float) -> None:
    """Over 500 sequences, the 95% interval at the stop holds the true ratio in about 95%."""
    ended = [decide(row + log1p(effect))[1] for row in pairs_of(500, 96, seed=23)]
    covered = sum(evidence.low <= 1 + effect <= evidence.high for evidence in ended) / 500
    assert 0.92 < covered < 0.985


@given(st.lists(st.floats(-0.3, 0.3), min_size=1, max_size=40))
def test_swapping_the_sides_turns_the_ratio_round(values: list[float]) -> None:
    """Base over head has the inverse ratio and interval, and the same certainty."""
    there, back = weigh(np.array(values), threshold=0.01), weigh(-np.array(values), threshold=0.01)
    assert (1 / back.ratio, 1 / back.high, 1 / back.low) == pytest.approx(
        (there.ratio, there.low, there.high)
    )
    assert (back.p_value, back.equivalent) == (there.p_value, there.equivalent)
    assert back.spread == pytest.approx(there.spread, abs=1e-9)


@given(st.lists(st.floats(-0.3, 0.3), min_size=1, max_size=40))
def test_evidence_is_consistent(values: list[float]) -> None:
    """The ratio lies in its interval, the interval in the range of the pairs, the p-value in 0 to 1."""
    evidence = weigh(np.array(values), threshold=0.01)
    ends = [exp(min(values)), evidence.low, evidence.ratio, evidence.high, exp(max(values))]
    assert all(below <= above * (1 + 1e-12) for below, above in pairwise(ends))
    assert 0 <= evidence.p_value <= 1


def test_outliers_do_not_move_the_ratio() -> None:
    """Two of 24 pairs that are off by 30% leave the ratio within 0.3%."""
    values = np.random.default_rng(24).normal(0.01, 0.005, size=24)
    spoiled = values.copy()
    spoiled[[3, 17]] += 0.3
    assert weigh(spoiled, threshold=0.01).ratio == pytest.approx(
        weigh(values, threshold=0.01).ratio, abs=0.003
    )


@pytest.mark.parametrize(
    ("value", "decision"), [(0.0, "unchanged"), (0.005, "unchanged"), (0.05, "slower"), (-0.05, "faster")]
)
def test_a_deterministic_metric_is_decided_at_the_first_look(value: float, decision: str) -> None:
    """Eight identical ratios are certain, seven are not yet looked at."""
    few, enough = np.full(LOOKS[0] - 1, value), np.full(LOOKS[0], value)
    assert decide(enough)[0] == decision
    assert weigh(few, threshold=0.01).p_value == 1.0
    assert not weigh(few, threshold=0.01).equivalent
    assert weigh(enough, threshold=0.01).low == weigh(enough, threshold=0.01).high == exp(value)


def test_a_deterministic_change_of_exactly_the_threshold_is_found() -> None:
    """A metric that always grew by 1% is slower at a threshold of 1%."""
    assert decide(np.full(8, log(101 / 100)))[0] == "slower"


def test_nearly_constant_pairs_are_weighed() -> None:
    """Pairs that are mostly the same number have no spread, and still an interval and a decision."""
    quiet = np.array([0.0] * 11 + [0.2])
    decision, evidence = decide(quiet)
    assert decision == "unchanged"
    assert evidence.spread == 0.0
    assert decide(np.array([0.05] * 11 + [0.04]))[0] == "slower"


def test_pairs_of_two_values_are_no_change() -> None:
    """A metric that jumps between two values as often up as down is not called changed."""
    values = np.tile([0.02, -0.02], 48)
    assert decide(values)[0] == "unchanged"
    assert weigh(values, threshold=0.01).p_value == 1.0


def test_fewer_pairs_than_the_first_look_prove_nothing() -> None:
    """Before the first look there is a ratio, but no evidence."""
    evidence = weigh(np.array([0.5, 0.51, 0.52]), threshold=0.01)
    assert (evidence.pairs, evidence.p_value, evidence.equivalent) == (3, 1.0, False)
    assert evidence.ratio == pytest.approx(exp(0.51))


def test_one_generation_proves_nothing() -> None:
    """Pairs that all share their side processes never decide."""
    values = np.random.default_rng(25).normal(0.05, 0.001, size=48)
    evidence = weigh(values, threshold=0.01, generations=np.zeros(48, dtype=int))
    assert (evidence.p_value, evidence.equivalent) == (1.0, False)
    assert weigh(values, threshold=0.01).p_value < 1e-9


def test_generations_widen_the_interval() -> None:
    """What neighbours share makes the same pairs tell less."""
    rng = np.random.default_rng(26)
    groups = np.arange(48) // 4
    values = rng.normal(0, 0.004, 48) + rng.normal(0, 0.006, 12)[groups]
    aware, unaware = weigh(values, threshold=0.01, generations=groups), weigh(values, threshold=0.01)
    assert aware.high - aware.low > 1.3 * (unaware.high - unaware.low)
    assert aware.ratio == unaware.ratio


@pytest.mark.parametrize("bad", [[], [0.1, float("nan")], [float("inf")], [[0.1, 0.2]]])
def test_what_is_no_row_of_numbers_is_refused(bad: list[float]) -> None:
    """No pairs, pairs without a value and tables are errors."""
    with pytest.raises(ValueError, match="row of finite numbers"):
        weigh(np.array(bad), threshold=0.01)


@pytest.mark.parametrize("threshold", [0.0, -0.01, float("nan"), float("inf")])
def test_a_threshold_is_above_zero(threshold: float) -> None:
    """Nothing is smaller than no change."""
    with pytest.raises(ValueError, match="share above 0"):
        weigh(np.zeros(8), threshold=threshold)


def test_each_pair_needs_its_generation() -> None:
    """Generations of another length are an error."""
    with pytest.raises(ValueError, match="one generation"):
        weigh(np.zeros(8), threshold=0.01, generations=np.zeros(7, dtype=int))


def some_evidence(**changes: float) -> Evidence:
    """Give evidence of 24 pairs with a deviation of 0.8%, a ratio of 1 unless told."""
    ratio, pairs, deviation = (
        changes.get("ratio", 1.0),
        int(changes.get("pairs", 24)),
        changes.get("spread", 0.008),
    )
    half = 2.054 * deviation / pairs**0.5
    return Evidence(
        pairs=pairs,
        ratio=ratio,
        low=ratio * exp(-half),
        high=ratio * exp(half),
        p_value=changes.get("p_value", 1.0),
        equivalent=bool(changes.get("equivalent", 0.0)),
        spread=deviation,
    )


@pytest.mark.parametrize(
    ("ratio", "equivalent", "discovered", "expected"),
    [
        (1.02, False, True, "slower"),
        (0.98, False, True, "faster"),
        (1.02, False, False, "undecided"),
        (1.004, False, True, "undecided"),
        (1.004, True, True, "unchanged"),
        (1.0, False, False, "undecided"),
    ],
)
def test_the_verdict_follows_the_evidence(
    *, ratio: float, equivalent: bool, discovered: bool, expected: str
) -> None:
    """Equivalent is unchanged, a discovery of at least half the threshold is a change, all else goes on."""
    evidence = some_evidence(ratio=ratio, equivalent=float(equivalent))
    assert expected == judge(evidence, discovered=discovered, threshold=0.01)


def test_noisy_benchmarks_expect_more_pairs() -> None:
    """Four times the spread takes many more pairs, and a decision is never expected before the next look."""
    quiet, noisy = some_evidence(spread=0.004), some_evidence(spread=0.016)
    assert expected_pairs(quiet, 0.01) == 4
    assert expected_pairs(noisy, 0.01) > 4
    assert expected_pairs(noisy, 0.001) > 10 * expected_pairs(noisy, 0.01)


def test_expected_pairs_end_at_a_look() -> None:
    """The guess leads to a look, and to nothing after the last one."""
    assert all(
        24 + expected_pairs(some_evidence(ratio=ratio), 0.01) in LOOKS for ratio in (1, 1.002, 1.005, 1.03)
    )
    assert expected_pairs(some_evidence(pairs=1536), 0.01) == 0


def test_expected_pairs_are_about_right() -> None:
    """Guessed after 8 pairs, the pairs to a decision are right within a factor of 2 for most benchmarks."""
    quotients = []
    for row in np.random.default_rng(27).normal(0, 0.016, (200, 256)):
        guess = 8 + expected_pairs(weigh(row[:8], threshold=0.01), 0.01)
        quotients.append(guess / decide(row)[1].pairs)
    assert 0.5 < np.median(quotients) < 2
