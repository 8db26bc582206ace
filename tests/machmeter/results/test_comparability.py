from pathlib import Path
from typing import Any

import pytest

from machmeter.errors import DifferentHardwareError
from machmeter.model import RunRecord
from machmeter.results import runs
from machmeter.results.comparability import common_machine, notes
from machmeter.results.layout import samples_dir

BASE, HEAD = "a" * 40, "b" * 40
TAG = "box-1c-1g-00000000"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


def file_result(results: Path, machine: str, commit: str) -> None:
    (results / machine).mkdir(parents=True, exist_ok=True)
    (results / machine / f"{commit[:8]}-env.json").write_text("{}")


def measure(results: Path, commit: str, run: str, **changes: Any) -> None:
    """Leave behind what a run leaves: its record and a sidecar."""
    fields: dict[str, Any] = {"state": {"kernel": "6.1"}, "storage": {"type": "nvme"}, "threads": {}}
    started = {"started_at": f"2026-01-01T00:00:0{run[-1]}+00:00"}
    runs.write(results, RunRecord(run=run, tag=TAG, node="one", **(started | fields | changes)))
    sidecar = samples_dir(results, TAG) / f"{commit[:12]}-01234567-{run}.jsonl"
    sidecar.parent.mkdir(parents=True, exist_ok=True)
    sidecar.write_text("")


def test_this_machine_is_preferred(results: Path) -> None:
    """Where several hold both commits, it is this one."""
    for machine in (TAG, "other"):
        file_result(results, machine, BASE)
        file_result(results, machine, HEAD)
    assert common_machine(results, BASE, HEAD, TAG) == TAG
    assert common_machine(results, BASE, HEAD, "third") is None


def test_commits_of_different_hardware_are_refused(results: Path) -> None:
    """Both tags and both commits are named, and the next command."""
    file_result(results, TAG, BASE)
    file_result(results, "other", HEAD)
    with pytest.raises(
        DifferentHardwareError, match=rf"aaaaaaaa \({TAG}\) with bbbbbbbb \(other\).*machine --list"
    ):
        common_machine(results, BASE, HEAD, TAG)


def test_a_commit_without_results_is_asvs_to_say(results: Path) -> None:
    """No machine is chosen, and nothing is raised."""
    file_result(results, TAG, BASE)
    assert common_machine(results, BASE, HEAD, TAG) is None


def test_the_same_conditions_need_no_note(results: Path) -> None:
    """Two runs alike."""
    measure(results, BASE, "run-1")
    measure(results, HEAD, "run-2")
    assert notes(results, TAG, BASE, HEAD) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"storage": {"type": "nfs"}},
            "Different storage: type nvme and nfs; benchmarks that read from disk",
        ),
        ({"threads": {"OMP_NUM_THREADS": "4"}}, "Different threads: OMP_NUM_THREADS not set and 4;"),
        ({"state": {"kernel": "6.2"}}, "Different state: kernel 6.1 and 6.2;"),
        (
            {"health": "slow: memcpy by 31%"},
            "bbbbbbbb was measured on an unhealthy node (slow: memcpy by 31%)",
        ),
    ],
)
def test_what_differed_is_said(results: Path, change: dict[str, Any], said: str) -> None:
    """A number is never shown without the condition that may explain it."""
    measure(results, BASE, "run-1")
    measure(results, HEAD, "run-2", **change)
    (note,) = notes(results, TAG, BASE, HEAD)
    assert said in note


def test_every_run_of_a_commit_counts(results: Path) -> None:
    """A later run may have replaced a part of the results only, so both conditions are told."""
    measure(results, BASE, "run-1", storage={"type": "nfs"})
    measure(results, BASE, "run-3")
    measure(results, HEAD, "run-2")
    (note,) = notes(results, TAG, BASE, HEAD)
    assert "Different storage: type nfs/nvme and nvme" in note


def test_conditions_that_nobody_recorded_are_said_to_be_unknown(results: Path) -> None:
    """Silence would mean that they are the same."""
    measure(results, BASE, "run-1")
    assert notes(results, TAG, BASE, HEAD) == ("The conditions of bbbbbbbb are not on record.",)
