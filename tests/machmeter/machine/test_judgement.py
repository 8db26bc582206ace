import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from machmeter.machine.health import better
from machmeter.machine.judgement import DEVIATIONS, LEAST_SPREAD, judge, missing_share
from machmeter.model import Health, HealthRecord, KernelRate, Slowness

#: Sustained and undisturbed rates of 55 observations, one after the other, of a virtual machine with two
#: cores on which little else ran (2026-11-20; load about 1, the kernels themselves included).
MEASURED = json.loads((Path(__file__).parent / "health_observations.json").read_text())
OBSERVED = len(MEASURED["memcpy"])


def observation(number: int, slowed: float = 1.0, undisturbed: float | None = None) -> tuple[KernelRate, ...]:
    """Take a measured observation; `slowed` multiplies its sustained rates, and all by default."""
    factor = slowed if undisturbed is None else undisturbed
    return tuple(
        KernelRate(name, "GB/s", pairs[number][0] * slowed, pairs[number][1] * factor, 100, "as ever")
        for name, pairs in MEASURED.items()
    )


def record(rates: Sequence[KernelRate], verdict: str = "healthy", node: str = "one") -> HealthRecord:
    return HealthRecord("box", node, "run", "2026-01-01T00:00:00+00:00", 5.0, tuple(rates), Health(verdict))


def memcpy(rate: float, undisturbed: float | None = None) -> tuple[KernelRate]:
    return (KernelRate("memcpy", "GB/s", rate, undisturbed or rate, 100, "numpy 2"),)


def steady(count: int) -> list[HealthRecord]:
    """Make observations of a memcpy of 20 GB/s with 1% of noise."""
    return [record(memcpy(20 + 0.2 * ((number * 7) % 5 - 2))) for number in range(count)]


def oracle(rate: float, earlier: Sequence[float], least_spread: float) -> float:
    """Say the same in the obvious way: sort, take the middle, sort the distances, take the middle."""

    def middle(values: Sequence[float]) -> float:
        ordered = sorted(values)
        half = len(ordered) // 2
        return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2

    usual = middle([float(np.log(each)) for each in earlier])
    sigma = middle([abs(float(np.log(each)) - usual) for each in earlier]) / 0.6744897501960817
    sigma = max(sigma, least_spread) / (1 - 0.8 / len(earlier))
    ratio = rate / float(np.exp(usual))
    return 1 - ratio if np.log(ratio) < -DEVIATIONS * sigma else 0.0


@given(
    st.floats(1e-3, 1e9),
    st.lists(st.floats(1e-3, 1e9), min_size=5, max_size=40),
    st.sampled_from(sorted(set(LEAST_SPREAD.values()))),
)
def test_the_deviation_is_that_of_a_slow_oracle(rate: float, earlier: list[float], spread: float) -> None:
    """Away from the bound itself, where rounding decides, both say the same."""
    results = {oracle(rate * nudge, earlier, spread) > 0 for nudge in (0.9999, 1.0001)}
    if len(results) == 1:
        assert missing_share(rate, earlier, spread) == pytest.approx(oracle(rate, earlier, spread))


def test_a_steady_node_raises_no_alarm() -> None:
    """100 histories of 55 measured observations in random order: one alarm in 1,000 judgments at most.

    The first five are unknown. What seems slow is observed once more, as `check` does.
    """
    chance, alarms = random.Random(1), 0  # noqa: S311 - no secret
    for _ in range(100):
        numbers = chance.sample(range(OBSERVED), OBSERVED)
        earlier: list[HealthRecord] = []
        for number in numbers:
            rates = observation(number)
            doubtful = {each.kernel for each in judge(rates, earlier).slow}
            again = [rate for rate in observation(chance.randrange(OBSERVED)) if rate.name in doubtful]
            rates = better(rates, again)
            found = judge(rates, earlier)
            assert (found.verdict == "unknown") == (len(earlier) < 5)
            alarms += found.verdict == "slow"
            earlier.append(record(rates, found.verdict))
    assert alarms <= 100 * (OBSERVED - 5) / 1000


def test_the_observations_in_their_own_order_raise_no_alarm() -> None:
    """Five that decide nothing, then fifty healthy ones: nothing is observed a second time."""
    earlier: list[HealthRecord] = []
    for number in range(OBSERVED):
        earlier.append(record(observation(number), judge(observation(number), earlier).verdict))
    assert [each.health.verdict for each in earlier] == ["unknown"] * 5 + ["healthy"] * 50


