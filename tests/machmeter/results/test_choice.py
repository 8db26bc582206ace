import re
import subprocess
from pathlib import Path

import pytest
from asv_results import commit_of, row, steps, write_history, write_result

from machmeter.errors import UnknownChangeError, UnknownMomentError
from machmeter.results import changes, choice, history
from machmeter.results.change import Change
from machmeter.results.history import History


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """One benchmark that becomes 20% slower on 2026-01-21 and recovers on 2026-02-10."""
    write_history(tmp_path / "r", steps(1.0, 1.2, 1.0))
    return tmp_path / "r"


def both(results: Path) -> tuple[History, list[Change]]:
    past = history.read(results)
    return past, [change for change, _ in changes.find(results, past).found]


def shown(results: Path, since: str) -> list[str]:
    past, found = both(results)
    after = choice.since(since, past, None)
    return [change.date[:10] for change in choice.worth_showing(found, 0.01, after, improvements=True)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", ["time_x", "time_x", "sub.time_y"]),
        ("time_y", ["sub.time_y"]),
        ("^time", ["time_x", "time_x"]),
        (r"time_x\('b'\)$", ["time_x"]),
        ("nothing", []),
    ],
)
def test_benchmarks_are_chosen_as_asv_does(pattern: str, expected: list[str], tmp_path: Path) -> None:
    """By the name alone, or with the parameters in parentheses."""
    write_result(tmp_path / "r", 1, {"time_x": row([1, 2], ["'a'", "'b'"]), "sub.time_y": row([1])})
    found = choice.matching(history.read(tmp_path / "r").series, re.compile(pattern))
    assert [series.name.benchmark for series in found] == expected


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("2026-01-21", ["2026-02-10", "2026-01-21"]),
        ("2026-01-22", ["2026-02-10"]),
        ("2026-01-21T00:00:01", ["2026-02-10"]),
        ("2026-01-21T02:00:00+03:00", ["2026-02-10", "2026-01-21"]),
        ("2027-01-01", []),
        (commit_of(19)[:8], ["2026-02-10", "2026-01-21"]),
        (commit_of(20)[:8].upper(), ["2026-02-10"]),
        (commit_of(40), []),
    ],
)
def test_since_a_date_or_after_a_commit(since: str, expected: list[str], results: Path) -> None:
    """A date is included, a commit's own change is not."""
    assert shown(results, since) == expected


@pytest.mark.parametrize("since", ["yesterday", "", "abc", "2026-13-01", "f" * 40])
def test_what_is_neither_is_refused(since: str, results: Path) -> None:
    """The message says what would do."""
    with pytest.raises(UnknownMomentError, match="nor a date"):
        shown(results, since)


def test_the_repository_resolves_names(results: Path, tmp_path: Path) -> None:
    """A tag of a commit that was never measured has a date all the same."""
    moment = "2026-01-25T00:00:00Z"
    names = {f"GIT_{who}_{what}": "t@x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    dates = {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **names, **dates}
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"], ["tag", "v1"]):
        subprocess.run(["git", *command], cwd=tmp_path, env=environ, check=True)
    past, found = both(results)
    after = choice.since("v1", past, tmp_path)
    chosen = choice.worth_showing(found, 0.0, after, improvements=True)
    assert [change.date[:10] for change in chosen] == ["2026-02-10"]
    with pytest.raises(UnknownMomentError):
        choice.since("--all", past, tmp_path)


def test_small_changes_and_improvements_are_shown_on_demand(results: Path) -> None:
    """The smallest size is relative; without asking there are regressions only."""
    _, found = both(results)
    assert [change.kind for change in choice.worth_showing(found, 0.1, None, improvements=False)] == [
        "regression"
    ]
    assert len(choice.worth_showing(found, 0.1, None, improvements=True)) == 2
    assert choice.worth_showing(found, 0.5, None, improvements=True) == []


def test_a_change_is_found_by_the_beginning_of_its_identifier(results: Path) -> None:
    """As commits are; what fits several or none is refused."""
    _, found = both(results)
    assert [choice.identified(found, change.identifier[:6].upper()) for change in found] == found
    for start in ("", "zzz", "0123456789"):
        with pytest.raises(UnknownChangeError, match="no change"):
            choice.identified(found, start)
    with pytest.raises(UnknownChangeError, match="names 2 changes"):
        choice.identified(found * 2, found[0].identifier)
