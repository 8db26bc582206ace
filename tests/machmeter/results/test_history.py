import shutil
import subprocess
from pathlib import Path

import pytest
from asv_results import commit_of, row, write_history, write_result, write_suite

from machmeter.results import history
from machmeter.results.history import History, Series


def only(found: History) -> Series:
    (series,) = found.series
    return series


def test_a_series_is_ordered_by_the_dates_of_its_commits(tmp_path: Path) -> None:
    """Whatever the names of the files are; the timeline holds commits and dates."""
    write_history(tmp_path / "r", [1.0, 2.0, 3.0, 4.0, 5.0])
    found = history.read(tmp_path / "r")
    assert only(found).values.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert found.timelines["box"].commits == tuple(map(commit_of, range(5)))
    assert list(found.timelines["box"].dates) == sorted(found.timelines["box"].dates)


def test_machines_environments_benchmarks_and_parameters_never_meet(tmp_path: Path) -> None:
    """Each combination is a series of its own."""
    for machine in ("one", "two"):
        for environment in ("py3.11", "py3.12"):
            write_result(
                tmp_path / "r",
                1,
                {"time_x": row([1.0, 2.0], ["'a'", "'b'"]), "time_y": row([3.0])},
                machine=machine,
                environment=environment,
            )
    names = [series.name for series in history.read(tmp_path / "r").series]
    assert len(set(names)) == len(names) == 12
    assert {name.params for name in names if name.benchmark == "time_x"} == {("'a'",), ("'b'",)}


def test_failed_and_skipped_results_are_left_out(tmp_path: Path) -> None:
    """A commit without a result has no point; a series without any is none."""
    write_history(tmp_path / "r", [1.0, float("nan"), 3.0])
    write_result(tmp_path / "r", 3, {"time_x": row(None), "time_never": row(None)})
    series = only(history.read(tmp_path / "r"))
    assert (series.values.tolist(), series.positions.tolist()) == ([1.0, 3.0], [0, 2])


def test_new_parameters_begin_new_series(tmp_path: Path) -> None:
    """Values are found by their parameters, not by their place in the list."""
    write_result(tmp_path / "r", 1, {"time_x": row([1.0, 2.0], ["'a'", "'b'"])})
    write_result(tmp_path / "r", 2, {"time_x": row([5.0, 2.1, 1.1], ["'c'", "'b'", "'a'"])})
    found = {series.name.params: series.values.tolist() for series in history.read(tmp_path / "r").series}
    assert found == {("'a'",): [1.0, 1.1], ("'b'",): [2.0, 2.1], ("'c'",): [5.0]}


def test_equal_representations_are_told_apart(tmp_path: Path) -> None:
    """Two parameters whose repr is the same are two series."""
    write_result(tmp_path / "r", 1, {"time_x": row([1.0, 2.0], ["<f>", "<f>"])})
    found = {series.name.params: series.values.tolist() for series in history.read(tmp_path / "r").series}
    assert found == {("<f>",): [1.0], ("<f> (2)",): [2.0]}


def test_the_suite_tells_units_and_names(tmp_path: Path) -> None:
    """A benchmark that it does not list any more has been removed."""
    write_suite(tmp_path / "r", time_x={"unit": "seconds", "param_names": ["n"]}, track_y={"unit": "img/s"})
    write_result(tmp_path / "r", 1, {"time_x": row([1.0], ["1"]), "track_y": row([1]), "mem_z": row([1])})
    about = {series.name.benchmark: series.about for series in history.read(tmp_path / "r").series}
    assert (about["time_x"].unit, about["time_x"].param_names) == ("seconds", ("n",))
    assert [about[name].higher_is_better for name in ("time_x", "track_y", "mem_z")] == [False, True, False]
    assert [about[name].listed for name in ("time_x", "track_y", "mem_z")] == [True, True, False]


@pytest.mark.parametrize("text", ["{", "[]", "null"])
def test_a_broken_description_is_named_and_the_results_are_read(text: str, tmp_path: Path) -> None:
    """Units are then guessed as asv names its benchmarks."""
    write_history(tmp_path / "r", [1.0])
    (tmp_path / "r" / "benchmarks.json").write_text(text)
    found = history.read(tmp_path / "r")
    assert (only(found).about.unit, only(found).about.listed) == ("seconds", True)
    assert ["benchmarks.json" in problem for problem in found.problems] == [True]


def test_results_of_another_machine_are_named_and_left_out(tmp_path: Path) -> None:
    """A file that was copied into the wrong folder never joins a series."""
    write_history(tmp_path / "r", [1.0, 2.0])
    stranger = write_result(tmp_path / "other", 9, {"time_x": row([9.0])}, machine="fast")
    shutil.copy(stranger, tmp_path / "r" / "box")
    found = history.read(tmp_path / "r")
    assert only(found).values.tolist() == [1.0, 2.0]
    assert [stranger.name in problem and "fast" in problem for problem in found.problems] == [True]


def test_two_files_of_one_commit_are_named_and_the_newer_counts(tmp_path: Path) -> None:
    """A copy under another name is no second point."""
    path = write_result(tmp_path / "r", 1, {"time_x": row([1.0])})
    copy = path.with_name("copy.json")
    copy.write_text(path.read_text().replace("1.0", "2.0"))
    found = history.read(tmp_path / "r")
    assert only(found).values.size == 1
    assert ["is left out" in problem for problem in found.problems] == [True]


def test_files_without_dates_need_the_repository(tmp_path: Path) -> None:
    """Without it they are named; with it the commits' own dates decide."""
    repository, commits = make_repository(tmp_path / "repo")
    for number, commit in enumerate(commits):
        write_result(tmp_path / "r", number, {"time_x": row([float(number)])}, commit_hash=commit, date=None)
    without = history.read(tmp_path / "r")
    assert without.series == ()
    assert len(without.problems) == len(commits)
    assert only(history.read(tmp_path / "r", project=repository)).values.tolist() == [0.0, 1.0, 2.0]


def make_repository(folder: Path) -> tuple[Path, list[str]]:
    folder.mkdir()
    commits = []
    for day in (1, 2, 3):
        moment = f"2026-01-0{day}T00:00:00Z"
        identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
        subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True)
        subprocess.run(
            ["git", *identity, "commit", "-q", "--allow-empty", "-m", str(day)],
            cwd=folder,
            check=True,
            env={
                "GIT_COMMITTER_DATE": moment,
                "GIT_AUTHOR_DATE": moment,
                "HOME": str(folder),
                "PATH": "/usr/bin:/bin",
            },
        )
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
        )
        commits.append(done.stdout.strip())
    return folder, commits


@pytest.mark.parametrize("made", [False, True])
def test_nothing_there_is_no_error(made: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """Neither for a missing folder nor for an empty one."""
    if made:
        (tmp_path / "r" / "box").mkdir(parents=True)
    found = history.read(tmp_path / "r")
    assert (found.series, found.problems) == ((), ())
