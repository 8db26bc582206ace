import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from machmeter_workloads.data.cubes import CubeSpec, make_cube
from machmeter_workloads.errors import UnreadableError
from machmeter_workloads.storage import conversion
from machmeter_workloads.storage.conversion import Job, Outcome, Status, convert, find_jobs
from machmeter_workloads.storage.conversion_pool import convert_all
from machmeter_workloads.storage.formats import FORMATS, Format
from machmeter_workloads.storage.source import UNLIMITED

# Newer versions of Python warn of every fork beside a thread, and numpy's libraries have some.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

CUBES = [make_cube(CubeSpec(12, 16, 4), index)[0] for index in range(6)]
FullDisk = Callable[[], AbstractContextManager[None]]


def fill(folder: Path, name: str, count: int = 3) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index, cube in enumerate(CUBES[:count]):
        FORMATS[name].write(folder / f"{index}{FORMATS[name].suffix}", cube)
    return folder


def jobs_for(tmp_path: Path, count: int = 3, *, verify: bool = True) -> list[Job]:
    source = fill(tmp_path / "source", "original", count)
    return find_jobs(source, tmp_path / "target", "original", "fp16", verify=verify)


def run(jobs: list[Job], workers: int = 1) -> list[Outcome]:
    return list(convert_all(jobs, workers, lambda: False))


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_every_format_becomes_every_other(tmp_path: Path, source: str, to: str) -> None:
    """The target holds the source's values, rounded as the target does."""
    fill(tmp_path / "source", source, 1)
    [job] = find_jobs(tmp_path / "source", tmp_path / "target", source, to, verify=True)
    assert convert(job).status is Status.CONVERTED
    expected = CUBES[0].astype(FORMATS[source].dtype).astype(FORMATS[to].dtype)
    np.testing.assert_array_equal(FORMATS[to].read(job.target, UNLIMITED), expected)


