"""The cubes of a series once more, in the storage formats that the compared libraries read."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from machmeter_workloads.data.cubes import make_cube
from machmeter_workloads.errors import MissingDataError, UnknownNameError
from machmeter_workloads.loaders.peers.missing import require_modules
from machmeter_workloads.storage.peer_formats.folder import FACTS, new_folder, write_facts
from machmeter_workloads.storage.peer_formats.litdata_chunks import write_litdata_chunks
from machmeter_workloads.storage.peer_formats.npy_files import write_npy_files
from machmeter_workloads.storage.peer_formats.series import HalfSample, HalfSeries
from machmeter_workloads.storage.peer_formats.tar_shards import write_tar_shards
from machmeter_workloads.storage.peer_formats.zarr_store import write_zarr_tiled, write_zarr_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from machmeter_workloads.data.cube_set import CubeSet


@dataclass(frozen=True)
class PeerFormat:
    """How a series becomes a folder.

    Parameters
    ----------
    write : callable
        Takes an empty folder and a series; gives facts that a reader needs.
    modules : tuple of str
        What writing needs beside our own dependencies.
    """

    write: Callable[[Path, HalfSeries], Mapping[str, object]]
    modules: tuple[str, ...] = ()


# A format whose bytes change gets a new name: two commits share these files.
PEER_FORMATS: Mapping[str, PeerFormat] = MappingProxyType(
    {
        "npy": PeerFormat(write_npy_files),
        "tar": PeerFormat(write_tar_shards),
        "zarr": PeerFormat(write_zarr_whole, ("zarr",)),
        "zarr_tiled": PeerFormat(write_zarr_tiled, ("zarr",)),
        "litdata": PeerFormat(write_litdata_chunks, ("litdata",)),
    }
)


def peer_format_path(name: str, cubes: CubeSet) -> Path:
    """Give the folder of a format, whether or not it was made.

    Parameters
    ----------
    name : str
        One of ``PEER_FORMATS``.
    cubes : CubeSet
        The series. Its length is part of the name: most of these formats cannot be continued.

    Returns
    -------
    Path

    Raises
    ------
    UnknownNameError
        There is no such format.
    """
    if name not in PEER_FORMATS:
        raise UnknownNameError.of("storage format of the peers", name, PEER_FORMATS)
    return cubes.folder / "peers" / f"{name}-{cubes.count}"


def make_peer_format(name: str, cubes: CubeSet) -> Path:
    """Write a series in a format, if that was not done before.

    A folder exists under its name only when it is complete; its ``facts.json`` says what it holds. The same
    series gives the same bytes with the same versions of the libraries.

    Parameters
    ----------
    name : str
        One of ``PEER_FORMATS``.
    cubes : CubeSet
        The series; its own files are not needed, the cubes are computed again.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    MissingPackageError
        The format can only be written by a library that is not installed.
    UnknownNameError
        There is no such format.
    UnwritableError
        The disk is full, or the folder may not be written.
    """
    final = peer_format_path(name, cubes)
    if not (final / FACTS).exists():
        chosen = PEER_FORMATS[name]
        require_modules(*chosen.modules)
        with new_folder(final) as folder:
            facts = chosen.write(folder, _series(cubes))
            write_facts(folder, _shared_facts(name, cubes, folder) | dict(facts))
    return final


def require_peer_format(name: str, cubes: CubeSet) -> Path:
    """Give the folder of a format that was made before.

    Parameters
    ----------
    name : str
        One of ``PEER_FORMATS``.
    cubes : CubeSet
        The series.

    Returns
    -------
    Path

    Raises
    ------
    MissingDataError
        It was not made.
    """
    folder = peer_format_path(name, cubes)
    if not (folder / FACTS).exists():
        raise MissingDataError(
            f"{folder} does not exist.",
            "A loader reads data that were made before, and never makes them while it is timed.",
            f'Make them with machmeter_workloads.loaders.peers.formats.make_peer_format("{name}", cubes).',
        )
    return folder


def _series(cubes: CubeSet) -> HalfSeries:
    spec = cubes.spec
    return HalfSeries(cubes.count, spec.bands, spec.height, spec.width, _samples(cubes))


def _samples(cubes: CubeSet) -> Iterator[HalfSample]:
    for index in range(cubes.count):
        cube, mask = make_cube(cubes.spec, index)
        yield HalfSample(index, np.ascontiguousarray(cube.transpose(2, 0, 1), dtype=np.float16), mask)


def _shared_facts(name: str, cubes: CubeSet, folder: Path) -> dict[str, object]:
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return {
        "format": name,
        "count": cubes.count,
        "bands": cubes.spec.bands,
        "height": cubes.spec.height,
        "width": cubes.spec.width,
        "dtype": "float16",
        "bytes": sum(sizes),
        "files": len(sizes),
    }
