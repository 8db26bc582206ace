import os
from pathlib import Path

import pytest

from machmeter_workloads.data.location import (
    data_directory,
    storage_root,
    storage_roots,
    writable_storage,
)
from machmeter_workloads.errors import MissingDataError, UnknownNameError, UnwritableError


@pytest.fixture(autouse=True)
def no_storages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The computer that runs the tests may have storages of its own."""
    for variable in os.environ:
        if variable.startswith("MACHMETER_DATA_"):
            monkeypatch.delenv(variable)


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


def test_every_named_variable_is_a_storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The default comes first, the names are in lower case, and empty variables count as not set."""
    monkeypatch.setenv("MACHMETER_DATA", str(tmp_path))
    monkeypatch.setenv("MACHMETER_DATA_SSD", "/ssd/data")
    monkeypatch.setenv("MACHMETER_DATA_HDD", "/hdd/data")
    monkeypatch.setenv("MACHMETER_DATA_MEMORY", "")
    monkeypatch.setenv("MACHMETER_DATA_", "/nameless")
    expected = [("default", tmp_path), ("hdd", Path("/hdd/data")), ("ssd", Path("/ssd/data"))]
    assert expected == list(storage_roots().items())


def test_the_default_storage_is_the_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is made when something is to be written."""
    monkeypatch.setenv("MACHMETER_DATA", str(tmp_path / "data"))
    assert storage_root("default") == writable_storage("default") == data_directory()


def test_an_unknown_storage_is_answered_with_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error lists the storages there are."""
    monkeypatch.setenv("MACHMETER_DATA_SSD", "/ssd/data")
    with pytest.raises(UnknownNameError, match=r'no storage "tape"\. Known are: default, ssd\.'):
        storage_root("tape")


@pytest.mark.parametrize("variable", ["MACHMETER_DATA_DEFAULT", "MACHMETER_DATA_Ssd"])
def test_a_storage_has_one_folder(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """A second folder for the same name is refused, not ignored."""
    monkeypatch.setenv("MACHMETER_DATA_SSD", "/ssd/data")
    monkeypatch.setenv(variable, "/other")
    with pytest.raises(UnknownNameError, match=rf"{variable} names the storage .* a second time"):
        storage_roots()


def test_the_folder_of_a_disk_that_is_not_mounted_is_not_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Otherwise the disk below the mount point would be measured in its place."""
    monkeypatch.setenv("MACHMETER_DATA_HDD", str(tmp_path / "hdd"))
    with pytest.raises(MissingDataError, match=r'storage "hdd" is .*Mount the disk.*mkdir -p'):
        writable_storage("hdd")
    assert not (tmp_path / "hdd").exists()


def test_a_named_storage_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An existing folder is given back, with nothing left in it."""
    monkeypatch.setenv("MACHMETER_DATA_HDD", str(tmp_path))
    assert writable_storage("hdd") == tmp_path
    assert list(tmp_path.iterdir()) == []
