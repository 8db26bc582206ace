import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from asv_results import commit_of, row, steps, write_history, write_result
from click.testing import CliRunner, Result

from machmeter.cli import main
from machmeter.machine.fingerprint import fingerprint


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A regression of 20% at commit 20 that is taken back at commit 40, and a quiet benchmark."""
    for number, value in enumerate(steps(1.0, 1.2, 1.0)):
        write_result(
            tmp_path / "r", number, {"time_x": row([value]), "time_quiet": row([1.0 + number % 3 / 500])}
        )
    return tmp_path / "r"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["changes", *map(str, arguments)])


def records(*arguments: object) -> list[dict[str, Any]]:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_regressions_are_listed_and_the_exit_code_is_zero(results: Path) -> None:
    """Any asv results directory will do, without a configuration; nothing else is printed to stdout."""
    done = run("--results", results)
    assert done.exit_code == 0
    for word in (
        "+20.",
        "time_x",
        f"{commit_of(19)[:8]}..{commit_of(20)[:8]}",
        "recovered in",
        "1 regression in 2",
    ):
        assert word in done.stdout
    assert "has no results here" in done.stderr


def test_improvements_are_listed_on_demand(results: Path) -> None:
    """By default only regressions."""
    assert [each["kind"] for each in records("--results", results)] == ["regression"]
    assert [each["kind"] for each in records("--results", results, "--all")] == ["improvement", "regression"]


def test_changes_are_chosen_by_size_and_date(results: Path) -> None:
    """What is too small or too old is left out; that is no error."""
    assert records("--results", results, "--minimum", "50") == []
    assert records("--results", results, "--since", "2026-01-22") == []
    assert len(records("--results", results, "--since", commit_of(19))) == 1


def test_only_so_many_are_printed(results: Path) -> None:
    """The rest is counted; JSON is whole."""
    done = run("--results", results, "--all", "--most", "1")
    assert "The newest 1 are shown" in done.stdout
    assert len(records("--results", results, "--all", "--most", "1")) == 2


def test_markdown_is_for_issues(results: Path) -> None:
    """A table with the benchmark as code."""
    done = run("--results", results, "--format", "markdown")
    assert "| `time_x` |" in done.stdout


def test_a_name_that_matches_nothing_is_its_own_exit_code(results: Path) -> None:
    """Never taken for "no regressions"."""
    done = run("--results", results, "-b", "nothing")
    assert (done.exit_code, done.stdout) == (4, "")
    assert 'no benchmark matches "nothing"' in done.stderr


def test_no_results_are_their_own_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the folder is empty or has not been made yet."""
    (tmp_path / "empty").mkdir()
    assert run("--results", tmp_path / "empty").exit_code == 4
    (tmp_path / "asv.conf.json").write_text('{"version": 1, "repo": ".", "results_dir": "results"}')
    monkeypatch.chdir(tmp_path)
    done = run()
    assert done.exit_code == 4
    assert "holds no results" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("-b", "("),
        ("--machine", "unknown"),
        ("--since", "yesterday"),
        ("--minimum", "-1"),
        ("--results", "/nowhere"),
    ],
)
def test_wrong_usage_is_exit_code_two(arguments: tuple[str, ...], results: Path) -> None:
    """With a message instead of a traceback."""
    done = run("--results", results, *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr


def test_an_unknown_machine_is_answered_with_the_known_ones(results: Path) -> None:
    """Nobody has to look them up."""
    assert "box" in run("--results", results, "--machine", "unknown").stderr


def test_this_machine_is_the_default(results: Path) -> None:
    """Other machines' results are shown only where this one has none, or on demand."""
    write_history(results, steps(2.0, 3.0), machine=fingerprint().tag)
    assert {each["machine"] for each in records("--results", results)} == {fingerprint().tag}
    assert {each["machine"] for each in records("--results", results, "--machine", "box")} == {"box"}


def test_broken_files_are_named_and_the_others_read(results: Path) -> None:
    """On stderr; what was read is shown."""
    (results / "box" / "half.json").write_text("{")
    done = run("--results", results)
    assert "half.json is left out" in done.stderr
    assert "time_x" in done.stdout


def test_what_is_kept_is_told_on_demand(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be written is told in any case."""
    assert "written just now" in run("--results", results, "-v").stderr
    monkeypatch.setattr("machmeter.results.machine_files.TOO_FRESH_NS", 0)
    assert "was written" in run("--results", results, "-v").stderr
    (results.with_name("r.machmeter")).rename(results.with_name("moved"))
    results.with_name("r.machmeter").write_text("in the way")
    assert "could not be kept" in run("--results", results).stderr


def test_a_suite_without_dates_asks_its_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration names it."""
    monkeypatch.chdir(tmp_path)
    Path("asv.conf.json").write_text('{"version": 1, "repo": ".", "results_dir": "r"}')
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    environ |= {f"GIT_{who}_{what}": "t@x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", "init", "-q"], check=True)
    for number, value in enumerate(steps(1.0, 1.5, each=12)):
        moment = {f"GIT_{who}_DATE": f"2026-01-01T00:{number:02}:00Z" for who in ("AUTHOR", "COMMITTER")}
        subprocess.run(
            ["git", "commit", "-q", "--allow-empty", "-m", str(number)], env=environ | moment, check=True
        )
        head = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
        write_result(tmp_path / "r", number, {"time_x": row([value])}, commit_hash=head.strip(), date=None)
    (change,) = records()
    assert change["date"] == "2026-01-01T00:12:00+00:00"


@pytest.mark.parametrize("way", [".", "../r", "box/.."])
def test_any_way_to_the_folder_will_do(way: str, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept lies beside it, never inside."""
    monkeypatch.chdir(results)
    assert len(records("--results", way)) == 1
    assert sorted(path.name for path in results.parent.iterdir()) == ["r", "r.machmeter"]
    assert [path.name for path in results.iterdir()] == ["box"]


def test_the_command_explains_itself() -> None:
    """Its exit codes too."""
    done = run("--help")
    assert done.exit_code == 0
    assert "Exit code 0" in done.output
