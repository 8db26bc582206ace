import math

import numpy as np
import pytest

from machmeter.analysis.bisection import Step, credible, groups, next_position, posterior

STEP = Step(0.0, 0.05, 0.01)


def odds(*ratios: float, step: Step = STEP) -> float:
    return step.log_odds(ratios, range(len(ratios)))


def test_pairs_near_a_level_speak_for_it() -> None:
    """Pairs at the level after the step make it likelier, pairs before it less likely, none say nothing."""
    assert odds(0.05) > 2
    assert odds(0.0) < -2
    assert odds(0.025) == pytest.approx(0.0)
    assert odds() == 0.0


def test_an_outlier_does_not_decide_alone() -> None:
    """A pair that is off by 50 standard deviations weighs less than two ordinary ones."""
    assert abs(odds(0.55)) < abs(odds(0.0, 0.0))
    assert odds(0.55, 0.0, 0.0) < 0


def test_pairs_of_the_same_sides_count_less() -> None:
    """Two pairs of one generation prove less than two of two generations."""
    assert 0 < STEP.log_odds((0.03, 0.03), (0, 0)) < STEP.log_odds((0.03, 0.03), (0, 1))


def test_no_pair_is_certain_without_noise() -> None:
    """Where all pairs of the confirmation were the same number, one pair still leaves a doubt."""
    exact = Step(0.0, 0.05, 0.0)
    assert 2 < odds(0.05, step=exact) < 12


def test_a_level_between_is_settled_by_the_nearer_end() -> None:
    """Pairs that lie surely between the levels belong to another step; they do not go on for ever."""
    assert odds(0.030, 0.031, 0.030, 0.031, step=Step(0.0, 0.05, 0.001)) > math.log(99)
    assert odds(0.020, 0.021, 0.020, 0.021, step=Step(0.0, 0.05, 0.001)) < -math.log(99)


def test_a_falling_step_is_a_step() -> None:
    """Rates fall when something gets slower."""
    falling = Step(0.0, -0.05, 0.01)
    assert odds(-0.05, step=falling) > 2
    assert odds(0.0, step=falling) < -2


def test_the_posterior_is_what_bayes_says() -> None:
    """Slow by 3 to 1 at commit 2 of 4: the step is at 1 or 2 with probability 3/4."""
    found = posterior(4, {2: math.log(3)})
    assert found == pytest.approx([3 / 8, 3 / 8, 1 / 8, 1 / 8])


def test_posterior_agrees_with_the_product_of_likelihoods() -> None:
    """The slow way, hypothesis by hypothesis, gives the same."""
    told = {1: -1.0, 3: 0.5, 4: 2.0}
    weights = [
        math.prod(math.exp(value) if place <= at else 1.0 for at, value in told.items())
        for place in (1, 2, 3, 4, 5)
    ]
    assert posterior(5, told) == pytest.approx(np.array(weights) / sum(weights))


def test_commits_that_cannot_be_measured_are_joined() -> None:
    """Commits 2 and 3 cannot be compared: with 4 slow and 1 fast they are one group."""
    found = groups(posterior(6, {1: -9.0, 4: 9.0}), [1, 4, 5])
    assert found[0][:2] == (2, 4)
    assert found[0].probability > 0.99


def test_the_next_commit_is_the_median() -> None:
    """Without any pair the middle is next, and of nothing nothing."""
    assert next_position(posterior(9, {}), range(1, 9)) in {4, 5}
    assert next_position(posterior(1, {}), ()) is None


def test_a_commit_is_kept_until_it_is_settled() -> None:
    """Another commit costs an installation, so the present one goes first while it is in doubt."""
    assert next_position(posterior(9, {2: 2.0}), range(1, 9), 2) == 2
    assert next_position(posterior(9, {2: -9.0}), range(1, 9), 2) in {5, 6}


def test_what_is_left_has_the_probability_that_is_asked_for() -> None:
    """All positions that are likely, and no others."""
    assert credible(posterior(8, {2: -20.0, 6: 20.0}))[:2] == (3, 6)
