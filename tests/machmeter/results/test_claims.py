from pathlib import Path

import pytest

from machmeter.errors import MachineMismatchError, UnknownMachineError
from machmeter.machine import document
from machmeter.model import Fingerprint
from machmeter.results.claims import claim
from machmeter.results.layout import fingerprint_path

HERE = Fingerprint(identity={"cpu": "one"}, state={"kernel": "6.1"}, label="one-1c")
THERE = Fingerprint(identity={"cpu": "two"}, state={"kernel": "6.1"}, label="two-1c")


def put_result(results: Path, name: str) -> None:
    (results / name).mkdir(parents=True)
    (results / name / "0123abcd-env.json").write_text("{}")


def test_a_free_name_is_taken_and_recorded(tmp_path: Path) -> None:
    """The first claim writes the fingerprint, the second finds it."""
    claim(tmp_path / "results", HERE.tag, HERE)
    claim(tmp_path / "results", HERE.tag, HERE)
    assert fingerprint_path(tmp_path / "results", HERE.tag).exists()


def test_another_state_is_the_same_machine(tmp_path: Path) -> None:
    """A new kernel does not make other hardware."""
    claim(tmp_path / "results", "lab", HERE)
    claim(tmp_path / "results", "lab", Fingerprint(HERE.identity, {"kernel": "6.2"}, HERE.label))
    assert document.read(fingerprint_path(tmp_path / "results", "lab")).state == {"kernel": "6.1"}


def test_other_hardware_under_the_same_name_is_refused(tmp_path: Path) -> None:
    """Both tags stand in the message."""
    claim(tmp_path / "results", "lab", THERE)
    with pytest.raises(MachineMismatchError, match=f"{HERE.tag}.*{THERE.tag}"):
        claim(tmp_path / "results", "lab", HERE)


def test_results_of_unknown_hardware_are_refused_except_under_the_tag(tmp_path: Path) -> None:
    """A tag carries its own hash; any other name needs its record."""
    results = tmp_path / "results"
    put_result(results, "lab")
    put_result(results, HERE.tag)
    with pytest.raises(UnknownMachineError, match='"lab"'):
        claim(results, "lab", HERE)
    claim(results, HERE.tag, HERE)
