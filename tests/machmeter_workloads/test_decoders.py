import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from machmeter_workloads.data.cube_set import CubeSet, make_cube_set
from machmeter_workloads.data.cubes import CubeSpec, make_cube
from machmeter_workloads.errors import DamagedFileError, MissingDataError
from machmeter_workloads.loaders.contract import LoaderSettings
from machmeter_workloads.loaders.cube_files import CubeFiles
from machmeter_workloads.loaders.scratch import Scratch
from machmeter_workloads.loaders.thread_strategies import THREAD_STRATEGIES
from machmeter_workloads.storage.formats import FORMATS

MIB = 1 << 20
EXACT = ("threads_original", "threads_blosc")
CHECKED = [name for name in THREAD_STRATEGIES if name != "mapped"]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> CubeSet:
    """A cube of several chunks, blocks, pieces and tiles, none of which divides it."""
    return make_cube_set(CubeSpec(61, 83, 130), count=1, directory=tmp_path_factory.mktemp("large"))


def filled(
    cubes: CubeSet, name: str, crop: tuple[int, int] | None = None, scratch: Scratch | None = None
) -> NDArray[np.float32]:
    """Give a cube as (h, w, bands), whatever the decoder's order."""
    strategy = THREAD_STRATEGIES[name]
    files = CubeFiles(cubes, strategy.format_name, LoaderSettings(crop=crop, seed=3))
    decoder = strategy.make_decoder(files)
    bands, height, width = files.delivered
    last = decoder.channels_last
    target = np.full((height, width, bands) if last else (bands, height, width), np.nan, np.float32)
    decoder.fill(files.path(0), target, files.window(0, 0), scratch or Scratch())
    return target if last else target.transpose(1, 2, 0)


@pytest.mark.parametrize("name", THREAD_STRATEGIES)
def test_a_slot_is_filled_with_the_cube(large: CubeSet, name: str) -> None:
    """Every value, to the precision of the format."""
    made, _ = make_cube(large.spec, 0)
    expected = made if name in EXACT else made.astype(np.float16)
    assert (filled(large, name) == expected).all()


@pytest.mark.parametrize("crop", [(1, 1), (17, 30), (60, 83), (61, 83)])
@pytest.mark.parametrize("name", THREAD_STRATEGIES)
def test_a_slot_is_filled_with_a_window(large: CubeSet, name: str, crop: tuple[int, int]) -> None:
    """The one that seed, epoch and index decide, from a pixel to the whole cube."""
    files = CubeFiles(large, "original", LoaderSettings(crop=crop, seed=3))
    made, _ = make_cube(large.spec, 0)
    expected = made if name in EXACT else made.astype(np.float16)
    assert (filled(large, name, crop) == expected[files.window(0, 0)]).all()


@pytest.mark.parametrize("name", [name for name in THREAD_STRATEGIES if name != "threads_original"])
def test_a_thread_needs_few_buffers_of_its_own(large: CubeSet, name: str) -> None:
    """Two MiB for a piece, read and decoded, and little more; the cube itself has 2.5 MiB."""
    scratch = Scratch()
    filled(large, name, scratch=scratch)
    assert sum(len(buffer) for buffer in scratch._buffers.values()) < 2.4 * MIB


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip_the_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(255 - byte for byte in content[middle : middle + 200])
    path.write_bytes(content)


def write_another_shape(path: Path) -> None:
    path.unlink()
    format_name = path.parent.name
    FORMATS[format_name].write(path, make_cube(CubeSpec(20, 30, 10), 0)[0])


def write_rubbish(path: Path) -> None:
    path.write_bytes(b"rubbish" * 1000)


@pytest.mark.parametrize("crop", [None, (10, 10)])
@pytest.mark.parametrize("damage", [cut, empty, write_another_shape, write_rubbish])
@pytest.mark.parametrize("name", THREAD_STRATEGIES)
def test_a_damaged_file_is_named(
    cubes: CubeSet, tmp_path: Path, name: str, damage: object, crop: tuple[int, int] | None
) -> None:
    """Cut off, empty, of another size, or no file of ours."""
    assert callable(damage)
    copy = replace(cubes, folder=tmp_path / "copy")
    shutil.copytree(cubes.folder, copy.folder)
    path = copy.cube_path(THREAD_STRATEGIES[name].format_name, 0)
    damage(path)
    with pytest.raises(DamagedFileError, match=rf"{path.parent.name}/{path.name} is damaged"):
        filled(copy, name, crop)


@pytest.mark.parametrize("name", ["raw16", "windows", "threads_lz4"])
def test_changed_values_of_our_own_formats_are_found(cubes: CubeSet, tmp_path: Path, name: str) -> None:
    """They have checksums, which HTC's have not."""
    copy = replace(cubes, folder=tmp_path / "copy")
    shutil.copytree(cubes.folder, copy.folder)
    flip_the_middle(copy.cube_path(THREAD_STRATEGIES[name].format_name, 0))
    with pytest.raises(DamagedFileError, match="checksum"):
        filled(copy, name)


@pytest.mark.parametrize("name", THREAD_STRATEGIES)
def test_a_missing_file_is_named(cubes: CubeSet, tmp_path: Path, name: str) -> None:
    """One that vanished after the loader was opened."""
    copy = replace(cubes, folder=tmp_path / "copy")
    shutil.copytree(cubes.folder, copy.folder)
    strategy = THREAD_STRATEGIES[name]
    files = CubeFiles(copy, strategy.format_name, LoaderSettings())
    decoder = strategy.make_decoder(files)
    files.path(0).unlink()
    with pytest.raises(MissingDataError, match=f"{files.path(0).name} does not exist"):
        decoder.fill(files.path(0), np.empty(7680, np.float32), files.window(0, 0), Scratch())
