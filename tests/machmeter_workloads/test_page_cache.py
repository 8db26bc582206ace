import os
from pathlib import Path

import pytest

from machmeter_workloads.errors import MissingDataError, UnreadableError
from machmeter_workloads.storage import page_cache

MEBIBYTE = 1 << 20


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cube.dat"
    path.write_bytes(os.urandom(3 * MEBIBYTE + 100))
    return path


@pytest.fixture
def droppable(file: Path) -> Path:
    page_cache.drop([file])
    if page_cache.resident(file) > 0:
        pytest.skip("the file system of the temporary folder lives in memory")
    return file


def test_a_file_that_was_just_written_is_in_memory(file: Path) -> None:
    """Its pages are all there."""
    assert page_cache.resident(file) == 1


def test_a_file_that_was_just_written_can_be_dropped(droppable: Path) -> None:
    """What is still to be written is written first; nothing of the file is lost."""
    content = droppable.read_bytes()
    page_cache.drop([droppable])
    assert page_cache.resident(droppable) == 0
    assert droppable.read_bytes() == content


def test_a_file_is_warmed(droppable: Path) -> None:
    """Every page comes back, the last partial one as well."""
    page_cache.warm([droppable])
    assert page_cache.resident(droppable) == 1


def test_a_part_that_was_read_is_there(droppable: Path) -> None:
    """The share lies between nothing and all; how much is read ahead is the kernel's choice."""
    with droppable.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        os.pread(file.fileno(), 4096, MEBIBYTE)
    assert 0 < page_cache.resident(droppable) < 0.5


def test_an_empty_file_is_all_there(tmp_path: Path) -> None:
    """There is nothing left to read, to warm or to drop."""
    (tmp_path / "empty").touch()
    page_cache.warm([tmp_path / "empty"])
    page_cache.drop([tmp_path / "empty"])
    assert page_cache.resident(tmp_path / "empty") == 1


def test_a_read_only_file_can_be_dropped(droppable: Path) -> None:
    """It takes no right to write."""
    page_cache.warm([droppable])
    droppable.chmod(0o444)
    page_cache.drop([droppable])
    assert page_cache.resident(droppable) == 0


@pytest.mark.parametrize("use", [page_cache.warm, page_cache.drop, lambda paths: page_cache.resident(*paths)])
def test_a_missing_file_and_a_folder_are_named(tmp_path: Path, use: object) -> None:
    """As everywhere else."""
    assert callable(use)
    with pytest.raises(MissingDataError, match=r"missing does not exist"):
        use([tmp_path / "missing"])
    with pytest.raises(UnreadableError, match=r"it is no regular file"):
        use([tmp_path])
