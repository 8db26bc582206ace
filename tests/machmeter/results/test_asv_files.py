import json
from pathlib import Path

import pytest

from machmeter.errors import HalfWrittenResultError, UnwritableError
from machmeter.results import asv_files


@pytest.mark.parametrize("text", ["", "{", '{"a": 1', '{"a": "}', "\x00" * 30, "<html>"])
def test_a_file_that_was_cut_off_is_found(text: str, tmp_path: Path) -> None:
    """Empty files, halves and other formats are named; whole ones are not."""
    (tmp_path / "whole.json").write_text(json.dumps({"a": [1, 2, {"b": "c"}]}, indent=4) + "\n")
    broken = tmp_path / "broken.json"
    broken.write_text(text)
    assert list(asv_files.half_written(tmp_path)) == [broken]
    with pytest.raises(HalfWrittenResultError, match=r"broken\.json is not complete JSON"):
        asv_files.check(tmp_path)


def test_a_folder_that_cannot_be_written_is_an_error() -> None:
    """/proc refuses new folders, also from root."""
    with pytest.raises(UnwritableError, match="Cannot write /proc/machmeter"):
        asv_files.check(Path("/proc/machmeter"))


def test_checking_leaves_no_trace(tmp_path: Path) -> None:
    """The folder is made, and empty."""
    asv_files.check(tmp_path / "machine")
    assert list((tmp_path / "machine").iterdir()) == []
