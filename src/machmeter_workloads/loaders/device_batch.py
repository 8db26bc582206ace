"""What HTC's faster strategies leave to the device: widening to float32, and augmenting a whole batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machmeter_workloads.loaders.augmentation import augment_batch, draw_augmentation
from machmeter_workloads.loaders.contract import Batch, LoaderSettings

if TYPE_CHECKING:
    from collections.abc import Sequence


def augmented(batch: Batch, keys: Sequence[int], epoch: int, settings: LoaderSettings) -> Batch:
    """Augment a batch where it lies, if that is asked for.

    Parameters
    ----------
    batch : Batch
        Float32, on any device; overwritten.
    keys : sequence of int
        The cubes' indices, which nobody has to fetch from the device.
    epoch : int
        Decides, with seed and index, what is done to each cube.
    settings : LoaderSettings
        Seed, and whether to augment.

    Returns
    -------
    Batch
    """
    if not settings.augment:
        return batch
    drawn = [draw_augmentation(settings.seed, epoch, index) for index in keys]
    return Batch(*augment_batch(drawn, batch.cubes, batch.masks), batch.indices)
