"""The peer "grain": Google's ``MapDataset``, read by its prefetching threads.

Used: ``MapDataset.source`` over the epoch's order, ``map`` that opens a cube, ``batch`` with an own
``batch_fn``, ``to_iter_dataset`` with ``ReadOptions``. Its documentation has threads to read, and processes
for transformations that hold Python's lock; here all of the work is one copy that releases it. The samples
are views of mapped files, so that ``batch_fn`` is where their values are touched for the first and only time;
the default one would stack them, and they would have to be widened after that. The buffer counts batches over
all threads.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from machmeter_workloads.loaders.peers.epochs import PeerLoader
from machmeter_workloads.loaders.peers.missing import require_modules
from machmeter_workloads.loaders.peers.npy_series import NpySeries
from machmeter_workloads.loaders.peers.room import Room

if TYPE_CHECKING:
    from collections.abc import Generator

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Batch, Loader, LoaderSettings


def load_grain(cubes: CubeSet, settings: LoaderSettings, *, lend: bool = False) -> Loader:
    """Load ``.npy`` files with Grain.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; the peers' format "npy" must have been made.
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
        Grain is not installed.
    """
    require_modules("grain")
    import grain  # noqa: PLC0415 - an optional package

    room = Room(settings, lend=lend)
    series = NpySeries(cubes, settings, room)
    options = grain.ReadOptions(
        num_threads=settings.workers, prefetch_buffer_size=settings.workers * settings.prefetch
    )

    def run(epoch: int) -> Generator[Batch, None, None]:
        dataset = (
            grain.MapDataset.source(series.order(epoch))
            .map(partial(series.sample, epoch))
            .batch(settings.batch_size, drop_remainder=False, batch_fn=partial(series.collect, epoch))
        )
        iterator = iter(dataset.to_iter_dataset(options))
        try:
            yield from iterator
        finally:
            iterator.close()

    return PeerLoader(len(series), run, room, settings.device)
