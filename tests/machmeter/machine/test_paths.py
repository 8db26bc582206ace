import pytest

from machmeter.machine import paths
from machmeter.model import Limit

#: A cube of one GB of float32: bytes, and a pace of two seconds.
WARM = {"page_cache_read": 0.3e9, "decode_zstd9_f16": 0.5e9, "widen_f16_f32_torch": 1e9}
PACED = {**WARM, "pace": 2.0}
LIMITS = [
    Limit("page_cache_read", "GB/s", 30.0),
    Limit("decode_zstd9_f16", "GB/s", 4.0),
    Limit("widen_f16_f32_torch", "GB/s", 20.0),
    Limit("memcpy_threads_1", "GB/s", 10.0),
    Limit("matrix_product_f32", "GFLOP/s", 100.0),
    Limit("cold_read", unavailable="the files stay in memory"),
]
RATES = paths.rates(LIMITS)


def test_rates_are_bytes_a_second_of_one_processor() -> None:
    """A product has no bytes, an unavailable limit no rate; a copy's is that of one thread."""
    assert RATES["memcpy"] == 10e9
    assert not {"matrix_product_f32", "cold_read"} & set(RATES)


def test_the_smallest_limit_is_the_bottleneck() -> None:
    """Decoding 0.5 GB takes an eighth of a second at least; half a second is a quarter of that speed."""
    found = paths.cpu_mach(WARM, RATES, cpu_s=0.5)
    assert found == (0.25, "decode_zstd9_f16")


def test_threads_share_what_costs_the_processors_time() -> None:
    """Four threads could deliver a cube in a thirty-second part of a second."""
    found = paths.wall_mach(WARM, RATES, wall_s=1 / 16, threads=4)
    assert found is not None
    assert found.value == pytest.approx(0.5)


def test_a_pace_is_shared_and_costs_no_processor() -> None:
    """More threads have no more of it; CPU seconds know nothing of it."""
    assert paths.wall_mach(PACED, RATES, wall_s=2.5, threads=100) == (0.8, "pace")
    assert paths.cpu_mach(PACED, RATES, cpu_s=0.125) == (1.0, "decode_zstd9_f16")
    assert paths.cpu_mach({"pace": 2.0}, RATES, cpu_s=1.0) is None


@pytest.mark.parametrize(("cpu_s", "bottleneck"), [(0.15, "decode_zstd9_f16"), (0.5, "pace"), (None, "pace")])
def test_the_nearest_limit_is_of_the_processor_or_of_what_is_waited_for(
    cpu_s: float | None, bottleneck: str
) -> None:
    """Of a cube in 2.5 s the pace explains 0.8; of 0.15 CPU seconds decoding explains 0.83."""
    found = paths.nearest_mach(PACED, RATES, cpu_s, wall_s=2.5)
    assert found is not None
    assert found.bottleneck == bottleneck


def test_no_time_and_no_path_have_no_mach() -> None:
    """A clock that saw nothing, and a benchmark that says nothing."""
    assert paths.cpu_mach(WARM, RATES, cpu_s=0.0) is None
    assert paths.nearest_mach({}, RATES, 1.0, 1.0) is None


def test_a_limit_that_nobody_measured_is_named() -> None:
    """Without it the Mach would be that of another limit, and too low."""
    path = {**WARM, "decode_lz4_f16": 0.5e9}
    assert paths.unknown(path, RATES) == ["decode_lz4_f16"]
    with pytest.raises(KeyError, match="decode_lz4_f16"):
        paths.cpu_mach(path, RATES, 1.0)


@pytest.mark.parametrize(
    ("limit", "stage"),
    [
        ("page_cache_read", "storage"),
        ("cold_read", "storage"),
        ("pace", "storage"),
        ("decode_zstd9_f32", "decode"),
        ("widen_f16_f32_torch", "widening"),
        ("memcpy", "copy"),
        ("host_to_device", "copy"),
        ("consumer", "consumer"),
        ("somebody_elses", "somebody_elses"),
    ],
)
def test_each_limit_belongs_to_a_part_of_the_pipeline(limit: str, stage: str) -> None:
    """What a reader is told is the part; an unknown limit stands for itself."""
    assert paths.stage(limit) == stage
