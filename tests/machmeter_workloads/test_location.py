from pathlib import Path

import pytest

from machmeter_workloads.data.location import data_directory
from machmeter_workloads.errors import UnwritableError


def test_the_own_variable_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """MACHMETER_DATA names the folder itself, which is created."""
    monkeypatch.setenv("MACHMETER_DATA", str(tmp_path / "here"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert data_directory() == tmp_path / "here"
    assert (tmp_path / "here").is_dir()


def test_the_cache_folder_comes_second(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the own variable the data lie in the user's cache."""
    monkeypatch.delenv("MACHMETER_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert data_directory() == tmp_path / "cache" / "machmeter"


def test_the_home_folder_comes_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With neither variable it is the default cache in the home folder."""
    monkeypatch.delenv("MACHMETER_DATA", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_directory() == tmp_path / ".cache" / "machmeter"


def test_a_folder_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error names the folder and the variable that moves it."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("MACHMETER_DATA", str(tmp_path / "file" / "data"))
    with pytest.raises(UnwritableError, match=r"file/data: Not a directory\..*MACHMETER_DATA"):
        data_directory()
