"""The peer "webdataset": tar shards read from beginning to end, with worker processes.

Used: ``DataPipeline`` with an own list of shards, ``split_by_worker``, the parts of ``tarfile_to_samples``,
``map`` and ``batched`` in the workers, persistent workers. Its documentation recommends sequential shards
that are shuffled, batching inside the workers, and as many shards as workers or more. It also recommends a
shuffle buffer of hundreds of samples, which for cubes would not fit in memory: only the shards are shuffled,
which costs nothing. Values lie raw in the archives, so that its decoders, which copy, are not needed; torch's
DataLoader is used directly, of which its ``WebLoader`` is a wrapper.

A tar file cannot be read in an order of ours: every cube comes once in an epoch, in the order of its shard,
and the batches of a worker hold what its shards hold. Each worker may end with a smaller batch.
"""

from __future__ import annotations

import math
import tarfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch.utils.data import DataLoader, IterableDataset

from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.loaders.order import epoch_order
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
from machmeter_workloads.storage.peer_formats.folder import read_facts
from machmeter_workloads.storage.peer_formats.series import HalfSample
from machmeter_workloads.storage.peer_formats.tar_shards import CUBE, MASK

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    import torch

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Batch, Loader, LoaderSettings


def load_webdataset(cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Load tar shards with webdataset.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; the peers' format "tar" must have been made.
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
        webdataset is not installed.
    """
    require_modules("webdataset")
    import webdataset  # noqa: PLC0415 - an optional package

    folder = require_peer_format("tar", cubes)
    epoch_cell = EpochCell()
    shards = _Shards(folder, settings.seed, epoch_cell)
    decoder = _Decoder(folder, settings, epoch_cell)
    pipeline = webdataset.DataPipeline(
        shards,
        webdataset.split_by_worker,
        _opened,
        partial(webdataset.tariterators.tar_file_expander, handler=_refuse),
        webdataset.tariterators.group_by_keys,
        webdataset.map(decoder.sample),
        webdataset.batched(settings.batch_size, collation_fn=decoder.collect, partial=True),
    )
    loader = DataLoader(pipeline, batch_size=None, **worker_options(settings))

    def run(epoch: int) -> Generator[Batch, None, None]:
        epoch_cell.set(epoch)
        yield from batches_of(loader)

    end = partial(end_workers, loader)
    return PeerLoader(shards.batches(settings), run, decoder.room, settings.device, end)


class _Shards(IterableDataset):
    """Gives the shards of an epoch, shuffled by seed and epoch.

    Only the last one may hold fewer samples. It stays the last, so that every epoch has as many batches.
    """

    def __init__(self, folder: Path, seed: int, epoch_cell: EpochCell) -> None:
        facts = read_facts(folder)
        self._folder = folder
        self._seed = seed
        self._epoch = epoch_cell
        self._count = facts["shards"]
        self._sizes = [facts["samples_per_shard"]] * self._count
        self._sizes[-1] -= sum(self._sizes) - facts["count"]

    def __iter__(self) -> Iterator[dict[str, str]]:
        order = epoch_order(self._count - 1, self._seed, self._epoch.get())
        for number in [*order, self._count - 1]:
            yield {"url": str(self._folder / f"{number:05d}.tar")}

    def batches(self, settings: LoaderSettings) -> int:
        workers = max(1, settings.workers)
        samples = (sum(self._sizes[worker::workers]) for worker in range(workers))
        return sum(math.ceil(each / settings.batch_size) for each in samples)


def _opened(shards: Iterable[dict[str, str]]) -> Iterator[dict[str, object]]:
    # As the library opens local files, which it then forgets to close.
    for shard in shards:
        with Path(shard["url"]).open("rb") as stream:
            yield {**shard, "stream": stream}


class _Decoder:
    """Makes samples of what lies in an archive, and batches of samples."""

    def __init__(self, folder: Path, settings: LoaderSettings, epoch_cell: EpochCell) -> None:
        facts = read_facts(folder)
        self._size = (facts["height"], facts["width"])
        self._shape = (facts["bands"], *self._size)
        self._settings = settings
        self._epoch = epoch_cell
        self.room = Room(settings)

    def sample(self, members: dict[str, Any]) -> HalfSample:
        try:
            cube = np.frombuffer(members[CUBE], np.float16).reshape(self._shape)
            mask = np.frombuffer(members[MASK], np.uint8).reshape(self._size)
        except (KeyError, ValueError) as error:
            raise DamagedFileError.of(
                Path(members["__url__"]), f"sample {members['__key__']} is not a whole cube and mask"
            ) from error
        return cut(HalfSample(int(members["__key__"]), cube, mask), self._settings, self._epoch.get())

    def collect(self, samples: Sequence[HalfSample]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        batch = collect(samples, len(samples), self._settings, self._epoch.get(), self.room)
        return batch.cubes, batch.masks, batch.indices


def _refuse(error: Exception) -> bool:
    if isinstance(error, (tarfile.TarError, OSError, EOFError)):
        # The library appends the archive's name to what went wrong.
        raise DamagedFileError.of(
            Path(error.args[-1]), f"it is no whole tar file ({error.args[0]})"
        ) from error
    raise error
