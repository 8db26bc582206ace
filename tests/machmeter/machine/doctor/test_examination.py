import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from machmeter.machine.doctor import processes, reading
from machmeter.machine.doctor.examination import examine
from machmeter.machine.doctor.finding import Finding, shown

SPIN = "print('spinning', flush=True)\nwhile True: pass"


@pytest.fixture
def spinner() -> Iterator[int]:
    """Start a child that uses all of a core, and give its number."""
    with subprocess.Popen([sys.executable, "-c", SPIN], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child.pid
        child.kill()


def findings_about(pid: int, folder: Path) -> list[Finding]:
    # On a crowded machine the child may get no core for a whole window: look again.
    for _ in range(20):
        found = [each for each in examine(folder, folder) if f"(pid {pid}, " in each.found]
        if found:
            return found
    return []


def test_a_spinning_process_is_named_with_its_share(spinner: int, tmp_path: Path) -> None:
    """Who takes a core is told by name, user, number and share."""
    (finding,) = findings_about(spinner, tmp_path)
    assert finding.check == "other processes"
    assert psutil.Process(spinner).name() in finding.found
    assert psutil.Process().username() in finding.found
    share = int(finding.found.rpartition(" uses ")[2].partition("%")[0])
    assert 10 <= share <= 110


def test_it_is_quick_and_changes_no_file(tmp_path: Path) -> None:
    """The best of three examinations takes less than two seconds, and leaves the folders empty."""
    took = []
    for _ in range(3):
        started = time.perf_counter()
        examine(tmp_path / "data", tmp_path / "results")
        took.append(time.perf_counter() - started)
    assert min(took) < 2
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_itself_is_no_other_process() -> None:
    """Its own process is not in its list."""
    found = processes.snapshot()
    assert found is not None
    assert os.getpid() not in {pid for pid, _ in found}


def test_processes_that_cannot_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without /proc nobody knows who runs."""

    def refuse() -> Iterator[psutil.Process]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(psutil, "process_iter", refuse)
    assert processes.uses(processes.snapshot(), processes.snapshot(), 0.5) is None


def test_only_thread_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment may hold secrets: nothing else of it is taken."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("MACHMETER_TEST_TOKEN", "secret")
    found = reading.read({}, window_s=0.0)
    assert found.environment["OMP_NUM_THREADS"] == "1"
    assert "secret" not in repr(found)


def test_a_disk_is_found_above_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    """The room for a directory that is yet to be made is that of its parent."""
    disk = reading.read({"data": tmp_path / "not" / "yet"}, window_s=0.0).disks[0]
    assert (disk.role, disk.writable) == ("data", True)
    assert (disk.free_bytes or 0) > 0


def test_names_are_printable_and_short() -> None:
    """A process may call itself anything."""
    assert shown("\x1b]0;x\x07" + "y" * 100) == "\ufffd]0;x\ufffd" + "y" * 53 + "…"