@pytest.mark.parametrize("undisturbed", [0.5, 1.0])
@pytest.mark.parametrize("count", [5, 10, 50])
def test_half_of_the_speed_is_caught(undisturbed: float, count: int) -> None:
    """Whether every repetition is slower or only the sustained rate, after five observations or more."""
    chance = random.Random(count)  # noqa: S311 - no secret
    for _ in range(100):
        first, *others = chance.sample(range(OBSERVED), count + 1)
        earlier = [record(observation(number)) for number in others]
        assert judge(observation(first, 0.5, undisturbed), earlier).verdict == "slow"


def test_a_slow_kernel_is_named_with_what_is_missing() -> None:
    """Half of the rate is 50%; a record of a run says it in these words."""
    found = judge(memcpy(10.0), steady(9))
    (slow,) = found.slow
    assert slow == Slowness("memcpy", slow.by, interrupted=False)
    assert slow.by == pytest.approx(0.5, abs=0.01)
    assert found.text == "slow: memcpy by 50%"


def test_interrupted_work_is_told_from_slow_hardware() -> None:
    """A CPU quota leaves the best repetitions as fast as ever."""
    found = judge(memcpy(10.0, undisturbed=20.0), steady(9))
    assert found.text == "slow: memcpy by 50% (interrupted)"


def test_slow_hardware_may_look_sustained() -> None:
    """Repetitions that are all slower count, even where the sustained rate does not stand out."""
    earlier = [record(memcpy(rate, 20.0)) for rate in (10.0, 14.0, 18.0, 12.0, 16.0)]
    (found,) = judge(memcpy(10.0, 10.0), earlier).slow
    assert not found.interrupted
    assert found.by == pytest.approx(0.5)


@pytest.mark.parametrize(("share", "verdict"), [(0.95, "healthy"), (0.80, "healthy"), (0.70, "slow")])
def test_a_small_loss_is_no_alarm(share: float, verdict: str) -> None:
    """Nobody would act on 5% of a memcpy; 30% is something."""
    assert judge(memcpy(20.0 * share), steady(20)).verdict == verdict


def test_faster_than_usual_is_healthy() -> None:
    """However much faster."""
    assert judge(memcpy(200.0), steady(5)) == Health("healthy")


def test_fewer_than_five_observations_decide_nothing() -> None:
    """Four are named as such, five decide."""
    found = judge(memcpy(1.0), steady(4))
    assert found == Health("unknown", (), ("memcpy has 4 of 5 earlier observations under numpy 2",))
    assert judge(memcpy(1.0), steady(5)).verdict == "slow"


def test_an_unavailable_kernel_leaves_the_node_unknown() -> None:
    """Its reason is kept; the others are judged all the same."""
    gone = KernelRate("cold_read", unavailable="the disk is full")
    found = judge((*memcpy(20.0), gone), steady(9))
    assert found == Health("unknown", (), ("cold_read is unavailable: the disk is full",))
    assert judge((*memcpy(5.0), gone), steady(9)).verdict == "slow"


def test_observations_under_other_conditions_do_not_count() -> None:
    """Another version of Python or numpy, or another file system, has other rates."""
    (rate,) = memcpy(10.0)
    found = judge((replace(rate, conditions="numpy 3"),), steady(9))
    assert found.unknown == ("memcpy has 0 of 5 earlier observations under numpy 3",)


def test_slow_observations_do_not_become_usual() -> None:
    """A node that is throttled for weeks is still slow in the end, and its twins are not called fast."""
    earlier = steady(5)
    for _ in range(50):
        found = judge(memcpy(10.0), earlier)
        assert found.verdict == "slow"
        earlier.append(record(memcpy(10.0), found.verdict))


def test_a_few_disturbed_observations_do_no_harm() -> None:
    """Four of nine were taken while something else ran."""
    earlier = steady(5) + [record(memcpy(rate)) for rate in (3.0, 5.0, 8.0, 11.0)]
    assert judge(memcpy(20.0), earlier).verdict == "healthy"


def test_all_nodes_of_a_tag_count() -> None:
    """A node that was never observed is judged by its twins."""
    earlier = [replace(each, node=f"node-{number}") for number, each in enumerate(steady(5))]
    assert judge(memcpy(10.0), earlier).verdict == "slow"


def test_old_observations_are_forgotten() -> None:
    """What the machine was a hundred observations ago decides nothing."""
    earlier = [record(memcpy(200.0)) for _ in range(200)] + steady(100)
    assert judge(memcpy(20.0), earlier).verdict == "healthy"
