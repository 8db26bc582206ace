import time

import pytest

from machmeter.probe import pressure
from machmeter.probe.meter import Meter, peak_rss_bytes


def test_stretches_of_one_sample_are_added() -> None:
    """What happens between two stretches is not part of the sample."""
    meter = Meter()
    for _ in range(2):
        meter.start()
        time.sleep(0.01)
        meter.stop()
        time.sleep(0.05)
    taken = meter.take()
    assert 0.02 <= taken.wall_s < 0.045


def test_taking_forgets() -> None:
    """The next sample starts at nothing, and taking nothing is an error."""
    meter = Meter()
    meter.start()
    meter.stop()
    meter.take()
    with pytest.raises(RuntimeError, match="nothing was measured"):
        meter.take()


def test_stopping_twice_measures_once() -> None:
    """A stop without a start changes nothing."""
    meter = Meter()
    meter.start()
    meter.stop()
    meter.stop()
    assert meter.take().wall_s >= 0


def test_pressure_only_grows() -> None:
    """Differences of the kernel's counters are never negative; a counter it does not keep is None."""
    gauge = pressure.Gauge()
    before = gauge.read()
    found = pressure.between(before, gauge.read(), own_cpu_s=0.0)
    assert set(found) == {"cpu_s", "io_s", "memory_s", "steal_s", "others_cpu_s", "involuntary_switches"}
    assert all(value is None or value >= 0 for value in found.values())


def test_peak_memory_is_in_bytes() -> None:
    """A Python process needs more than five megabytes and less than a terabyte."""
    assert 5e6 < peak_rss_bytes() < 1e12
