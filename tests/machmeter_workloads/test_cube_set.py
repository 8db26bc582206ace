import multiprocessing
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from machmeter_workloads.data import cube_set
from machmeter_workloads.data.cube_set import CubeSet, make_cube_set
from machmeter_workloads.data.cubes import CubeSpec, make_cube
from machmeter_workloads.errors import MissingDataError, UnknownNameError, UnwritableError
from machmeter_workloads.storage.blosc_file import read_blosc
from machmeter_workloads.storage.dat_file import read_dat
from machmeter_workloads.storage.formats import FORMATS
from machmeter_workloads.storage.source import UNLIMITED

SPEC = CubeSpec(12, 16, 4)

# Newer versions of Python warn of every fork beside a thread, and numpy's libraries have some.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def files_in(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file with its inode, which a rewritten file does not keep, and its contents."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): (path.stat().st_ino, path.read_bytes()) for path in paths}


def test_every_format_holds_the_same_cube(cubes: CubeSet) -> None:
    """Original and blosc hold the float32 values, and the others the rounded ones."""
    cube, mask = make_cube(cubes.spec, 2)
    np.testing.assert_array_equal(read_dat(cubes.cube_path("original", 2)), cube)
    np.testing.assert_array_equal(read_blosc(cubes.cube_path("blosc", 2)), cube)
    np.testing.assert_array_equal(read_blosc(cubes.cube_path("fp16", 2)), cube.astype(np.float16))
    np.testing.assert_array_equal(read_blosc(cubes.mask_path(2)), mask)
    for name, each in FORMATS.items():
        found = each.read(cubes.cube_path(name, 2), UNLIMITED)
        np.testing.assert_array_equal(found, cube.astype(each.dtype))


def test_a_finished_set_is_left_alone(tmp_path: Path) -> None:
    """Making a set again writes nothing."""
    make_cube_set(SPEC, 2, directory=tmp_path)
    before = files_in(tmp_path)
    make_cube_set(SPEC, 2, directory=tmp_path)
    assert files_in(tmp_path) == before


def test_a_longer_set_continues_a_shorter_one(tmp_path: Path) -> None:
    """The files of the shorter set are kept."""
    make_cube_set(SPEC, 1, directory=tmp_path)
    before = files_in(tmp_path)
    make_cube_set(SPEC, 2, directory=tmp_path)
    assert before.items() <= files_in(tmp_path).items()


def test_an_interrupted_maker_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was finished before the interruption is kept, and the rest is as if nothing had happened."""
    whole = files_in(make_cube_set(SPEC, 3, directory=tmp_path / "whole").folder)

    def interrupted(spec: CubeSpec, index: int) -> object:
        if index == 2:
            raise KeyboardInterrupt
        return make_cube(spec, index)

    with monkeypatch.context() as patch:
        patch.setattr(cube_set, "make_cube", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make_cube_set(SPEC, 3, directory=tmp_path / "resumed")
    finished = files_in(tmp_path / "resumed" / SPEC.identifier)
    resumed = files_in(make_cube_set(SPEC, 3, directory=tmp_path / "resumed").folder)
    assert len(finished) == 2 * (len(FORMATS) + 1)
    assert finished.items() <= resumed.items()
    assert {name: content for name, (_, content) in resumed.items()} == {
        name: content for name, (_, content) in whole.items()
    }


def test_makers_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Three processes make one set together, and it is whole and without leftovers."""
    context = multiprocessing.get_context("fork")
    makers = [
        context.Process(target=make_cube_set, args=(SPEC, 4), kwargs={"directory": tmp_path / "many"})
        for _ in range(3)
    ]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    alone = files_in(make_cube_set(SPEC, 4, directory=tmp_path / "alone").folder)
    together = files_in(tmp_path / "many" / SPEC.identifier)
    assert [maker.exitcode for maker in makers] == [0, 0, 0]
    assert {name: content for name, (_, content) in together.items()} == {
        name: content for name, (_, content) in alone.items()
    }


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file where the folder should be is reported by name."""
    (tmp_path / SPEC.identifier).touch()
    with pytest.raises(UnwritableError, match=SPEC.identifier):
        make_cube_set(SPEC, 1, directory=tmp_path)


def test_a_full_disk_is_reported_from_the_making_processes(
    tmp_path: Path, full_disk: Callable[[], AbstractContextManager[None]]
) -> None:
    """The error keeps its type and names the file, and no half-written file is left."""
    with full_disk(), pytest.raises(UnwritableError, match=r"original/00000\.dat: File too large"):
        make_cube_set(SPEC, 1, directory=tmp_path)
    assert files_in(tmp_path) == {}


def test_an_unknown_format_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    """The error lists what there is."""
    with pytest.raises(
        UnknownNameError,
        match=r'no storage format "png"\. Known are: b2nd, blosc, fp16, lz4_16, original, raw16\.',
    ):
        make_cube_set(SPEC, 1, ["png"], directory=tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A set of which only one format was made does not pretend to have the others."""
    cubes = make_cube_set(SPEC, 1, ["fp16"], directory=tmp_path)
    cubes.require("fp16")
    with pytest.raises(MissingDataError, match=r"original/00000\.dat does not exist"):
        cubes.require("original")


def test_a_long_set_is_looked_through_in_the_same_time(tmp_path: Path) -> None:
    """A million cubes take as many looks as some thousands, and what is missing at either end is named."""
    looks = []

    class Counting(CubeSet):
        def cube_path(self, format_name: str, index: int) -> Path:
            looks.append(index)
            return existing if index != absent else tmp_path / f"{index}.dat"

        def mask_path(self, index: int) -> Path:
            return existing

    existing = tmp_path / "there"
    existing.touch()
    absent = -1
    Counting(SPEC, 10**6, tmp_path).require("original")
    assert (looks[0], looks[-1]) == (0, 10**6 - 1)
    assert len(looks) <= 1001
    for absent in (0, 10**6 - 1):
        with pytest.raises(MissingDataError, match=rf"{absent}\.dat does not exist"):
            Counting(SPEC, 10**6, tmp_path).require("original")


def test_every_file_of_a_short_set_is_looked_for(tmp_path: Path) -> None:
    """A single missing mask in the middle is named before anything starts."""
    cubes = make_cube_set(SPEC, 3, ["original"], directory=tmp_path)
    cubes.mask_path(1).unlink()
    with pytest.raises(MissingDataError, match=r"masks/00001\.blosc does not exist"):
        cubes.require("original")
