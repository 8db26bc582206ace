"""Temporary folders of drivers that are alive, and of those that were killed."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from machmeter.gate.scratch import Scratch


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_it_is_removed() -> None:
    """With everything in it."""
    scratch = Scratch()
    (scratch.folder / "file").write_text("x")
    scratch.remove()
    assert not scratch.folder.exists()


def test_that_of_a_living_owner_stays() -> None:
    """Two drivers may run at the same time."""
    first, second = Scratch(), Scratch()
    assert first.folder.exists()
    first.remove()
    second.remove()


def test_that_of_a_killed_owner_is_swept(tmp_path: Path) -> None:
    """By whoever comes next."""
    program = (
        "import os, signal, tempfile; from machmeter.gate.scratch import Scratch; "
        f"tempfile.tempdir = {str(tmp_path)!r}; Scratch(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    mine = Scratch()
    assert list(tmp_path.iterdir()) == [mine.folder]
    mine.remove()


def test_foreign_folders_are_left_alone(tmp_path: Path) -> None:
    """Of the same name, but without our lock."""
    (tmp_path / "machmeter-notes").mkdir()
    Scratch().remove()
    assert (tmp_path / "machmeter-notes").exists()
