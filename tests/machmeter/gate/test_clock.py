from collections.abc import Callable

import pytest

from machmeter.gate.clock import choose, log_ratios
from machmeter.pairs import WAITING_BOUND, Cost, Pair

Make = Callable[..., Pair]


def waiting(share: float) -> Cost:
    return Cost(wall_s=1.0, cpu_s=1.0 - share, waited=share, samples=2)


def test_cpu_time_decides_about_computing(pair: Make) -> None:
    """Work that never waits is judged by what it computes."""
    assert choose([pair(), pair()], 0.01) == "cpu"


@pytest.mark.parametrize("side", ["base", "head"])
def test_wall_time_decides_where_one_side_waits(pair: Make, side: str) -> None:
    """A head that began to wait, or stopped, is not judged by CPU time."""
    pairs = [pair(**{side: waiting(2 * WAITING_BOUND)}) for _ in range(3)]
    assert choose(pairs, 0.01) == "wall"


def test_wall_time_decides_where_the_waiting_differs_beyond_the_threshold(pair: Make) -> None:
    """A head that sleeps 5% more must not pass because both compute most of the time."""
    pairs = [pair(base=waiting(0.01), head=waiting(0.06)) for _ in range(4)]
    assert choose(pairs, 0.02) == "wall"


def test_a_difference_in_waiting_below_the_threshold_changes_nothing(pair: Make) -> None:
    """What the user does not look for is no reason to leave the steadier clock."""
    assert choose([pair(base=waiting(0.01), head=waiting(0.06)) for _ in range(4)], 0.1) == "cpu"


def test_a_doubtful_difference_in_waiting_changes_nothing(pair: Make) -> None:
    """Waiting that varies as much as it differs is no difference."""
    shares = [0.0, 0.08, 0.01, 0.09, 0.0, 0.07]
    assert choose([pair(base=waiting(0.0), head=waiting(share)) for share in shares], 0.01) == "cpu"


def test_a_single_pair_says_nothing_about_a_difference_in_waiting(pair: Make) -> None:
    """One number has no spread."""
    assert choose([pair(base=waiting(0.0), head=waiting(0.05))], 0.01) == "cpu"


def test_a_timer_without_cpu_time_decides_by_its_own_time(pair: Make) -> None:
    """A suite's own timer or clock is what it says it is."""
    assert choose([pair(cpu=None)], 0.01) == "wall"


def test_the_gpu_decides_where_both_sides_used_it(pair: Make) -> None:
    """CUDA events time the work; the processor only waits for it."""
    assert choose([pair(gpu=0.1), pair(gpu=0.2)], 0.01) == "gpu"


def test_the_gpu_does_not_decide_where_one_pair_did_not_use_it(pair: Make) -> None:
    """A clock that is missing now and then is none."""
    assert choose([pair(gpu=0.1), pair()], 0.01) == "cpu"


def test_a_returned_value_decides(pair: Make) -> None:
    """A benchmark that returns a number is judged by it, even where the ratio is unknown."""
    assert choose([pair(base=Cost(value=0.0), head=Cost(value=1.0), cpu=None)], 0.01) == "value"


def test_contended_pairs_are_left_out_by_wall_time(pair: Make) -> None:
    """Others on the node made these pairs slow."""
    pairs = [pair(wall=0.5, contended=True, generation=3), pair(wall=0.1, generation=4)]
    assert log_ratios(pairs, "wall") == ([0.1], [4])


def test_contended_pairs_count_by_cpu_time(pair: Make) -> None:
    """CPU time does not run while others have the core."""
    pairs = [pair(cpu=0.5, contended=True, generation=3), pair(cpu=0.1, generation=4)]
    assert log_ratios(pairs, "cpu") == ([0.5, 0.1], [3, 4])


def test_pairs_without_the_clock_are_left_out(pair: Make) -> None:
    """Ratios and generations stay in step."""
    pairs = [pair(cpu=None, generation=1), pair(cpu=0.2, generation=2)]
    assert log_ratios(pairs, "cpu") == ([0.2], [2])
