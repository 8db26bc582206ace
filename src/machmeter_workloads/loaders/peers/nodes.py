"""The peer "nodes": ``torchdata.nodes``, with threads.

Used: ``IterableWrapper`` over the epoch's batches, ``ParallelMapper(method="thread", in_order=True)`` without
snapshots. Its documentation maps a function over the batches of a sampler, and brings threads because worker
processes are slow to start and to talk to. Two tasks a worker are in flight, whatever a loader's prefetch is.
The nodes compute with one of torch's threads each.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from machmeter_workloads.loaders.peers.epochs import PeerLoader
from machmeter_workloads.loaders.peers.missing import require_modules
from machmeter_workloads.loaders.peers.npy_series import NpySeries
from machmeter_workloads.loaders.peers.room import Room

if TYPE_CHECKING:
    from collections.abc import Generator

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Batch, Loader, LoaderSettings


def load_nodes(cubes: CubeSet, settings: LoaderSettings, *, lend: bool = False) -> Loader:
    """Load ``.npy`` files with torchdata's nodes.

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
        torchdata is not installed.
    """
    require_modules("torchdata.nodes")
    from torchdata.nodes import IterableWrapper, ParallelMapper  # noqa: PLC0415 - an optional package

    room = Room(settings, lend=lend)
    series = NpySeries(cubes, settings, room)

    def run(epoch: int) -> Generator[Batch, None, None]:
        node = ParallelMapper(
            IterableWrapper(series.batches(epoch)),
            partial(series.batch, epoch),
            num_workers=settings.workers,
            method="thread",
            in_order=True,
            snapshot_frequency=0,
        )
        try:
            node.reset()
            yield from node
        finally:
            _end_threads(node)

    return PeerLoader(len(series), run, room, settings.device)


def _end_threads(node: Any) -> None:  # noqa: ANN401 - torchdata's own type is not known here
    # torchdata has no public way: it waits for the garbage collector.
    running = node._it._it  # noqa: SLF001
    if running is not None:
        running._shutdown()  # noqa: SLF001
