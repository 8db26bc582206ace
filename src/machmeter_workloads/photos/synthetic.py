"""The strategy "synthetic": one prepared batch again and again, which shows what loading costs at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from machmeter_workloads.loaders.contract import Lifetime
from machmeter_workloads.photos.contract import PhotoBatch, PhotoLoader, PhotoSettings
from machmeter_workloads.photos.transforms import MEMORY_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machmeter_workloads.photos.image_folder import ImageFolder


def load_synthetic(folder: ImageFolder, settings: PhotoSettings) -> PhotoLoader:
    """Deliver noise of the right shape without reading anything, as (DL)² does under this name.

    Parameters
    ----------
    folder : ImageFolder
        Decides how many batches an epoch has, and how many classes there are; no file is opened.
    settings : PhotoSettings
        Shape, device and seed.

    Returns
    -------
    PhotoLoader
    """
    return PreparedBatch(folder, settings)


class PreparedBatch:
    """A loader of a single batch; a ``PhotoLoader`` of the contract.

    Parameters
    ----------
    folder : ImageFolder
        Number of images and of classes.
    settings : PhotoSettings
        Shape, device and seed.
    """

    lifetime = Lifetime.UNTIL_NEXT

    def __init__(self, folder: ImageFolder, settings: PhotoSettings) -> None:
        self._count = len(folder)
        size, batch_size = settings.size, settings.batch_size
        generator = torch.Generator().manual_seed(settings.seed)
        images = torch.randn(batch_size, 3, size, size, generator=generator)
        labels = torch.randint(len(folder.classes), (batch_size,), generator=generator)
        self._batch = PhotoBatch(
            images.to(settings.device).contiguous(memory_format=MEMORY_FORMATS[settings.memory_format]),
            labels.to(settings.device),
            torch.full((batch_size,), -1),
        )

    def __len__(self) -> int:
        """Batches in an epoch."""
        return math.ceil(self._count / len(self._batch.indices))

    def epoch(self, number: int) -> Iterator[PhotoBatch]:
        """Deliver the batch as often as a real epoch would have one.

        Parameters
        ----------
        number : int
            Changes nothing.

        Yields
        ------
        PhotoBatch
            The same tensors each time; of the last one only as many images as are left.
        """
        del number
        whole, rest = divmod(self._count, len(self._batch.indices))
        for _ in range(whole):
            yield self._batch
        if rest:
            batch = self._batch
            yield PhotoBatch(batch.images[:rest], batch.labels[:rest], batch.indices[:rest])

    def close(self) -> None:
        """Do nothing: no process, thread or shared memory is there."""
