import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from machmeter_workloads.convert import main
from machmeter_workloads.data.cubes import CubeSpec, make_cube
from machmeter_workloads.storage.formats import FORMATS

# Newer versions of Python warn of every fork beside a thread, and numpy's libraries have some.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

CUBE = make_cube(CubeSpec(12, 16, 4), 0)[0]
COMMAND = [sys.executable, "-m", "machmeter_workloads.convert"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for index in range(3):
        FORMATS["original"].write(folder / f"{index}.dat", CUBE + np.float32(index))
    return folder


def convert(source: Path, *more: str, to: str = "fp16") -> int:
    return main([str(source), str(source.parent / "target"), "--from", "original", "--to", to, *more])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_folder_is_converted(source: Path, capsys: pytest.CaptureFixture[str], workers: str) -> None:
    """Status 0, a line of summary on stdout, the progress on stderr."""
    assert convert(source, "--workers", workers) == 0
    output = capsys.readouterr()
    assert names(source.parent / "target") == ["0.blosc", "1.blosc", "2.blosc"]
    assert output.out.startswith("3 converted, 0 kept, 0 failed: 0.0 MB of original are 0.0 MB of fp16.")
    assert [line.split(" (")[0] for line in output.err.splitlines()] == [
        "1 of 3 files",
        "2 of 3 files",
        "3 of 3 files",
    ]


def test_a_summary_for_programs(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json stdout is one object, with what failed by name."""
    (source / "1.dat").write_bytes(b"")
    assert convert(source, "--json") == 1
    summary = json.loads(capsys.readouterr().out)
    assert {
        key: summary[key] for key in ("from", "to", "converted", "kept", "failed", "not_begun", "verified")
    } == {
        "from": "original",
        "to": "fp16",
        "converted": 2,
        "kept": 0,
        "failed": 1,
        "not_begun": 0,
        "verified": True,
    }
    assert [failure["file"] for failure in summary["failures"]] == [str(source / "1.dat")]


def test_a_damaged_file_is_named_on_stderr(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1, and the others are converted."""
    (source / "1.dat").write_bytes(b"\0" * 100)
    assert convert(source) == 1
    assert f"{source / '1.dat'} is damaged: its header reads [0, 0, 0]" in capsys.readouterr().err
    assert names(source.parent / "target") == ["0.blosc", "2.blosc"]


@pytest.mark.parametrize(("precision", "dtype"), [("16", np.float16), ("32", np.float32)])
def test_the_precision_is_chosen_as_in_htc(source: Path, precision: str, dtype: type) -> None:
    """The Blosc format exists with both."""
    assert convert(source, "--precision", precision, to="blosc") == 0
    written = (source.parent / "target" / "0.blosc").read_bytes()
    assert (b"f2" if dtype is np.float16 else b"f4") in written[:120]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--precision", "32"], r'no format "fp16" with 32 bits'),
        (["--precision", "24"], r"invalid choice"),
        (["--workers", "0"], r"at least 1 process"),
        (["--workers", "many"], r"many is no number"),
        (["--to", "png"], r"invalid choice"),
        (["--to", "original"], r"to the same format"),
        (["--from", "raw16"], r'holds no file that ends in "\.raw16"'),
    ],
)
def test_wrong_arguments_have_a_status_of_their_own(
    source: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    """Status 2, the reason on stderr, and nothing is made."""
    try:
        status = convert(source, *arguments)
    except SystemExit as exit_:
        status = int(exit_.code or 0)
    assert status == 2
    assert re.search(reason, capsys.readouterr().err)
    assert not (source.parent / "target").exists()


def test_a_missing_folder_is_an_argument_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, and the folder is named."""
    assert convert(tmp_path / "missing") == 2
    assert "missing: No such file or directory" in capsys.readouterr().err


def test_a_source_is_never_its_own_target(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two formats share a suffix."""
    assert convert(source, to="blosc") == 0
    target = str(source.parent / "target")
    assert main([target, target, "--from", "blosc", "--to", "fp16"]) == 2
    assert "is the source, and the converted files would have the same names" in capsys.readouterr().err


def test_a_full_disk_is_named(
    source: Path, capsys: pytest.CaptureFixture[str], full_disk: Callable[[], AbstractContextManager[None]]
) -> None:
    """Status 1 with advice; how many were not begun is told."""
    with full_disk():
        assert convert(source, "--workers", "1") == 1
    output = capsys.readouterr()
    assert "target/0.blosc: File too large" in output.err
    assert "Free some space" in output.err
    assert "1 failed, 2 not begun" in output.out
    assert names(source.parent / "target") == []


def test_the_help_says_what_is_needed() -> None:
    """Formats, exit statuses and an example."""
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True)
    for part in (
        *FORMATS,
        "SOURCE_DIR",
        "--no-verify",
        "htc raw16 --precision 16",
        "exit status:",
        "example:",
    ):
        assert part in done.stdout


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_keeps_what_is_finished(source: Path, number: int, status: int) -> None:
    """The files in hand are finished, nothing else is begun, no process and no half-written file is left."""
    many = source.parent / "many"
    many.mkdir()
    for index in range(3000):
        os.link(source / "0.dat", many / f"{index:04d}.dat")
    target = source.parent / "target"
    command = [*COMMAND, str(many), str(target), "--from", "original", "--to", "raw16", "--workers", "2"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stderr is not None
        assert running.stdout is not None
        running.stderr.readline()
        os.killpg(running.pid, number) if number == signal.SIGINT else running.send_signal(number)
        errors, output = running.stderr.read(), running.stdout.read()
        running.wait()
    assert running.returncode == status
    assert "Traceback" not in errors
    assert "not begun" in output
    finished = names(target)
    assert 0 < len(finished) < 3000
    assert all(name.endswith(".raw16") and not name.startswith(".") for name in finished)
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)


