import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from machmeter_workloads.errors import DamagedFileError, MissingDataError, UnreadableError
from machmeter_workloads.storage.source import UNLIMITED, Source

NOBODY = 65534


class Recorder:
    """A pace that only writes down what it is asked."""

    def __init__(self) -> None:
        self.charges: list[int] = []

    def charge(self, count: int) -> None:
        self.charges.append(count)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cube.dat"
    path.write_bytes(bytes(range(100)))
    return path


@pytest.fixture
def unreadable(file: Path) -> Iterator[Path]:
    """Root may read everything, so root becomes somebody else."""
    file.chmod(0)
    if os.geteuid() != 0:
        yield file
        return
    os.seteuid(NOBODY)
    try:
        yield file
    finally:
        os.seteuid(0)


def test_a_whole_file_is_read(file: Path) -> None:
    """All bytes arrive, in memory that may be written."""
    content = UNLIMITED.read(file)
    assert (bytes(content), content.readonly) == (bytes(range(100)), False)


def test_an_empty_file_is_read(tmp_path: Path) -> None:
    """It has no bytes, and that is the reader's concern."""
    (tmp_path / "empty").touch()
    assert bytes(UNLIMITED.read(tmp_path / "empty")) == b""


def test_a_part_fills_an_array_of_any_type(file: Path) -> None:
    """A buffer is filled from where it is told."""
    array = np.empty((2, 3), "<u2")
    UNLIMITED.read_into(file, array, 10)
    assert array.tobytes() == bytes(range(10, 22))


def test_memory_is_used_again_where_it_is_large_enough(file: Path) -> None:
    """A spare buffer holds the file, unless it is too small."""
    large, small = memoryview(bytearray(150)), memoryview(bytearray(50))
    assert UNLIMITED.read(file, large).obj is large.obj
    assert UNLIMITED.read(file, small).obj is not small.obj
    assert bytes(large[:100]) == bytes(range(100))


def test_every_byte_is_asked_for_before_it_is_read(tmp_path: Path, file: Path) -> None:
    """The pace hears of whole files and of parts, and of nothing that is refused before."""
    pace = Recorder()
    source = Source(pace)
    source.read(file)
    source.read_into(file, memoryview(bytearray(7)), 3)
    with pytest.raises(MissingDataError):
        source.read(tmp_path / "missing")
    assert pace.charges == [100, 7]


def test_a_part_beyond_the_end_is_named(file: Path) -> None:
    """Both ways of reading a part say how much there is."""
    with pytest.raises(DamagedFileError, match=r"cube\.dat is damaged: it ends after 100 of 120 bytes"):
        UNLIMITED.read_into(file, memoryview(bytearray(30)), 90)
    with (
        UNLIMITED.open(file) as opened,
        pytest.raises(DamagedFileError, match=r"cube\.dat is damaged: it ends after 100 of 120 bytes"),
    ):
        opened.read(30, 90)


def test_a_forged_length_allocates_nothing(file: Path) -> None:
    """More than the file holds is refused before there is memory for it."""
    with (
        UNLIMITED.open(file) as opened,
        pytest.raises(DamagedFileError, match="of 4611686018427387904 bytes"),
    ):
        opened.read(1 << 62)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The error says how the data are made."""
    with pytest.raises(MissingDataError, match=r"missing\.dat does not exist\..*make_cube_set"):
        UNLIMITED.read(tmp_path / "missing.dat")


def test_unreadable_permissions_are_named(unreadable: Path) -> None:
    """The error names the file and what the system answered."""
    with pytest.raises(UnreadableError, match=r"Cannot read .*cube\.dat: Permission denied"):
        UNLIMITED.read(unreadable)


def test_a_folder_is_named(tmp_path: Path) -> None:
    """A folder where a file should be is no file."""
    with pytest.raises(UnreadableError, match=r"it is no regular file"):
        UNLIMITED.read(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe that nobody writes to is refused at once."""
    os.mkfifo(tmp_path / "pipe")
    reader = (
        "import sys; from pathlib import Path; from machmeter_workloads.storage.source import UNLIMITED;"
        "UNLIMITED.read(Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", reader, tmp_path / "pipe"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "UnreadableError" in done.stderr


def test_no_descriptor_is_left_open(file: Path, tmp_path: Path) -> None:
    """Reading, and failing to, closes what was opened."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        UNLIMITED.read(file)
        with pytest.raises(UnreadableError):
            UNLIMITED.read(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
