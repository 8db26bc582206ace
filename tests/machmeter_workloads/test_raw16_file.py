import mmap
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from machmeter_workloads.data.cubes import CubeSpec, make_cube
from machmeter_workloads.errors import DamagedFileError, MissingDataError
from machmeter_workloads.storage.raw16_file import (
    PAYLOAD_OFFSET,
    map_raw16,
    read_raw16,
    read_raw16_into,
    widen_raw16_into,
    write_raw16,
)
from machmeter_workloads.storage.source import UNLIMITED
from machmeter_workloads.storage.widening import as_tensor, widen

CUBE = make_cube(CubeSpec(20, 30, 5), 0)[0]
STORED = CUBE.astype(np.float16).transpose(2, 0, 1)
SCRATCH = np.empty(STORED.size, np.float16)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("raw16") / "cube.raw16"
    write_raw16(path, CUBE)
    return path


@pytest.fixture
def changed(file: Path, tmp_path: Path) -> Path:
    """A copy of which the last value has one other bit."""
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    path = tmp_path / "changed.raw16"
    path.write_bytes(content)
    return path


def test_the_values_lie_band_by_band_on_a_page_of_their_own(file: Path) -> None:
    """Whoever maps the file finds plain float16 behind the first page."""
    assert PAYLOAD_OFFSET % mmap.PAGESIZE == 0
    np.testing.assert_array_equal(np.fromfile(file, "<f2", offset=PAYLOAD_OFFSET), STORED.ravel())


def test_a_map_shows_the_values(file: Path) -> None:
    """It outlives the call."""
    np.testing.assert_array_equal(map_raw16(file), STORED, strict=True)


def test_a_map_is_read_only(file: Path) -> None:
    """Nobody writes into the data by mistake."""
    with pytest.raises(ValueError, match="read-only"):
        map_raw16(file)[0, 0, 0] = 1


def test_a_map_is_widened_without_a_warning(file: Path) -> None:
    """Torch takes the read-only map, and a window of it."""
    target = torch.empty(5, 7, 8)
    widen(target, map_raw16(file)[:, 2:9, 3:11])
    np.testing.assert_array_equal(target, STORED[:, 2:9, 3:11].astype(np.float32))


def test_writing_to_a_tensor_of_a_map_reaches_no_file(file: Path) -> None:
    """The tensor is not protected, but what is written stays private."""
    before = file.read_bytes()
    as_tensor(map_raw16(file)).fill_(0)
    assert file.read_bytes() == before


def test_a_map_is_freed_with_its_last_array(file: Path) -> None:
    """Thousands of maps leave neither open files nor mapped memory behind."""

    def maps() -> int:
        return Path("/proc/self/maps").read_text().count(str(file))

    mapped = map_raw16(file)[0]
    assert maps() == 1
    del mapped
    assert maps() == 0


def test_memory_is_used_again(file: Path) -> None:
    """The cube comes as the beginning of the memory that was given."""
    found = read_raw16_into(file, UNLIMITED, SCRATCH)
    np.testing.assert_array_equal(found, STORED)
    assert np.shares_memory(found, SCRATCH)


def test_a_cube_that_is_too_large_for_its_memory_is_named(file: Path) -> None:
    """A file of another size than the series has no room."""
    with pytest.raises(DamagedFileError, match=r"cube\.raw16 is damaged: it holds 3000 values where 2999"):
        read_raw16_into(file, UNLIMITED, SCRATCH[:-1])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(piece=st.integers(1, 4000))
def test_pieces_of_any_size_are_widened(file: Path, piece: int) -> None:
    """A cube is read and widened in pieces, the last of which may be smaller."""
    target = np.full(STORED.shape, np.nan, np.float32)
    widen_raw16_into(file, UNLIMITED, target, np.empty(piece, np.float16))
    np.testing.assert_array_equal(target, STORED.astype(np.float32))


def test_a_cube_of_another_shape_is_named(file: Path) -> None:
    """The same number of values in another order of sizes is no match."""
    with pytest.raises(DamagedFileError, match=r"its shape is \(5, 20, 30\) instead of \(5, 30, 20\)"):
        widen_raw16_into(file, UNLIMITED, np.empty((5, 30, 20), np.float32), SCRATCH)


def test_a_target_with_gaps_is_not_filled_through_a_copy(file: Path) -> None:
    """A target that is not contiguous is an error, not a silent loss."""
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        widen_raw16_into(file, UNLIMITED, torch.empty(5, 30, 20).transpose(1, 2), SCRATCH)


def test_a_changed_value_is_named_by_whoever_reads_all(changed: Path) -> None:
    """Both ways of reading the whole file compare its checksum."""
    target = np.empty(STORED.shape, np.float32)
    for read in (
        lambda: read_raw16(changed),
        lambda: widen_raw16_into(changed, UNLIMITED, target, SCRATCH[:100]),
    ):
        with pytest.raises(DamagedFileError, match=r"changed\.raw16 is damaged: the checksum of its values"):
            read()


def test_the_checksum_can_be_left_out(changed: Path) -> None:
    """Who verified a file before need not do so in every epoch; a map never does."""
    target = np.empty(STORED.shape, np.float32)
    widen_raw16_into(changed, UNLIMITED, target, SCRATCH, verify=False)
    np.testing.assert_array_equal(target, map_raw16(changed).astype(np.float32))


@pytest.mark.parametrize("length", [0, 4095, 4096, 5000])
def test_a_file_that_is_cut_off_is_not_mapped(file: Path, tmp_path: Path, length: int) -> None:
    """It would end the process when the missing page is touched."""
    (tmp_path / "short.raw16").write_bytes(file.read_bytes()[:length])
    with pytest.raises(DamagedFileError, match=r"short\.raw16 is damaged"):
        map_raw16(tmp_path / "short.raw16")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The map says what is not there."""
    with pytest.raises(MissingDataError, match=r"missing\.raw16 does not exist"):
        map_raw16(tmp_path / "missing.raw16")