def test_names_and_subfolders_are_kept(tmp_path: Path) -> None:
    """Only the suffix changes; other files, hidden ones and the target itself are no sources."""
    source = fill(tmp_path / "a", "fp16", 1)
    fill(source / "b.c", "fp16", 1)
    fill(source / "target", "fp16", 1)
    for name in ("notes.txt", ".0.blosc", "x.part"):
        (source / name).touch()
    jobs = find_jobs(source, source / "target", "fp16", "raw16", verify=True)
    targets = [str(job.target.relative_to(source / "target")) for job in jobs]
    assert targets == ["0.raw16", "b.c/0.raw16"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Not an empty list."""
    with pytest.raises(UnreadableError, match=r"missing: No such file"):
        find_jobs(tmp_path / "missing", tmp_path / "target", "fp16", "raw16", verify=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_finished_files_are_kept(tmp_path: Path, workers: int) -> None:
    """Converting again writes nothing."""
    jobs = jobs_for(tmp_path)
    first = run(jobs, workers)
    inodes = [job.target.stat().st_ino for job in jobs]
    second = run(jobs, workers)
    assert {outcome.status for outcome in first} == {Status.CONVERTED}
    assert {outcome.status for outcome in second} == {Status.KEPT}
    assert [job.target.stat().st_ino for job in jobs] == inodes


def test_the_bytes_of_both_sides_are_told(tmp_path: Path) -> None:
    """They are the sizes of the files."""
    [job] = jobs_for(tmp_path, 1)
    [outcome] = run([job])
    assert outcome.source_bytes == job.source.stat().st_size
    assert outcome.target_bytes == job.target.stat().st_size


@pytest.mark.parametrize("workers", [1, 2])
def test_a_damaged_source_is_named_and_the_others_are_converted(tmp_path: Path, workers: int) -> None:
    """Nobody is told to remove a photograph, and nothing appears under the damaged one's name."""
    jobs = jobs_for(tmp_path, 5)
    jobs[2].source.write_bytes(jobs[2].source.read_bytes()[:-100])
    failed = [outcome for outcome in run(jobs, workers) if outcome.status is Status.FAILED]
    assert [outcome.job for outcome in failed] == [jobs[2]]
    assert "2.dat is damaged: it holds 743 of 768 values" in failed[0].problem
    assert failed[0].advice == "It is left as it is."
    assert files_in(tmp_path / "target") == ["0.blosc", "1.blosc", "3.blosc", "4.blosc"]


@pytest.mark.parametrize(
    ("value", "reason"), [(np.nan, "1 values that are no"), (7e4, "70000, and float16 ends")]
)
def test_values_that_do_not_fit_name_the_source(tmp_path: Path, value: float, reason: str) -> None:
    """The cube is not converted, and the next one is."""
    jobs = jobs_for(tmp_path, 2)
    cube = CUBES[0].copy()
    cube[0, 1, 2] = value
    FORMATS["original"].write(jobs[0].source, cube)
    first, second = run(jobs)
    assert f"source/0.dat holds {reason}" in first.problem
    assert second.status is Status.CONVERTED
    assert not jobs[0].target.exists()


def test_values_that_are_no_numbers_are_refused_for_float32_too(tmp_path: Path) -> None:
    """A target that could hold them does not."""
    [job] = jobs_for(tmp_path, 1)
    FORMATS["original"].write(job.source, np.full((2, 2, 2), np.inf, np.float32))
    assert "0.dat holds 8 values that are no numbers" in convert(replace(job, target_format="blosc")).problem


def test_a_full_disk_ends_it(tmp_path: Path, full_disk: FullDisk) -> None:
    """The file is named, finished ones stay, and no other file is tried."""
    jobs = jobs_for(tmp_path)
    run(jobs[:1])
    before = files_in(tmp_path / "target")
    with full_disk():
        kept, full = run(jobs)
    assert (kept.status, full.status) == (Status.KEPT, Status.FAILED)
    assert "target/1.blosc: File too large" in full.problem
    assert "Free some space" in full.advice
    assert files_in(tmp_path / "target") == before


def test_a_full_disk_ends_it_with_several_workers(tmp_path: Path, full_disk: FullDisk) -> None:
    """What was begun is told; nothing half-written is left."""
    jobs = jobs_for(tmp_path, 6)
    with full_disk():
        outcomes = run(jobs, 2)
    assert 1 <= len(outcomes) < 6
    assert all(outcome.hopeless for outcome in outcomes)
    assert files_in(tmp_path / "target") == []


def test_a_target_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    jobs = jobs_for(tmp_path, 1)
    (tmp_path / "target").touch()
    [outcome] = run(jobs)
    assert "target: File exists" in outcome.problem
    assert outcome.hopeless


def test_an_existing_file_with_other_values_is_named_and_left_alone(tmp_path: Path) -> None:
    """Verifying looks at files that were there before; without it they are kept unread."""
    [job] = jobs_for(tmp_path, 1)
    run([job])
    FORMATS["fp16"].write(job.target, CUBES[1])
    before = job.target.read_bytes()
    outcome = convert(job)
    assert f"{job.target} is damaged: it does not hold what {job.source} holds" in outcome.problem
    assert f"rm {job.target}" in outcome.advice
    assert convert(replace(job, verify=False)).status is Status.KEPT
    assert job.target.read_bytes() == before


def write_wrongly(path: Path, cube: np.ndarray) -> None:
    FORMATS["fp16"].write(path, cube + 1)


def test_a_file_that_was_written_wrongly_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading back finds what a bad disk or memory did; without it nobody would know."""
    [job] = jobs_for(tmp_path, 1)
    wrong = replace(FORMATS["fp16"], write=write_wrongly)
    monkeypatch.setattr(conversion, "FORMATS", {**FORMATS, "fp16": wrong})
    assert "does not hold what" in convert(job).problem
    assert not job.target.exists()
    assert convert(replace(job, verify=False)).status is Status.CONVERTED


def test_an_interruption_finishes_what_was_begun(tmp_path: Path) -> None:
    """After the request to stop no further file is begun."""
    jobs = jobs_for(tmp_path, 4)
    answers = iter([False, False, True])
    outcomes = list(convert_all(jobs, 1, lambda: next(answers)))
    assert [outcome.job for outcome in outcomes] == jobs[:2]
    assert files_in(tmp_path / "target") == ["0.blosc", "1.blosc"]


def kill_self(path: Path, source: object) -> np.ndarray:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def test_a_killed_worker_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The conversion ends and says what to do, instead of waiting for ever."""
    deadly = Format(".dat", FORMATS["original"].write, kill_self, FORMATS["original"].dtype)
    jobs = jobs_for(tmp_path)
    monkeypatch.setattr(conversion, "FORMATS", {**FORMATS, "original": deadly})
    outcomes = run(jobs, 2)
    assert outcomes
    assert all("A process was killed" in outcome.problem for outcome in outcomes)
    assert "fewer workers" in outcomes[0].advice
