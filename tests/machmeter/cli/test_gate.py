import io
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from machmeter.cli import gate as command
from machmeter.cli import main
from machmeter.cli.progress import Progress
from machmeter.errors import ForeignPairsError, NothingToMeasureError, UnwritableError
from machmeter.gate.compare import Request
from machmeter.gate.questions import Question
from machmeter.gate.trial import Trial
from machmeter.pairs import Comparison, Verdict


def comparison(*words: str) -> Comparison:
    return Comparison(
        identifier="c1",
        base="a" * 40,
        head="b" * 40,
        tag="tag",
        node="node",
        started_at="2026-01-01T00:00:00+00:00",
        threshold=0.01,
        alpha=0.01,
        budget_s=60.0,
        environment="env",
        threads={},
        verdicts=tuple(Verdict(f"bench.{number}", (), word) for number, word in enumerate(words)),
    )


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite in a git repository with one commit, which is the working directory."""
    (tmp_path / "asv.conf.json").write_text('{"version": 1, "repo": ".", "branches": ["main"]}')
    for arguments in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-q", "-m", "first"],
    ):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["gate", *arguments])
    return done.exit_code, done.output


def ends_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Have the comparison end with an error."""

    def compare(*_: object) -> Comparison:
        raise error

    monkeypatch.setattr(command, "compare", compare)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["unchanged", "slower", "failed", "inconclusive"], 1),
        (["unchanged", "failed", "inconclusive"], 6),
        (["unchanged", "inconclusive"], 3),
        (["faster", "work changed"], 3),
        (["unchanged", "faster", "added", "removed", "skipped"], 0),
        (["faster"], 0),
        (["added", "removed", "skipped"], 4),
        ([], 4),
    ],
)
def test_the_exit_code_is_the_worst_verdict(words: Sequence[str], code: int) -> None:
    """0 says that something was measured and nothing is slower, failed or open."""
    assert command.exit_code(comparison(*words)) == code


@pytest.mark.parametrize("option", ["--threshold", "--alpha"])
@pytest.mark.parametrize("text", ["0", "-1%", "abc", "200%", "1", "nan", "inf", "", "1%%", "%"])
def test_a_share_that_is_none_is_a_usage_error(option: str, text: str) -> None:
    """The message names what was written and how to write it."""
    code, output = run("main", f"{option}={text}")
    assert code == 2
    assert 'is no share above 0 and below 1; write "1%" or "0.01"' in output


@pytest.mark.parametrize(("text", "share"), [("1%", 0.01), ("0.01", 0.01), ("0.5%", 0.005), (" 2 %", 0.02)])
def test_a_share_is_read(text: str, share: float) -> None:
    """With a percent sign or without."""
    assert command.Share().convert(text, None, None) == pytest.approx(share)


@pytest.mark.parametrize("budget", ["0", "-5", "soon"])
def test_a_budget_that_is_none_is_a_usage_error(budget: str) -> None:
    """A budget of no time measures nothing."""
    assert run("main", f"--budget={budget}")[0] == 2


@pytest.mark.parametrize("name", ["v9.9", "", "--", "0000000", "main^{tree}x", "HEAD~7"])
def test_an_unknown_commit_is_a_usage_error(repository: Path, name: str) -> None:
    """The fact, the reason and the next command."""
    code, output = run("--", name)
    assert code == 2
    assert f"{name!r} is no commit of" in output
    assert "nothing to compare with" in output
    assert "git fetch" in output


def test_an_unknown_head_is_a_usage_error(repository: Path) -> None:
    """Both names are looked up before anything is built."""
    code, output = run("main", "elsewhere")
    assert (code, "'elsewhere' is no commit of" in output) == (2, True)


def test_uncommitted_changes_are_refused_where_no_head_is_named(repository: Path) -> None:
    """They may be what was meant to be measured."""
    (repository / "asv.conf.json").write_text('{"version": 1, "repo": ".", "branches": ["main"], "x": 1}')
    code, output = run("main")
    assert code == 2
    assert "1 files have uncommitted changes (asv.conf.json)." in output
    assert "machmeter gate BASE HEAD" in output


