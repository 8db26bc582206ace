from pathlib import Path

import pytest

from machmeter.errors import UnwritableError
from machmeter.files import write_text


def test_a_file_and_its_folder_are_written(tmp_path: Path) -> None:
    """Missing folders are made, and nothing but the file is left."""
    write_text(tmp_path / "a" / "b.json", "{}")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.json"]
    assert (tmp_path / "a" / "b.json").read_text() == "{}"


def test_a_write_that_fails_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sees half a file, and no temporary file stays behind."""
    path = tmp_path / "page.html"
    write_text(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UnwritableError, match="No space"):
        write_text(path, "new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("page.html", "old")]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file where the folder should be is reported with the path that was to be written."""
    (tmp_path / "a").write_text("")
    with pytest.raises(UnwritableError, match=str(tmp_path / "a" / "b.json")):
        write_text(tmp_path / "a" / "b.json", "{}")
