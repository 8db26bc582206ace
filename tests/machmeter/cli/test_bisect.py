from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from toy import Suite, make_suite

from machmeter.cli import bisect as command
from machmeter.cli import main
from machmeter.errors import AmbiguousBenchmarkError, NothingToMeasureError
from machmeter.gate.bisect import STOPPED
from machmeter.pairs import Comparison, Verdict
from machmeter.results.bisections import Bisection, Commit, FoundStep

VERDICT = Verdict("bench.time_x", (), "slower", clock="cpu", ratio=1.3, low=1.28, high=1.32, pairs=12)
CONFIRMED = Comparison(
    "x", "a" * 40, "b" * 40, "tag", "node", "2026-01-01", 0.01, 0.01, 40.0, "py3.11", {}, verdicts=(VERDICT,)
)
NOTHING = Bisection(
    "a" * 40, "b" * 40, "bench.time_x", (), "tag", "node", "2026-01-01", "py3.11", 0.01, 0.01, 8,
    word="unchanged", ratio=1.0, low=0.999, high=1.001, clock="cpu", confirming_pairs=8,
)  # fmt: skip
FOUND = replace(
    NOTHING, word="slower", ratio=1.3, steps=(FoundStep((Commit("c" * 40),), 0.999, 1.3, 1.28, 1.32, 1.0),)
)


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """Two commits in the current folder."""
    made = make_suite(tmp_path)
    made.commit("second", {"a.txt": "1"})
    monkeypatch.chdir(made.folder)
    return made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["bisect", *arguments])


@pytest.mark.parametrize(
    ("confirmed", "found", "code"),
    [
        (CONFIRMED, FOUND, 1),
        (CONFIRMED, replace(FOUND, ended="the time is over"), 3),
        (CONFIRMED, replace(FOUND, ended=STOPPED), 130),
        (replace(CONFIRMED, verdicts=(replace(VERDICT, word="unchanged"),)), NOTHING, 0),
        (replace(CONFIRMED, verdicts=(replace(VERDICT, word="faster"),)), NOTHING, 0),
        (replace(CONFIRMED, verdicts=(replace(VERDICT, word="inconclusive"),)), NOTHING, 3),
        (replace(CONFIRMED, verdicts=(replace(VERDICT, word="failed"),)), NOTHING, 6),
    ],
)
def test_the_exit_code_tells_how_it_went(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, confirmed: Comparison, found: Bisection, code: int
) -> None:
    """As the gate's, in every form; JSON is one object."""
    monkeypatch.setattr(command, "bisect", lambda *_: (confirmed, found))
    for form in ([], ["--json"], ["--format", "markdown"]):
        done = run("HEAD~1", "HEAD", "-b", "time_x", *form)
        assert done.exit_code == code, done.output
        assert done.stdout.strip()


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (NothingToMeasureError("x", ()), 4, "No benchmark matches"),
        (AmbiguousBenchmarkError("x", ["a.time_x('p')", "a.time_y"]), 2, "a.time_y"),
        (KeyboardInterrupt(), 130, "--resume"),
    ],
)
def test_what_stops_it_is_told(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, told: str
) -> None:
    """Nothing to measure, too much to choose from, Ctrl-C while confirming."""

    def stop(*_: object) -> None:
        raise error

    monkeypatch.setattr(command, "bisect", stop)
    done = run("HEAD~1", "HEAD", "-b", "time_x")
    assert (done.exit_code, done.stdout) == (code, "")
    assert told in done.stderr


def test_wrong_commits_are_usage(suite: Suite) -> None:
    """An unknown commit, and a good one that is no ancestor, before anything is installed."""
    assert run("nowhere", "HEAD", "-b", "x").exit_code == 2
    swapped = run("HEAD", "HEAD~1", "-b", "x")
    assert swapped.exit_code == 2
    assert "Swap them" in swapped.stderr
    assert not (suite.folder / "env").exists()


def test_a_benchmark_must_be_named(suite: Suite) -> None:
    """Click says so."""
    assert run("HEAD~1", "HEAD").exit_code == 2


def test_the_advice_can_be_typed() -> None:
    """Quotes of parameters are quoted for the shell."""
    error = AmbiguousBenchmarkError("x", ["a.time_x('p')", "a.time_y"])
    assert error.next_command.endswith("""-b '^a\\.time_x\\('"'"'p'"'"'\\)$'.""")
