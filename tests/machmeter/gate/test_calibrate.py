"""Calibrations of simulated nodes: no process is started, the seeds are fixed."""

import functools
from math import log1p
from pathlib import Path

import numpy as np
import pytest

from machmeter.gate import calibrate as module
from machmeter.gate import replays
from machmeter.gate.calibrate import INTERRUPTED, calibrate
from machmeter.gate.reference import KERNELS, make
from machmeter.gate.replays import EFFECTS, Noise, summarise
from machmeter.results.calibrations import Calibration, Resolution


@pytest.fixture(autouse=True)
def fewer_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for shares to one percent over the three kernels."""
    monkeypatch.setattr(replays, "_REPLAYS", 40)


@functools.cache
def node(spread: float, sweeps: int, seed: int = 0, bias: float = 0.0) -> Calibration:
    """A node whose pairs spread like that, after so many sweeps of 0.2 s a pair."""
    rng = np.random.default_rng(seed)
    cycle = [effect for each in EFFECTS for effect in (0.0, each)]
    taken = [
        Noise(kernel, effect := cycle[sweep % len(cycle)], log1p(effect) + bias + rng.normal() * spread, 0.2)
        for sweep in range(sweeps)
        for kernel in KERNELS
    ]
    return summarise(taken, "2026-01-01T00:00:00+00:00", 0.6 * sweeps)


def row(found: Calibration, effect: float) -> Resolution:
    return next(each for each in found.rows if each.effect == effect)


def test_a_quiet_node_finds_small_slowdowns() -> None:
    """With pairs that spread by 0.5%, 1% is found in nearly all runs, with hardly a false alarm."""
    found = row(node(0.005, 300), 0.01)
    assert found.is_found
    assert found.found.share >= 0.95
    assert found.false_alarms.share <= 0.01
    assert found.seconds_95 is not None
    assert 12 * 0.2 <= found.seconds_95 <= 28 * 0.2 + 1e-9


def test_a_noisy_node_does_not_find_them() -> None:
    """With pairs that spread by 10%, not even 5% is found within sixty pairs."""
    assert not row(node(0.10, 60), 0.05).is_found


def test_too_few_pairs_say_nothing() -> None:
    """The slowdown of 0.2% needs more pairs than there are, and it is told for how long to measure."""
    found = row(node(0.008, 60), 0.002)
    assert found.lacking_s > 0
    assert not found.is_found


def test_the_interval_stands_for_verdicts_without_a_common_pair() -> None:
    """180 pairs at 12 or more a verdict are at most 15 runs, however often they are replayed."""
    found = row(node(0.005, 60), 0.01)
    assert found.found.runs <= 15
    assert found.found.low < 0.80
    assert found.false_alarms.high > 0.05


def test_what_was_injected_is_seen() -> None:
    """The pairs with a slowdown show it, within three standard errors."""
    for each in node(0.005, 300).rows:
        assert each.seen is not None
        assert each.seen_error is not None
        assert abs(each.seen - log1p(each.effect)) <= 3 * each.seen_error


def test_copies_that_differ_are_told() -> None:
    """A bias of 1% between identical copies is no accident."""
    found = node(0.005, 100, bias=0.01)
    assert found.null_seen is not None
    assert found.null_error is not None
    assert found.null_seen > 5 * found.null_error


def test_the_same_pairs_give_the_same_figures() -> None:
    """Replays are drawn from a fixed seed."""
    assert node(0.008, 40) == node(0.008, 40)


def test_an_interruption_keeps_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the second sweep: the first one is summarised; before the first there is nothing."""

    def sweeps(*_: object) -> object:
        yield [Noise(kernel, 0.0, 0.001, 0.2) for kernel in KERNELS]
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_sweeps", sweeps)
    found = calibrate(10)
    assert found.ended == INTERRUPTED
    assert [kernel.pairs for kernel in found.kernels] == [1, 1, 1]
    assert summarise([], "2026-01-01T00:00:00+00:00", 0.0, INTERRUPTED).rows == ()


def test_the_workload_does_exactly_so_much_more_work(tmp_path: Path) -> None:
    """Units of head and base differ by the slowdown and nothing else does."""
    setting = make(tmp_path, (0.0, *EFFECTS))
    base, head = (
        (side.packages / "machmeter_reference.py").read_text() for side in (setting.base, setting.head)
    )
    units = {name: dict(_units(text)) for name, text in (("base", base), ("head", head))}
    for effect in (0.0, *EFFECTS):
        assert units["head"][effect] / units["base"][effect] == pytest.approx(1 + effect, abs=1e-12)
    assert base.replace(_line(base), "") == head.replace(_line(head), "")


def _line(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("UNITS"))


def _units(text: str) -> dict[float, int]:
    namespace: dict[str, dict[float, int]] = {}
    exec(_line(text), namespace)  # noqa: S102 - a line that we wrote
    return namespace["UNITS"]
