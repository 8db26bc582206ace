from pathlib import Path
from typing import Any

import pytest

from machmeter.model import RunRecord
from machmeter.results import runs


def record(run: str, **changes: Any) -> RunRecord:
    fields: dict[str, Any] = {
        "run": run,
        "tag": "box-1c-1g-00000000",
        "node": "one",
        "started_at": f"2026-01-{int(run):02}T00:00:00+00:00",
        "state": {"kernel": "6.1", "governor": "performance"},
        "storage": {"filesystem": "ext4"},
        "threads": {"OMP_NUM_THREADS": "1"},
    }
    return RunRecord(**(fields | changes))


def test_what_is_written_is_read_in_the_order_of_time(tmp_path: Path) -> None:
    """Records of one tag come back as they were."""
    written = [record("2"), record("1"), record("3", health="slow: memcpy by 30%")]
    for each in written:
        runs.write(tmp_path / "results", each)
    found, problems = runs.read(tmp_path / "results", "box-1c-1g-00000000")
    assert [each.run for each in found] == ["1", "2", "3"]
    assert set(found[2].health.split()) == {"slow:", "memcpy", "by", "30%"}
    assert problems == ()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 9}', '{"schema": 1, "run": 3}'])
def test_a_file_that_is_no_record_is_named(text: str, tmp_path: Path) -> None:
    """Its neighbours are read all the same."""
    runs.write(tmp_path / "results", record("1"))
    broken = runs.runs_dir(tmp_path / "results", record("1").tag) / "broken.json"
    broken.write_text(text)
    found, (problem,) = runs.read(tmp_path / "results", record("1").tag)
    assert [each.run for each in found] == ["1"]
    assert str(broken) in problem


def test_the_same_state_is_no_event() -> None:
    """Ten runs without a change are ten runs without an event."""
    assert runs.events([record(str(day)) for day in range(1, 11)]) == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"state": {"kernel": "6.2", "governor": "performance"}}, {"kernel": ("6.1", "6.2")}),
        ({"state": {"kernel": "6.1"}}, {"governor": ("performance", "not on record")}),
        ({"storage": {"filesystem": "nfs"}}, {"storage filesystem": ("ext4", "nfs")}),
        ({"threads": {}}, {"OMP_NUM_THREADS": ("1", "not on record")}),
    ],
)
def test_a_changed_fact_is_an_event(change: dict[str, Any], expected: dict[str, tuple[str, str]]) -> None:
    """The event names the run that met it, when, and both values."""
    (event,) = runs.events([record("1"), record("2", **change), record("3", **change)])
    assert (event.run, event.at, event.changes) == ("2", record("2").started_at, expected)


def test_twins_in_turns_are_no_events() -> None:
    """Two nodes with different kernels differ once, when the second one joins."""
    other = {"node": "two", "state": {"kernel": "6.2", "governor": "performance"}}
    found = runs.events([record("1"), record("2", **other), record("3"), record("4", **other), record("5")])
    assert [(event.node, event.run) for event in found] == [("two", "2")]
