import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from machmeter_workloads.errors import UnwritableError
from machmeter_workloads.storage.atomic import ABANDONED_AFTER_S, remove_abandoned, write_atomically

FullDisk = Callable[[], AbstractContextManager[None]]


def test_parts_are_written_one_after_the_other(tmp_path: Path) -> None:
    """The file holds all parts and nothing else lies beside it."""
    write_atomically(tmp_path / "file", [b"one", memoryview(b"two")])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"file": b"onetwo"}


def test_a_full_disk_leaves_nothing_and_says_so(tmp_path: Path, full_disk: FullDisk) -> None:
    """A write that the system cuts short leaves no file, and the error advises to free space."""
    with full_disk(), pytest.raises(UnwritableError, match=r"cube\.dat: File too large\..*Free some space"):
        write_atomically(tmp_path / "cube.dat", [bytes(5000)])
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_writer_keeps_the_old_file(tmp_path: Path) -> None:
    """A failure in the middle leaves what was there before."""
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(TypeError):
        write_atomically(tmp_path / "file", [b"new", "no bytes"])  # type: ignore[list-item]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"file": b"old"}


def test_only_old_temporary_files_are_removed(tmp_path: Path) -> None:
    """What another maker is writing now stays, and so do finished files."""
    for name in (".old.part", ".new.part", "00000.dat"):
        (tmp_path / name).touch()
    for name in (".old.part", "00000.dat"):
        long_ago = (tmp_path / name).stat().st_mtime - 2 * ABANDONED_AFTER_S
        os.utime(tmp_path / name, (long_ago, long_ago))
    remove_abandoned(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new.part", "00000.dat"]
