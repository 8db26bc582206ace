"""The strategy "pytorch": Pillow in the worker processes of torch's DataLoader, as nearly everyone has it."""

from __future__ import annotations

import math
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from machmeter_workloads.errors import WorkerDiedError
from machmeter_workloads.loaders.contract import Lifetime
from machmeter_workloads.loaders.order import epoch_batches
from machmeter_workloads.photos.byte_cache import ByteCache, CacheStatistics
from machmeter_workloads.photos.contract import MemoryFormat, PhotoBatch, PhotoLoader, PhotoSettings
from machmeter_workloads.photos.decoding import decoded, read_file
from machmeter_workloads.photos.transforms import MEMORY_FORMATS, cropped, draw, normalised

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from machmeter_workloads.photos.image_folder import ImageFolder

Sample = tuple[NDArray[np.uint8], int, int]


def load_pytorch(folder: ImageFolder, settings: PhotoSettings) -> PhotoLoader:
    """Load with Pillow and torch's DataLoader, as (DL)² does under this name.

    Workers read, decode, crop, resize and mirror, and collect batches of bytes; the calling process
    normalises them on the device. With a cache, workers share the files they have read (MinIO).

    Parameters
    ----------
    folder : ImageFolder
        What is loaded.
    settings : PhotoSettings
        How it is loaded.

    Returns
    -------
    PhotoLoader

    Raises
    ------
    UnfitSizeError
        The cache's size is negative.
    """
    return SampledPhotos(folder, settings)


class PhotoSamples(Dataset):
    """Reads, decodes and crops one photograph at a time.

    Parameters
    ----------
    folder : ImageFolder
        The files.
    settings : PhotoSettings
        Seed and size.
    cache : ByteCache, optional
        Asked before a file is read.
    """

    def __init__(self, folder: ImageFolder, settings: PhotoSettings, cache: ByteCache | None) -> None:
        self._folder = folder
        self._settings = settings
        self._cache = cache

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        epoch, index = key
        path = self._folder.path(index)
        read = partial(read_file, path)
        content = self._cache.read(index, read) if self._cache else read()
        choice = draw(self._settings.seed, epoch, index)
        pixels = cropped(decoded(path, content), choice, self._settings.size)
        return pixels, int(self._folder.labels[index]), index


class EpochBatches(Sampler):
    """Tells the workers which photographs of which epoch make a batch.

    Parameters
    ----------
    count : int
        Photographs in the folder.
    settings : PhotoSettings
        Batch size and seed.
    """

    def __init__(self, count: int, settings: PhotoSettings) -> None:
        self._count = count
        self._settings = settings
        self.epoch = 0

    def __len__(self) -> int:
        return math.ceil(self._count / self._settings.batch_size)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch = self.epoch
        batches = epoch_batches(self._count, self._settings.batch_size, self._settings.seed, epoch)
        return ([(epoch, index) for index in batch] for batch in batches)


class SampledPhotos:
    """A loader in which torch's DataLoader collects single photographs; a ``PhotoLoader`` of the contract.

    Parameters
    ----------
    folder : ImageFolder
        What is loaded.
    settings : PhotoSettings
        How it is loaded.

    Raises
    ------
    UnfitSizeError
        The cache's size is negative.
    """

    lifetime = Lifetime.OWNED

    def __init__(self, folder: ImageFolder, settings: PhotoSettings) -> None:
        parallel = settings.workers > 0
        self._settings = settings
        self._cache = ByteCache(len(folder), settings.cache) if settings.cache else None
        self._batches = EpochBatches(len(folder), settings)
        self._loader = DataLoader(
            PhotoSamples(folder, settings, self._cache),
            batch_sampler=self._batches,
            collate_fn=partial(_collected, memory_format=settings.memory_format),
            num_workers=settings.workers,
            prefetch_factor=settings.prefetch if parallel else None,
            persistent_workers=parallel,
            worker_init_fn=_use_one_thread,
            # Said explicitly: newer versions of Python start each worker anew, which imports torch again.
            multiprocessing_context="fork" if parallel else None,
            pin_memory=torch.device(settings.device).type == "cuda",
            # The DataLoader draws its workers' seeds from this instead of the global generator.
            generator=torch.Generator().manual_seed(settings.seed),
        )

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self._batches)

    def epoch(self, number: int) -> Iterator[PhotoBatch]:
        """Deliver one epoch; one at a time.

        Parameters
        ----------
        number : int
            Which epoch, from 0.

        Yields
        ------
        PhotoBatch
            Belongs to the caller; labels are on the device, indices in main memory.

        Raises
        ------
        DamagedFileError, MissingDataError, UnreadableError
            Names the file.
        WorkerDiedError
            A worker process was killed.
        """
        self._batches.epoch = number
        device = torch.device(self._settings.device)
        with self._dead_workers_named():
            for images, labels, indices in self._loader:
                moved = images.to(device, non_blocking=True)
                values = normalised(moved, self._settings.memory_format)
                yield PhotoBatch(values, labels.to(device, non_blocking=True), indices)

    def cache_statistics(self) -> CacheStatistics | None:
        """Say what the cache found, missed and kept so far.

        Returns
        -------
        CacheStatistics, optional
            None without a cache.
        """
        return self._cache.statistics() if self._cache else None

    def close(self) -> None:
        """End all worker processes and free the cache; may be called more than once."""
        # torch has no public way: it waits for the garbage collector, which an unfinished epoch holds up.
        iterator, self._loader._iterator = self._loader._iterator, None  # noqa: SLF001
        if iterator is not None:
            iterator._shutdown_workers()  # noqa: SLF001
        if self._cache is not None:
            self._cache.close()

    @contextmanager
    def _dead_workers_named(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            workers = getattr(self._loader._iterator, "_workers", [])  # noqa: SLF001
            for number, worker in enumerate(workers):
                if not worker.is_alive():
                    raise WorkerDiedError.of(number, worker.exitcode) from error
            raise


def _collected(samples: Sequence[Sample], memory_format: MemoryFormat) -> tuple[torch.Tensor, ...]:
    photos = np.stack([pixels for pixels, _, _ in samples])
    # What Pillow gives is "nhwc" already, so that only the other order is a copy.
    images = (
        torch.from_numpy(photos).permute(0, 3, 1, 2).contiguous(memory_format=MEMORY_FORMATS[memory_format])
    )
    labels = torch.tensor([label for _, label, _ in samples])
    return images, labels, torch.tensor([index for _, _, index in samples])


def _use_one_thread(worker: int) -> None:
    del worker
    torch.set_num_threads(1)
