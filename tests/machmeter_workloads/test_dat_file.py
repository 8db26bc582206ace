import struct
from pathlib import Path

import numpy as np
import pytest

from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.storage.dat_file import read_dat, write_dat

# Height 2, width 3, bands 2; each value spells its row, column and band.
CUBE = np.array(
    [[[row * 100 + column * 10 + band for band in (0, 1)] for column in (0, 1, 2)] for row in (0, 1)]
)
# Width, height, bands; then column by column, in each the lower row first, the bands of a pixel together.
BYTES = struct.pack(">3i12f", 3, 2, 2, 100, 101, 0, 1, 110, 111, 10, 11, 120, 121, 20, 21)


def test_the_bytes_are_those_of_the_camera(tmp_path: Path) -> None:
    """A written file equals one that was written by hand, byte by byte."""
    write_dat(tmp_path / "cube.dat", CUBE.astype(np.float32))
    assert (tmp_path / "cube.dat").read_bytes() == BYTES


def test_a_file_of_the_camera_is_read(tmp_path: Path) -> None:
    """A file written by hand gives the cube, upright and in the computer's own float32."""
    (tmp_path / "cube.dat").write_bytes(BYTES)
    cube = read_dat(tmp_path / "cube.dat")
    np.testing.assert_array_equal(cube, CUBE)
    assert cube.dtype == np.dtype("=f4")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (BYTES[:-4], "11 of 12 values"),
        (BYTES[:-2], "11.5 of 12 values"),
        (BYTES + b"\0\0\0\0", "13 of 12 values"),
        (BYTES[:8], "header"),
        (b"", "header"),
        (struct.pack(">3i", -1, 2, 2), "header"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    """The error names the file and what does not fit."""
    (tmp_path / "cube.dat").write_bytes(content)
    with pytest.raises(DamagedFileError, match=rf"cube\.dat is damaged: .*{reason}"):
        read_dat(tmp_path / "cube.dat")
