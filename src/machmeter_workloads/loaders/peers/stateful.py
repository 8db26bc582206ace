"""The peer "stateful": torchdata's ``StatefulDataLoader``, with worker processes.

Used: a sampler of whole batches with ``batch_size=None``, so that one task is one batch and nothing is
collated a second time; persistent workers; ``snapshot_every_n_steps`` as large as the epoch, which its
documentation recommends where checkpoints are rare. The worker widens mapped files straight into shared
memory, as torch's own collation would do at the end.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from torch.utils.data import Dataset

from machmeter_workloads.loaders.peers.dataloaders import (
    EpochBatches,
    batches_of,
    end_workers,
    worker_options,
)
from machmeter_workloads.loaders.peers.epochs import PeerLoader
from machmeter_workloads.loaders.peers.missing import require_modules
from machmeter_workloads.loaders.peers.npy_series import NpySeries
from machmeter_workloads.loaders.peers.room import Room

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import torch

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Batch, Loader, LoaderSettings


def load_stateful(cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Load ``.npy`` files with torchdata's DataLoader.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; the peers' format "npy" must have been made.
    settings : LoaderSettings
        How it is loaded; workers are processes, 0 reads in the calling one.

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
    require_modules("torchdata.stateful_dataloader")
    from torchdata.stateful_dataloader import StatefulDataLoader  # noqa: PLC0415 - an optional package

    room = Room(settings)
    series = NpySeries(cubes, settings, room)
    sampler = EpochBatches(series.batches, len(series))
    loader = StatefulDataLoader(
        _WholeBatches(series),
        batch_size=None,
        sampler=sampler,
        snapshot_every_n_steps=len(series),
        **worker_options(settings),
    )

    def run(epoch: int) -> Generator[Batch, None, None]:
        sampler.epoch = epoch
        yield from batches_of(loader)

    return PeerLoader(len(series), run, room, settings.device, partial(end_workers, loader))


class _WholeBatches(Dataset):
    """A data set whose items are batches."""

    def __init__(self, series: NpySeries) -> None:
        self._series = series

    def __getitem__(self, key: tuple[int, Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        epoch, indices = key
        batch = self._series.batch(epoch, indices)
        return batch.cubes, batch.masks, batch.indices
