from dataclasses import replace
from pathlib import Path

import pytest
from asv_results import commit_of, row, steps, write_result
from changes_made import SERIES, make_change

from machmeter.errors import ForeignChangeError, UnknownChangeError
from machmeter.gate.confirm import check_hardware, default_threshold, find
from machmeter.machine.fingerprint import fingerprint
from machmeter.results import changes
from machmeter.results.history import read


def history(results_dir: Path, machine: str) -> None:
    """A regression of 20% at commit 20."""
    for number, value in enumerate(steps(1.0, 1.2)):
        write_result(results_dir, number, {"time_x": row([value])}, machine=machine)


@pytest.mark.parametrize(
    ("ratio", "expected"), [(1.2, 0.01), (1.016, 0.008), (1.004, 0.005), (0.8, 0.01), (None, 0.01)]
)
def test_the_threshold_is_half_of_what_is_suspected_within_bounds(
    ratio: float | None, expected: float
) -> None:
    """Never above 1%, so that a smaller real change is not called unchanged; never below 0.5%."""
    assert default_threshold(make_change(ratio=ratio)) == pytest.approx(expected, rel=0.01)


def test_a_change_is_found_by_the_beginning_of_its_identifier(tmp_path: Path) -> None:
    """On this machine and on others; the commits are those around the change."""
    history(tmp_path / "here", fingerprint().tag)
    history(tmp_path / "there", "box")
    for folder in (tmp_path / "here", tmp_path / "there"):
        ((known, _),) = changes.find(folder, read(folder)).found
        assert find(folder, known.identifier[:6], None) == known
        assert (known.earliest, known.latest) == (commit_of(19), commit_of(20))


def test_an_unknown_identifier_is_refused(tmp_path: Path) -> None:
    """The next command lists those that are known."""
    history(tmp_path, fingerprint().tag)
    with pytest.raises(UnknownChangeError, match="machmeter changes"):
        find(tmp_path, "ffffffffff", None)


def test_an_answer_holds_for_identical_hardware_only(tmp_path: Path) -> None:
    """A change of another tag is refused, one of this tag is not."""
    here = make_change(SERIES._replace(machine=fingerprint().tag))
    check_hardware(tmp_path, here)
    with pytest.raises(ForeignChangeError, match=f"{SERIES.machine}.*{fingerprint().tag}"):
        check_hardware(tmp_path, replace(here, series=SERIES))
