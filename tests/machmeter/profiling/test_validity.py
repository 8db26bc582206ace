"""Profiles that cannot be believed are refused, with the reason."""

import pytest
from profiles_of import profile

from machmeter.profiling.validity import problem

STACKS: dict[tuple[str, ...], int] = {("main", "pkg:f"): 100}


def test_a_good_profile_has_no_problem() -> None:
    """An undisturbed one."""
    assert problem(profile(STACKS)) == ""


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"run_delay_s": 0.11, "others_cpu_s": 0.5}, "contended"),
        ({"run_delay_s": 2.1, "others_cpu_s": 0.0}, "contended"),
        ({"plain_wall_s": 0.8}, "watching it cost 25%"),
        ({"errors": 20}, "20 of 120 stacks could not be read"),
        ({"late_s": 1.5}, "1.5 s behind"),
    ],
)
def test_what_spoils_a_profile_is_said(facts: dict[str, float], said: str) -> None:
    """Each bound by itself."""
    assert said in problem(profile(STACKS, **facts))


def test_workers_of_the_benchmark_may_wait_for_each_other() -> None:
    """As long as nobody else computes; three on two cores wait for 0.9 s in each second, added up."""
    assert problem(profile(STACKS, run_delay_s=0.9, others_cpu_s=0.02)) == ""


def test_an_empty_profile_is_refused() -> None:
    """A benchmark that was over at once was not seen."""
    assert "too few" in problem(profile({("main", "pkg:f"): 3}))
