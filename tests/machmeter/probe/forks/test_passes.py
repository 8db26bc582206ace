import types
from typing import Any

from asv_runner.benchmarks.time import TimeBenchmark

from machmeter.probe.forks import kinds, passes


class Sums:
    """Work that can be done again and again, or is used up by the first call."""

    def __init__(self, *, used_up: bool) -> None:
        self._used_up = used_up
        self.setups = 0

    def setup(self) -> None:
        self.setups += 1
        self.left = list(range(30_000))

    def call(self) -> None:
        sum(number * number for number in self.left)
        if self._used_up:
            self.left.clear()


def made(sums: Sums) -> kinds.Kind:
    source: Any = types.SimpleNamespace(setup=sums.setup)
    benchmark = TimeBenchmark("bench.time_sums", sums.call, [source])
    benchmark.do_setup()
    return kinds.of(benchmark)


def test_calls_that_do_the_same_again_share_a_setup() -> None:
    """A profile of them sees the calls, not the setups."""
    sums = Sums(used_up=False)
    kind = made(sums)
    assert passes.share_setup(kind, 20)["steady"]
    before = sums.setups
    kind.sample(50)
    assert sums.setups == before + 1


def test_calls_that_use_up_their_setup_keep_one_each() -> None:
    """What the second call would do is no work."""
    sums = Sums(used_up=True)
    kind = made(sums)
    assert not passes.share_setup(kind, 20)["steady"]
    before = sums.setups
    kind.sample(5)
    assert sums.setups == before + 5
