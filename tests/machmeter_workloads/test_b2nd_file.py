from pathlib import Path

import blosc2
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from machmeter_workloads.data.cubes import CubeSpec, make_cube
from machmeter_workloads.errors import DamagedFileError, UnfitSizeError
from machmeter_workloads.storage.b2nd_file import TILE, Tiles, read_window, write_b2nd
from machmeter_workloads.storage.source import UNLIMITED, Source

HEIGHT, WIDTH, BANDS = 100, 130, 6
CUBE = make_cube(CubeSpec(HEIGHT, WIDTH, BANDS), 0)[0]
STORED = CUBE.astype(np.float16).transpose(2, 0, 1)
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("b2nd") / "cube.b2nd"
    write_b2nd(path, CUBE)
    return path


@st.composite
def windows(draw: st.DrawFn) -> tuple[int, int, int, int]:
    height, width = draw(st.integers(1, HEIGHT)), draw(st.integers(1, WIDTH))
    return draw(st.integers(0, HEIGHT - height)), draw(st.integers(0, WIDTH - width)), height, width


def cut(top: int, left: int, height: int, width: int) -> np.ndarray:
    return STORED[:, top : top + height, left : left + width]


def test_blosc2_opens_the_file(file: Path) -> None:
    """Our table behind the array does not disturb the library that the format is named after."""
    array = blosc2.open(str(file), mode="r")
    np.testing.assert_array_equal(array[:], STORED)
    assert array.chunks == (BANDS, TILE, TILE)


def test_the_same_cube_gives_the_same_bytes(tmp_path: Path, file: Path) -> None:
    """Two commits share the files."""
    write_b2nd(tmp_path / "again", CUBE)
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


@MANY
@given(window=windows())
def test_a_window_is_the_same_as_cut_out_of_the_cube(file: Path, window: tuple[int, int, int, int]) -> None:
    """Wherever it lies, and across however many tiles."""
    np.testing.assert_array_equal(read_window(file, *window), cut(*window), strict=True)


@MANY
@given(window=windows())
def test_a_window_is_widened_into_its_target(file: Path, window: tuple[int, int, int, int]) -> None:
    """The target's size is the window's, and the scratch may be dirty."""
    top, left, height, width = window
    target = torch.full((BANDS, height, width), -1.0)
    with UNLIMITED.open(file) as opened:
        Tiles(opened).decode_into(target, top, left, np.full(BANDS * TILE * TILE, 7, np.float16))
    np.testing.assert_array_equal(target, cut(*window).astype(np.float32))


def test_only_the_tiles_of_a_window_are_read(file: Path) -> None:
    """A window within one tile costs a small share of the file."""
    charges = []

    class Recorder:
        def charge(self, count: int) -> None:
            charges.append(count)

    read_window(file, 33, 34, 20, 20, Source(Recorder()))
    assert sum(charges) < file.stat().st_size / 10


def test_damage_outside_a_window_does_not_stop_it(tmp_path: Path, file: Path) -> None:
    """The last tile is damaged: windows without it are fine, one with it names the file."""
    content = bytearray(file.read_bytes())
    with UNLIMITED.open(file) as opened:
        offset, length, _ = Tiles(opened)._table[-1]
    content[offset + length - 1] ^= 1
    path = tmp_path / "damaged.b2nd"
    path.write_bytes(content)
    np.testing.assert_array_equal(read_window(path, 0, 0, 96, 130), cut(0, 0, 96, 130))
    with pytest.raises(DamagedFileError, match=r"damaged\.b2nd is damaged: the checksum of its tile 19 does"):
        read_window(path, 90, 120, 10, 10)


def test_tiles_of_zeros_are_zeros(tmp_path: Path) -> None:
    """Blosc2 stores nothing for them."""
    cube = CUBE.copy()
    cube[:64, 32:96] = 0
    write_b2nd(tmp_path / "cube", cube)
    np.testing.assert_array_equal(read_window(tmp_path / "cube", 20, 20, 60, 90), cube_window(cube))


def cube_window(cube: np.ndarray) -> np.ndarray:
    return cube[20:80, 20:110].transpose(2, 0, 1).astype(np.float16)


@pytest.mark.parametrize(
    "window", [(-1, 0, 5, 5), (0, -1, 5, 5), (96, 0, 5, 5), (0, 126, 5, 5), (0, 0, 101, 5)]
)
def test_a_window_that_reaches_out_is_refused(file: Path, window: tuple[int, int, int, int]) -> None:
    """The error names the file and its size."""
    with pytest.raises(UnfitSizeError, match=r"reaches out of .*cube\.b2nd, which has 100 x 130 pixels"):
        read_window(file, *window)


def test_another_number_of_bands_names_the_file(file: Path) -> None:
    """A target with other bands does not fit."""
    with (
        UNLIMITED.open(file) as opened,
        pytest.raises(DamagedFileError, match=r"its shape is \(6,\) instead"),
    ):
        Tiles(opened).decode_into(np.empty((5, 8, 8), np.float32), 0, 0)
