"""The peer "zarr": zarr-python 3 over an uncompressed store, one chunk a cube, read by threads.

Used: the synchronous array and ``get_basic_selection`` with an ``out`` that a thread fills again and again;
basic selections only, because a list of indices is gathered element by element. Its documentation says that
arrays may be read by several threads, recommends chunks of at least a megabyte that match the access, and
sharding where parts are read: a crop reads the tiled store. It has no loader, so a ``ThreadPoolExecutor``
prepares batches ahead. All threads of a process share one event loop of the library's, in which chunks are
copied; that thread is not ours to end. A chunk that is not there is read as zeros, as the format defines.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.loaders.order import epoch_batches
from machmeter_workloads.loaders.peers.ahead import ahead
from machmeter_workloads.loaders.peers.batches import collect, window_of
from machmeter_workloads.loaders.peers.epochs import PeerLoader
from machmeter_workloads.loaders.peers.formats import require_peer_format
from machmeter_workloads.loaders.peers.missing import require_modules
from machmeter_workloads.loaders.peers.room import Room
from machmeter_workloads.storage.peer_formats.series import HalfSample
from machmeter_workloads.storage.peer_formats.zarr_store import CUBES, MASKS

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Batch, Loader, LoaderSettings


def zarr_format(settings: LoaderSettings) -> str:
    """Say which store is read.

    Parameters
    ----------
    settings : LoaderSettings
        With a crop, or without.

    Returns
    -------
    str
        A name out of the peers' formats.
    """
    return "zarr" if settings.crop is None else "zarr_tiled"


def load_zarr(cubes: CubeSet, settings: LoaderSettings, *, lend: bool = False) -> Loader:
    """Load a Zarr 3 store with zarr-python.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; the peers' format "zarr", with a crop "zarr_tiled", must have been made.
    settings : LoaderSettings
        How it is loaded; workers are threads, 0 reads in the calling one.
    lend : bool
        Whether the memory of batches that are over is used again.

    Returns
    -------
    Loader

    Raises
    ------
    MissingDataError
        The format was not made.
    MissingPackageError
        zarr is not installed.
    """
    require_modules("zarr")
    room = Room(settings, lend=lend)
    store = _Store(require_peer_format(zarr_format(settings), cubes), settings, room)
    batches = partial(epoch_batches, cubes.count, settings.batch_size, settings.seed)

    def run(epoch: int) -> Generator[Batch, None, None]:
        read = partial(store.batch, epoch)
        if settings.workers == 0:
            yield from map(read, batches(epoch))
            return
        pool = ThreadPoolExecutor(settings.workers)
        try:
            depth = settings.workers * settings.prefetch
            yield from ahead(partial(pool.submit, read), batches(epoch), depth)
        finally:
            pool.shutdown(cancel_futures=True)

    return PeerLoader(len(batches(0)), run, room, settings.device)


class _Store:
    """The arrays of a store, and each thread's own place for one cube and one mask."""

    def __init__(self, folder: Path, settings: LoaderSettings, room: Room) -> None:
        import zarr  # noqa: PLC0415 - an optional package

        self._folder = folder
        self._settings = settings
        self._room = room
        self._cubes = zarr.open_array(folder / CUBES, mode="r")
        self._masks = zarr.open_array(folder / MASKS, mode="r")
        self._own = threading.local()

    def batch(self, epoch: int, indices: Sequence[int]) -> Batch:
        return collect(self._samples(epoch, indices), len(indices), self._settings, epoch, self._room)

    def _samples(self, epoch: int, indices: Sequence[int]) -> Iterator[HalfSample]:
        size = self._masks.shape[1:]
        for index in indices:
            window = window_of(self._settings, epoch, index, size)
            cube = self._read(self._cubes, (index, slice(None), *window), "cube")
            mask = self._read(self._masks, (index, *window), "mask")
            yield HalfSample(index, cube, mask)

    def _read(self, array: Any, selection: tuple[Any, ...], name: str) -> Any:  # noqa: ANN401 - zarr's types
        place = getattr(self._own, name, None)
        if place is None:
            place = self._new_place(array)
            setattr(self._own, name, place)
        try:
            array.get_basic_selection(selection, out=place)
        except (ValueError, OSError, RuntimeError) as error:
            raise DamagedFileError.of(self._folder, f"zarr cannot read {selection} ({error})") from error
        return place.as_numpy_array()

    def _new_place(self, array: Any) -> Any:  # noqa: ANN401 - zarr's types
        from zarr.core.buffer.cpu import NDBuffer  # noqa: PLC0415 - an optional package

        size = self._settings.crop or array.shape[-2:]
        return NDBuffer.from_numpy_array(np.empty((*array.shape[1:-2], *size), array.dtype))
