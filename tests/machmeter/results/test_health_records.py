import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from machmeter.errors import UnwritableError
from machmeter.model import Health, HealthRecord, KernelRate, Limit, LimitsRecord, Slowness
from machmeter.results import health_records

TAG = "box-1c-1g-00000000"
RATE = KernelRate("memcpy", "GB/s", 18.5, 20.0, 300, "numpy 2.4.6")
GONE = KernelRate("cold_read", unavailable="the disk is full")
HEALTH = Health("slow", (Slowness("memcpy", 0.48, interrupted=True),), ("cold_read is unavailable",))
RECORD = HealthRecord(TAG, "one", "run-1", "2026-01-01T00:00:00+00:00", 5.1, (RATE, GONE), HEALTH)
LIMIT = Limit("memcpy_threads_1", "GB/s", 20.0, 19.5, 20.4, 300, "numpy 2.4.6")
LIMITS = LimitsRecord(TAG, "one", "run-1", "2026-01-01T00:00:00+00:00", 20.0, (LIMIT,))


def write_many(results: Path, name: str) -> None:
    for number in range(50):
        health_records.write(results, replace(RECORD, run=f"{name}-{number}", node=name))


def rewritten(results: Path, **changes: Any) -> Path:
    """Change fields of a record on disk."""
    path = health_records.write(results, replace(RECORD, run="changed"))
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def test_what_is_written_is_read_in_the_order_of_time(tmp_path: Path) -> None:
    """Observations of all nodes of a tag come back as they were."""
    later = replace(RECORD, run="run-0", node="two", started_at="2026-01-02T00:00:00+00:00")
    for record in (later, RECORD):
        health_records.write(tmp_path / "results", record)
    assert health_records.read(tmp_path / "results", TAG) == ((RECORD, later), ())


def test_limits_are_kept_in_the_same_way(tmp_path: Path) -> None:
    """Beside the health, not among it."""
    health_records.write(tmp_path / "results", LIMITS)
    assert health_records.read_limits(tmp_path / "results", TAG) == ((LIMITS,), ())
    assert health_records.read(tmp_path / "results", TAG) == ((), ())


def test_a_record_stands_beside_asvs_results(tmp_path: Path) -> None:
    """Asv skips regressions when it meets files it does not know."""
    path = health_records.write(tmp_path / "results", RECORD)
    assert path == tmp_path / "results.machmeter" / "health" / TAG / "run-1.json"


def test_several_writers_lose_no_record(tmp_path: Path) -> None:
    """Nodes that share a folder write at the same time."""
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        list(pool.map(write_many, [tmp_path / "results"] * 4, "abcd"))
    found, problems = health_records.read(tmp_path / "results", TAG)
    assert (len(found), problems) == (200, ())


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": 9},
        {"tag": "other-1c-1g-11111111"},
        {"node": 3},
        {"wall_s": "5"},
        {"wall_s": True},
        {"rates": {}},
        {"rates": [3]},
        {"rates": [{"name": "memcpy", "unit": "GB/s"}]},
        {"rates": [{"name": "memcpy", "sustained": -1.0, "undisturbed": 1.0}]},
        {"rates": [{"name": "memcpy", "sustained": float("nan"), "undisturbed": 1.0}]},
        {"rates": [{"unit": "GB/s"}]},
        {"health": "healthy"},
        {"health": {"verdict": "slow", "slow": [{"kernel": "memcpy"}]}},
    ],
)
def test_a_record_with_other_values_is_named(changes: dict[str, Any], tmp_path: Path) -> None:
    """It is left alone, and its neighbours are read all the same."""
    health_records.write(tmp_path / "results", RECORD)
    broken = rewritten(tmp_path / "results", **changes)
    text = broken.read_text()
    found, (problem,) = health_records.read(tmp_path / "results", TAG)
    assert found == (RECORD,)
    assert problem.startswith(f"{broken} is not a HealthRecord: ")
    assert broken.read_text() == text


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"schema": 1', b"[" * 100_000])
def test_a_half_written_file_is_named(content: bytes, tmp_path: Path) -> None:
    """Whatever its bytes are."""
    broken = rewritten(tmp_path / "results")
    broken.write_bytes(content)
    found, (problem,) = health_records.read(tmp_path / "results", TAG)
    assert (found, str(broken) in problem) == ((), True)


def test_fields_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    """The schema says when their meaning changes."""
    rewritten(tmp_path / "results", mood="good")
    found, problems = health_records.read(tmp_path / "results", TAG)
    assert ([record.run for record in found], problems) == (["changed"], ())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "results.machmeter").write_text("")
    with pytest.raises(UnwritableError, match=r"results\.machmeter"):
        health_records.write(tmp_path / "results", RECORD)
