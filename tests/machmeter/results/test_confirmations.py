from dataclasses import replace
from pathlib import Path

import pytest

from machmeter.results import confirmations
from machmeter.results.confirmations import Confirmation

ANSWER = Confirmation(
    change="0123456789",
    base="a" * 40,
    head="b" * 40,
    verdict="slower",
    ratio=1.05,
    low=1.04,
    high=1.06,
    pairs=12,
    tag="epyc-2c-24g-3fa91c2e",
    node="node/01",
    measured_at="2026-03-01T08:00:00+00:00",
    alpha=0.01,
    threshold=0.01,
)


def test_an_answer_comes_back_as_it_was(tmp_path: Path) -> None:
    """Also one without figures, because nothing could be measured."""
    failed = replace(ANSWER, change="abcdef0123", verdict="failed", ratio=None, low=None, high=None, pairs=0)
    for answer in (ANSWER, failed):
        confirmations.write(tmp_path / "r", answer)
    found, problems = confirmations.read(tmp_path / "r")
    assert (dict(found), problems) == ({ANSWER.change: ANSWER, failed.change: failed}, ())


def test_the_last_answer_counts(tmp_path: Path) -> None:
    """Every answer stays on disk."""
    later = replace(ANSWER, verdict="unchanged", measured_at="2026-03-02T08:00:00+00:00")
    for answer in (later, ANSWER):
        confirmations.write(tmp_path / "r", answer)
    found, _ = confirmations.read(tmp_path / "r")
    assert found[ANSWER.change] == later
    assert len(list(confirmations.folder(tmp_path / "r").glob("*.json"))) == 2


def test_an_answer_that_decides_counts_more_than_a_later_one_that_does_not(tmp_path: Path) -> None:
    """A busy afternoon does not take back what is known."""
    undecided = replace(ANSWER, verdict="inconclusive", measured_at="2026-03-02T08:00:00+00:00")
    for answer in (ANSWER, undecided):
        confirmations.write(tmp_path / "r", answer)
    assert confirmations.read(tmp_path / "r")[0][ANSWER.change] == ANSWER


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1, "change": 3}', '{"schema": 9}'])
def test_what_is_no_answer_is_named(text: str, tmp_path: Path) -> None:
    """Its neighbours are read all the same."""
    path = confirmations.write(tmp_path / "r", ANSWER)
    path.with_name("broken.json").write_text(text)
    found, (problem,) = confirmations.read(tmp_path / "r")
    assert list(found) == [ANSWER.change]
    assert "broken.json" in problem


def test_a_version_that_is_not_known_is_named(tmp_path: Path) -> None:
    """What a later machmeter wrote is not guessed at."""
    path = confirmations.write(tmp_path / "r", ANSWER)
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 2'))
    found, (problem,) = confirmations.read(tmp_path / "r")
    assert (dict(found), "schema" in problem) == ({}, True)


@pytest.mark.parametrize("name", ["../../x", "", "UPPER"])
def test_a_name_that_is_no_identifier_is_refused(name: str, tmp_path: Path) -> None:
    """It becomes part of a file's name."""
    with pytest.raises(ValueError, match="identifier"):
        confirmations.write(tmp_path / "r", replace(ANSWER, change=name))
