"""A series of cubes on disk, in every storage format; made once, resumed after an interruption."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from machmeter_workloads.data.cubes import CubeSpec, make_cube
from machmeter_workloads.data.location import data_directory
from machmeter_workloads.errors import MissingDataError, UnknownNameError, UnwritableError
from machmeter_workloads.storage.atomic import remove_abandoned
from machmeter_workloads.storage.blosc_file import write_blosc
from machmeter_workloads.storage.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ALL_FORMATS = tuple(FORMATS)
MASKS = "masks"
# A thousand files are looked for in about ten milliseconds.
REQUIRED_AT_MOST = 1000


@dataclass(frozen=True)
class CubeSet:
    """Where a series of cubes lies.

    Parameters
    ----------
    spec : CubeSpec
        What decides the values.
    count : int
        Cubes in the series. It is no part of the folder's name: a longer series continues a shorter one.
    folder : Path
        Holds one folder a format, and ``masks``.
    """

    spec: CubeSpec
    count: int
    folder: Path

    def cube_path(self, format_name: str, index: int) -> Path:
        """Give the file of one cube.

        Parameters
        ----------
        format_name : str
            One of ``FORMATS``.
        index : int
            From 0 to ``count`` - 1.

        Returns
        -------
        Path

        Raises
        ------
        UnknownNameError
            There is no such format.
        """
        if format_name not in FORMATS:
            raise UnknownNameError.of("storage format", format_name, FORMATS)
        return self.folder / format_name / f"{index:05d}{FORMATS[format_name].suffix}"

    def mask_path(self, index: int) -> Path:
        """Give the file of one mask, a Blosc file of uint8.

        Parameters
        ----------
        index : int
            From 0 to ``count`` - 1.

        Returns
        -------
        Path
        """
        return self.folder / MASKS / f"{index:05d}.blosc"

    def require(self, format_name: str) -> None:
        """Check that the files are there, before anything is started.

        Up to a thousand cubes are looked for one by one. Of more, a thousand that are spread evenly: opening
        a loader must not take longer the longer the series is, and what is missing in between is named when
        it is read.

        Parameters
        ----------
        format_name : str
            One of ``FORMATS``.

        Raises
        ------
        MissingDataError
            Names the first file that is not there.
        """
        for index in _spread(self.count):
            for path in (self.cube_path(format_name, index), self.mask_path(index)):
                if not path.exists():
                    raise MissingDataError.of(path)


def _spread(count: int) -> list[int]:
    step = -(-count // REQUIRED_AT_MOST)
    return sorted({*range(0, count, max(step, 1)), *range(count)[-1:]})


def make_cube_set(
    spec: CubeSpec, count: int, formats: Sequence[str] = ALL_FORMATS, directory: Path | None = None
) -> CubeSet:
    """Make the files that are missing; returns at once where all are there.

    A file exists under its name only when it is complete, so an interrupted run is resumed by calling this
    again, and several processes may do so at the same time.

    Parameters
    ----------
    spec : CubeSpec
        Size and seed.
    count : int
        Cubes in the series.
    formats : sequence of str
        Names out of ``FORMATS``.
    directory : Path, optional
        Where data are kept; ``data_directory()`` if it is not given.

    Returns
    -------
    CubeSet

    Raises
    ------
    UnknownNameError
        There is no such format.
    UnwritableError
        The disk is full, or the folder may not be written.
    """
    cubes = CubeSet(spec, count, (directory or data_directory()) / spec.identifier)
    missing = {index: names for index in range(count) if (names := _missing(cubes, index, formats))}
    if missing:
        for name in (*formats, MASKS):
            _prepare_folder(cubes.folder / name)
        _make_in_parallel(cubes, missing)
    return cubes


def _missing(cubes: CubeSet, index: int, formats: Sequence[str]) -> list[str]:
    paths = {name: cubes.cube_path(name, index) for name in formats} | {MASKS: cubes.mask_path(index)}
    return [name for name, path in paths.items() if not path.exists()]


def _prepare_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_abandoned(folder)
    except OSError as error:
        raise UnwritableError.of(folder, error) from error


def _make_in_parallel(cubes: CubeSet, missing: Mapping[int, Sequence[str]]) -> None:
    # Zstandard's highest level takes seconds a cube, so every usable CPU takes a cube at a time.
    processes = min(len(missing), len(os.sched_getaffinity(0)))
    with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as pool:
        for made in [pool.submit(_make_files, cubes, *each) for each in missing.items()]:
            made.result()


def _make_files(cubes: CubeSet, index: int, names: Sequence[str]) -> None:
    cube, mask = make_cube(cubes.spec, index)
    for name in names:
        if name == MASKS:
            write_blosc(cubes.mask_path(index), mask)
        else:
            FORMATS[name].write(cubes.cube_path(name, index), cube)
