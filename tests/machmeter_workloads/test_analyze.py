import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from machmeter_workloads.analyze import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, quality in enumerate((60, 80)):
        Image.new("RGB", (64, 48), (200, 100, number)).save(tmp_path / f"{number}.jpg", quality=quality)
    return tmp_path


def test_the_table_says_what_there_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line each for the folder, the heads and every quantity."""
    assert main([str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{folder}: 2 images, 0.0 MB (JPEG 2)"
    assert lines[1].split() == ["min", "10%", "50%", "90%", "99%", "max", "mean"]
    assert lines[2].split() == ["width,", "pixels", *["64"] * 7]
    assert lines[6].split() == ["JPEG", "quality", "60", "62", "70", "78", "80", "80", "70"]
    assert len({len(line) for line in lines[1:]}) == 1


def test_json_is_for_programs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object with all numbers."""
    assert main([str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["images"], found["formats"]) == (2, {"JPEG": 2})
    assert found["spreads"]["jpeg_quality"]["p50"] == 70


def test_damage_is_said_and_shown_in_the_exit_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The damaged file is named after the table of the others."""
    (folder / "empty.jpg").touch()
    assert main([str(folder)]) == 1
    out = capsys.readouterr().out
    assert "2 images" in out
    assert out.splitlines()[-1] == f"damaged: {folder / 'empty.jpg'}: it is empty"


def test_an_unreadable_file_is_said_and_shown_in_the_exit_code(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The system's words follow the name."""
    (folder / "memory.jpg").symlink_to("/proc/self/mem")
    assert main([str(folder)]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"unreadable: {folder / 'memory.jpg'}: Input/output error"


def test_nothing_to_look_at_is_an_error_with_the_next_command(tmp_path: Path) -> None:
    """As a program: exit code 2, nothing on the standard output, and one line that helps."""
    command = [sys.executable, "-m", "machmeter_workloads.analyze", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {tmp_path} has no images.")
    assert f'("ls -R {tmp_path}")' in done.stderr
