import math
import sys
from pathlib import Path

import pytest

from machmeter.machine.intervals import median_interval
from machmeter.machine.kernels import Setting
from machmeter.machine.limits import PLAIN_KERNELS, SUITE_KERNELS, mach, measure

SETTING = Setting("box-1c-1g-00000000", "one", "run-1", Path("/tmp"))


def test_mach_names_the_smallest_limit() -> None:
    """Half of what the slowest part of the path could do is Mach 0.5."""
    value, bottleneck = mach(1.0, {"cold_read": 4.0, "decode": 2.0, "memcpy": 20.0})
    assert (value, bottleneck) == (0.5, "decode")


def test_mach_of_equal_limits_names_the_first() -> None:
    """The order of the path decides."""
    assert mach(1.0, {"read": 2.0, "decode": 2.0}).bottleneck == "read"


@pytest.mark.parametrize("limits", [{}, {"read": 0.0}, {"read": -1.0}, {"read": math.nan}])
def test_a_path_without_limits_has_no_mach(limits: dict[str, float]) -> None:
    """Nothing is divided by zero in silence."""
    with pytest.raises(ValueError, match="limits above zero"):
        mach(1.0, limits)


def test_limits_are_measured_with_their_intervals(tmp_path: Path) -> None:
    """Everything that numpy suffices for has a median within its interval; the rest says what it needs."""
    setting = Setting("box", "one", "run-1", tmp_path)
    record = measure(setting, threads=2, seconds=0.01)
    found = {limit.name: limit for limit in record.limits}
    assert set(found) == {*PLAIN_KERNELS, *SUITE_KERNELS, "memcpy_threads_1", "memcpy_threads_2"} - {
        "memcpy_threads"
    }
    for name in ("matrix_product_f32", "memcpy_threads_2", "page_cache_read"):
        assert 0 < found[name].low <= found[name].median <= found[name].high
    assert all(
        "no environment of the suite is known" in (found[name].unavailable or "") for name in SUITE_KERNELS
    )
    assert (record.tag, record.node, record.run) == ("box", "one", "run-1")


def test_the_suites_environment_runs_what_needs_it(tmp_path: Path) -> None:
    """A suite without blosc2 or torch says which one is missing, in that environment."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    record = measure(Setting("box", "one", "run-1", tmp_path, suite_python=python, gpu=True), seconds=0.001)
    found = {limit.name: limit.unavailable for limit in record.limits}
    assert found["decode_zstd9_f32"] == "numpy is not installed in this environment"
    assert found["product_bf16"] == "torch is not installed in this environment"


def test_the_interval_misses_the_median_as_often_as_the_binomial_says() -> None:
    """Against the obvious way: the sum of the probabilities of too few values on one side."""
    for count in [*range(6, 60), 200, 999]:
        interval = median_interval(range(count))
        skip = int(interval.low)
        missed = 2 * sum(math.comb(count, below) for below in range(skip + 1)) / 2**count
        one_more = missed + 2 * math.comb(count, skip + 1) / 2**count
        assert missed <= 0.05 < one_more
        assert interval.high == count - 1 - skip


def test_a_median_of_nothing_is_refused() -> None:
    """There is no interval around it."""
    with pytest.raises(ValueError, match="at least one value"):
        median_interval([])