def test_uncommitted_changes_are_a_note_where_a_head_is_named(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader learns that only commits were measured."""
    (repository / "asv.conf.json").write_text('{"version": 1, "repo": ".", "branches": ["main"], "x": 1}')
    asked: list[Request] = []

    def compare(_conf: object, _repo: object, request: Request, *_: object) -> Comparison:
        asked.append(request)
        return comparison("unchanged")

    monkeypatch.setattr(command, "compare", compare)
    assert run("main", "main")[0] == 0
    assert asked[0].notes == (
        "1 files have uncommitted changes: commits were measured, with the suite as it is here",
    )


def test_files_that_git_does_not_know_are_no_changes(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results and notes lie about in every checkout."""
    (repository / "notes.txt").write_text("new")
    monkeypatch.setattr(command, "compare", lambda *_: comparison("unchanged"))
    assert run("main")[0] == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NothingToMeasureError("nothing", ["b cannot be imported"]), 4),
        (ForeignPairsError("a" * 40, "b" * 40, "one", "two"), 5),
        (UnwritableError(Path("/x"), OSError(28, "No space left on device")), 2),
        (KeyboardInterrupt(), 130),
    ],
    ids=["nothing", "hardware", "disk", "interrupted"],
)
def test_no_error_looks_like_a_verdict(
    repository: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    """Each has its own exit code, which is never that of "slower"."""
    ends_with(monkeypatch, error)
    found, output = run("main")
    assert found == code
    assert output.startswith("machmeter: ")


def test_github_gets_annotations_and_a_summary(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What other steps wrote into the summary is kept."""
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setattr(command, "compare", lambda *_: comparison("slower", "unchanged"))
    assert run("main", "--format", "github") == (
        1,
        "::error title=bench.0%3A slower::bench.0 is slower\n",
    )
    assert summary.read_text().startswith("before\n### machmeter: 1 slower, 1 unchanged")


def test_without_a_summary_the_table_is_printed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command works outside of GitHub."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setattr(command, "compare", lambda *_: comparison("unchanged"))
    assert "### machmeter: 1 unchanged" in run("main", "--format", "github")[1]


def test_markdown_is_printed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For an issue or a pull request."""
    monkeypatch.setattr(command, "compare", lambda *_: comparison("faster"))
    assert run("main", "--format", "markdown")[1].startswith("### machmeter: 1 faster")


def trial(word: str | None) -> Trial:
    made = Trial(Question("bench.time_x\x1b[31m", ("[b]",), {}), 0.01)
    made.verdict = None if word is None else made.answer(word)
    return made


def test_progress_is_a_line_a_verdict_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log gets each verdict once, and nothing that a terminal would obey, whatever rich is told."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = io.StringIO()
    with Progress(stream) as progress:
        progress.trials([trial("unchanged"), trial(None)], 5.0)
        progress.trials([trial("unchanged"), trial(None)], 4.0)
    assert (
        stream.getvalue() == "· unchanged: bench.time_x\N{REPLACEMENT CHARACTER}[31m([b])  (0 pairs, 0 s)\n"
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_a_live_line_on_a_terminal() -> None:
    """It says how many are decided, how long it may take, and what is being measured."""
    stream = Terminal()
    with Progress(stream) as progress:
        progress.trials([trial("unchanged"), trial(None)], 5.0)
    assert "1 of 2 decided, 5 s left; bench.time_x\N{REPLACEMENT CHARACTER}[31m" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[2K")


def test_a_defect_of_ours_never_looks_like_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody expected ends with code 70 and its traceback, not with "slower"."""

    def broken(*_: object) -> None:
        raise RuntimeError("not foreseen")

    monkeypatch.setattr("machmeter.cli.machine.fingerprint", broken)
    result = CliRunner().invoke(main, ["machine"])
    assert result.exit_code == 70
    assert "not foreseen" in result.output
