import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from machmeter_workloads.data.cube_set import CubeSet
from machmeter_workloads.data.cubes import CubeSpec, make_cube
from machmeter_workloads.errors import DamagedFileError, MissingDataError, UnknownNameError, UnwritableError
from machmeter_workloads.loaders.peers import missing
from machmeter_workloads.loaders.peers.formats import (
    PEER_FORMATS,
    make_peer_format,
    peer_format_path,
    require_peer_format,
)
from machmeter_workloads.loaders.peers.missing import MissingPackageError, require_modules
from machmeter_workloads.storage.peer_formats.npy_files import NpyLayout, cube_file, mask_file
from machmeter_workloads.storage.peer_formats.series import HalfSeries
from machmeter_workloads.storage.peer_formats.tar_shards import samples_per_shard

SPEC = CubeSpec(24, 32, 10)


def series(folder: Path, count: int = 3) -> CubeSet:
    """A series of which nothing has been made."""
    return CubeSet(SPEC, count, folder)


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def made(name: str, cubes: CubeSet) -> Path:
    for module in PEER_FORMATS[name].modules:
        pytest.importorskip(module, exc_type=ImportError)
    return make_peer_format(name, cubes)


@pytest.mark.parametrize("name", PEER_FORMATS)
def test_a_format_is_the_same_whenever_it_is_made(tmp_path: Path, name: str) -> None:
    """Two makers in two places write the same bytes."""
    one = made(name, series(tmp_path / "one"))
    other = made(name, series(tmp_path / "other"))
    assert digest(one) == digest(other)


@pytest.mark.parametrize("name", PEER_FORMATS)
def test_the_facts_say_what_a_format_holds(tmp_path: Path, name: str) -> None:
    """Name, series, precision, and how much there is to be read."""
    folder = made(name, series(tmp_path))
    facts = json.loads((folder / "facts.json").read_text())
    expected = {"format": name, "count": 3, "bands": 10, "height": 24, "width": 32, "dtype": "float16"}
    assert expected.items() <= facts.items()
    sizes = [
        path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.name != "facts.json"
    ]
    assert (facts["bytes"], facts["files"]) == (sum(sizes), len(sizes))


def test_a_made_format_is_not_made_again(tmp_path: Path) -> None:
    """A second call leaves every file as it is."""
    folder = made("npy", series(tmp_path))
    path = cube_file(folder, 0)
    path.write_bytes(b"changed")
    assert made("npy", series(tmp_path)) == folder
    assert path.read_bytes() == b"changed"


def test_an_npy_file_holds_the_made_cube(tmp_path: Path) -> None:
    """Rounded to float16, the bands in front, as numpy itself reads it."""
    folder = made("npy", series(tmp_path))
    cube, mask = make_cube(SPEC, 2)
    np.testing.assert_array_equal(np.load(cube_file(folder, 2)), cube.astype(np.float16).transpose(2, 0, 1))
    np.testing.assert_array_equal(np.load(mask_file(folder, 2)), mask)


def test_a_mapped_file_is_what_numpy_reads(tmp_path: Path) -> None:
    """With the header of another file of the series."""
    folder = made("npy", series(tmp_path))
    layout = NpyLayout.of(cube_file(folder, 0))
    np.testing.assert_array_equal(layout.mapped(cube_file(folder, 2)), np.load(cube_file(folder, 2)))


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00", b"x" * (128 + 24 * 32 * 10 * 2)])
def test_a_damaged_npy_file_is_named(tmp_path: Path, content: bytes) -> None:
    """Empty, cut off, or something else of the right length."""
    folder = made("npy", series(tmp_path))
    layout = NpyLayout.of(cube_file(folder, 0))
    cube_file(folder, 1).write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"cubes/00001\.npy is damaged"):
        layout.mapped(cube_file(folder, 1))
    with pytest.raises(DamagedFileError, match=r"cubes/00001\.npy is damaged"):
        NpyLayout.of(cube_file(folder, 1))


def test_a_missing_npy_file_is_named(tmp_path: Path) -> None:
    """Whether its header or its values were wanted."""
    folder = made("npy", series(tmp_path))
    layout = NpyLayout.of(cube_file(folder, 0))
    with pytest.raises(MissingDataError, match=r"00009\.npy does not exist"):
        layout.mapped(cube_file(folder, 9))
    with pytest.raises(MissingDataError, match=r"00009\.npy does not exist"):
        NpyLayout.of(cube_file(folder, 9))


def test_tar_shards_hold_every_sample_in_order(tmp_path: Path) -> None:
    """Cube and mask of a sample lie side by side."""
    folder = made("tar", series(tmp_path))
    names = []
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as archive:
            names += archive.getnames()
    assert names == [f"0000{index}.{part}" for index in range(3) for part in ("cube.f16", "mask.u8")]


@pytest.mark.parametrize(
    ("count", "sample_bytes", "expected"),
    [(1, 100, 1), (5, 100, 1), (64, 100, 4), (64, 2**29, 2), (9, 2**31, 1)],
)
def test_every_worker_finds_several_shards(count: int, sample_bytes: int, expected: int) -> None:
    """Sixteen shards, unless they would be larger than a gigabyte or hold nothing."""
    assert samples_per_shard(count, sample_bytes) == expected


def test_a_format_that_was_not_made_is_named(tmp_path: Path) -> None:
    """A longer series is another folder."""
    made("npy", series(tmp_path))
    with pytest.raises(MissingDataError, match=r'npy-4 does not exist.*make_peer_format\("npy", cubes\)'):
        require_peer_format("npy", series(tmp_path, count=4))


def test_an_unknown_format_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    """The error lists what there is."""
    with pytest.raises(UnknownNameError, match=r'of the peers "zip"\. Known are: litdata, npy, tar, zarr'):
        make_peer_format("zip", series(tmp_path))


@pytest.mark.parametrize("name", PEER_FORMATS)
def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, name: str, full_disk: Callable[[], AbstractContextManager[None]]
) -> None:
    """Neither a folder under the final name nor one under another."""
    for module in PEER_FORMATS[name].modules:
        pytest.importorskip(module, exc_type=ImportError)
    with full_disk(), pytest.raises(UnwritableError, match=rf"Cannot write .*{name}-3"):
        make_peer_format(name, series(tmp_path))
    assert list((tmp_path / "peers").iterdir()) == []


def test_the_quicker_maker_of_two_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes second keeps the first one's folder and leaves nothing."""
    cubes = series(tmp_path)
    final = peer_format_path("npy", cubes)
    first = made("npy", series(tmp_path / "elsewhere"))
    write = PEER_FORMATS["npy"].write

    def slowly(folder: Path, samples: HalfSeries) -> Mapping[str, object]:
        shutil.copytree(first, final)
        return write(folder, samples)

    slow = {"npy": replace(PEER_FORMATS["npy"], write=slowly)}
    monkeypatch.setattr("machmeter_workloads.loaders.peers.formats.PEER_FORMATS", slow)
    assert make_peer_format("npy", cubes) == final
    assert list(final.parent.iterdir()) == [final]


def test_a_missing_package_says_how_to_install_it() -> None:
    """The module, why it is wanted, and what to type."""
    with pytest.raises(
        MissingPackageError, match=r"\"no_such\.thing\" is not installed.*pip install 'machmeter\[peers\]'"
    ):
        require_modules("json", "no_such.thing")
    with pytest.raises(MissingPackageError, match=r"machmeter\[dali\]"):
        require_modules("json.no_such", extra=missing.DALI_EXTRA)
