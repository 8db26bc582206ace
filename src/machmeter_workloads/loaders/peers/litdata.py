"""The peer "litdata": Lightning's optimized chunks through its streaming DataLoader, with worker processes.

Used: ``StreamingDataset`` over a local folder with ``shuffle=True``, ``StreamingDataLoader`` with persistent
workers, tensors instead of arrays. Its documentation recommends chunks of 64 MB and says that a local folder
is mapped in place without a flag; a tensor is then a view of the chunk, which our collation widens straight
into shared memory.

The library decides the order: chunks and what is in them are shuffled by its own seed and epoch, and every
cube comes once. Its epoch is set from ours, so that the same number gives the same batches again.
"""

from __future__ import annotations

import math
import struct
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.loaders.peers.batches import collect, cut
from machmeter_workloads.loaders.peers.dataloaders import (
    EpochCell,
    batches_of,
    end_workers,
    worker_options,
)
from machmeter_workloads.loaders.peers.epochs import PeerLoader
from machmeter_workloads.loaders.peers.formats import require_peer_format
from machmeter_workloads.loaders.peers.missing import require_modules
from machmeter_workloads.loaders.peers.room import Room
from machmeter_workloads.storage.peer_formats.litdata_chunks import DATA
from machmeter_workloads.storage.peer_formats.series import HalfSample

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    import torch

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Batch, Loader, LoaderSettings


def load_litdata(cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Load optimized chunks with litdata.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; the peers' format "litdata" must have been made.
    settings : LoaderSettings
        How it is loaded; workers are processes, 0 reads in the calling one.

    Returns
    -------
    Loader
        In its own order.

    Raises
    ------
    MissingDataError
        The format was not made.
    MissingPackageError
        litdata is not installed.
    """
    require_modules("litdata")
    import litdata  # noqa: PLC0415 - an optional package

    folder = require_peer_format("litdata", cubes)
    epoch_cell = EpochCell()
    room = Room(settings)
    loader = litdata.StreamingDataLoader(
        _chunks(folder, settings, epoch_cell),
        batch_size=settings.batch_size,
        collate_fn=partial(_collect, settings, epoch_cell, room),
        **worker_options(settings),
    )

    def run(epoch: int) -> Generator[Batch, None, None]:
        epoch_cell.set(epoch)
        yield from batches_of(loader)

    batches = math.ceil(cubes.count / settings.batch_size)
    return PeerLoader(batches, run, room, settings.device, partial(end_workers, loader))


def _chunks(folder: Path, settings: LoaderSettings, epoch_cell: EpochCell) -> Any:  # noqa: ANN401 - litdata's type
    import litdata  # noqa: PLC0415 - an optional package

    class Chunks(litdata.StreamingDataset):
        """Asks for the epoch when a new one begins: persistent workers count for themselves otherwise."""

        def __iter__(self) -> Any:  # noqa: ANN401 - litdata's type
            self.set_epoch(epoch_cell.get() + 1)
            return super().__iter__()

        def __next__(self) -> HalfSample:
            try:
                with warnings.catch_warnings():
                    # The chunk is mapped for reading only, and torch has no tensors that are protected.
                    warnings.simplefilter("ignore", UserWarning)
                    item = super().__next__()
                    sample = HalfSample(item["index"], item["cube"].numpy(), item["mask"].numpy())
            except (RuntimeError, ValueError, OSError, struct.error) as error:
                raise DamagedFileError.of(folder, f"litdata cannot read it ({error})") from error
            return cut(sample, settings, epoch_cell.get())

    return Chunks(str(folder / DATA), shuffle=True, drop_last=False, seed=settings.seed)


def _collect(
    settings: LoaderSettings, epoch_cell: EpochCell, room: Room, samples: Sequence[HalfSample]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    batch = collect(samples, len(samples), settings, epoch_cell.get(), room)
    return batch.cubes, batch.masks, batch.indices