def test_a_killed_command_leaves_no_worker(source: Path) -> None:
    """The kernel ends the workers with their parent."""
    many = source.parent / "many"
    many.mkdir()
    for index in range(3000):
        os.link(source / "0.dat", many / f"{index:04d}.dat")
    command = [
        *COMMAND,
        str(many),
        str(source.parent / "t"),
        "--from",
        "original",
        "--to",
        "raw16",
        "--workers",
        "2",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as running:
        assert running.stderr is not None
        running.stderr.readline()
        running.kill()
        # Ends only once every process that holds the other end is gone.
        running.stderr.read()
    assert running.returncode == -signal.SIGKILL


def test_a_terminal_shows_one_line(source: Path) -> None:
    """The progress is written over; a failure stays on a line of its own."""
    (source / "1.dat").write_bytes(b"")
    own, theirs = pty.openpty()
    done = subprocess.run(
        [
            *COMMAND,
            str(source),
            str(source.parent / "t"),
            "--from",
            "original",
            "--to",
            "fp16",
            "--workers",
            "1",
        ],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        check=False,
    )
    os.close(theirs)
    fcntl.fcntl(own, fcntl.F_SETFL, os.O_NONBLOCK)
    shown = os.read(own, 65536).decode()
    os.close(own)
    assert done.returncode == 1
    assert shown.count("\n") == 2
    assert "3 of 3 files (2 converted, 0 kept, 1 failed)" in shown


def test_what_a_killed_conversion_left_behind_is_removed(source: Path) -> None:
    """Once it is more than a day old."""
    target = source.parent / "target"
    target.mkdir()
    (target / ".0.blosc.1-a.part").touch()
    long_ago = time.time() - 2 * 24 * 3600
    os.utime(target / ".0.blosc.1-a.part", (long_ago, long_ago))
    assert convert(source) == 0
    assert names(target) == ["0.blosc", "1.blosc", "2.blosc"]
