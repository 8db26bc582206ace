"""From half-precision cubes, wherever a library found them, to a batch of the contract."""

from __future__ import annotations

import threading
import warnings
from typing import TYPE_CHECKING

import torch

from machmeter_workloads.loaders.augmentation import augment, draw_augmentation, draw_window
from machmeter_workloads.loaders.contract import Batch
from machmeter_workloads.storage.peer_formats.series import HalfSample

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from machmeter_workloads.loaders.contract import LoaderSettings
    from machmeter_workloads.loaders.peers.room import Room

Window = tuple[slice, slice]
EVERYTHING: Window = (slice(None), slice(None))


def window_of(settings: LoaderSettings, epoch: int, index: int, size: tuple[int, int]) -> Window:
    """Say which part of a cube is wanted.

    Parameters
    ----------
    settings : LoaderSettings
        Its ``crop`` is the size of the part.
    epoch, index : int
        Decide, with the seed, where the part lies.
    size : tuple of int
        Height and width of the whole cube.

    Returns
    -------
    tuple of slice
        Rows and columns.
    """
    if settings.crop is None:
        return EVERYTHING
    top, left = draw_window(settings.seed, epoch, index, size, settings.crop)
    height, width = settings.crop
    return slice(top, top + height), slice(left, left + width)


def cut(sample: HalfSample, settings: LoaderSettings, epoch: int) -> HalfSample:
    """Cut the wanted part out of a whole cube, without copying anything.

    Parameters
    ----------
    sample : HalfSample
        The whole cube and its mask.
    settings : LoaderSettings
        Seed and crop.
    epoch : int
        From 0.

    Returns
    -------
    HalfSample
        Views of what was given.
    """
    height, width = sample.mask.shape
    rows, columns = window_of(settings, epoch, sample.index, (height, width))
    return HalfSample(sample.index, sample.cube[:, rows, columns], sample.mask[rows, columns])


def collect(
    samples: Iterable[HalfSample], count: int, settings: LoaderSettings, epoch: int, room: Room
) -> Batch:
    """Widen samples into a batch, each with one pass over its values, and augment them there.

    Parameters
    ----------
    samples : iterable of HalfSample
        All of one size, cut out already, any strides. One is done with before the next is asked for.
    count : int
        How many there are; at least one.
    settings : LoaderSettings
        Seed, and whether to augment.
    epoch : int
        From 0.
    room : Room
        Gives the batch's memory.

    Returns
    -------
    Batch
    """
    use_one_thread()
    for slot, sample in enumerate(samples):
        if slot == 0:
            batch = room.take(count, sample.cube.shape, sample.mask.shape)
        batch.cubes[slot].copy_(readable(sample.cube))
        batch.masks[slot].copy_(readable(sample.mask))
        batch.indices[slot] = sample.index
    augment_in_place(batch, settings, epoch)
    return batch


def augment_in_place(batch: Batch, settings: LoaderSettings, epoch: int) -> None:
    """Augment the cubes of a batch one by one, if that is asked for.

    Parameters
    ----------
    batch : Batch
        Gets the augmented values.
    settings : LoaderSettings
        Seed, and whether to augment.
    epoch : int
        From 0.
    """
    if not settings.augment:
        return
    for slot, index in enumerate(batch.indices.tolist()):
        chosen = draw_augmentation(settings.seed, epoch, index)
        cube, mask = augment(chosen, batch.cubes[slot], batch.masks[slot])
        batch.cubes[slot].copy_(cube)
        batch.masks[slot].copy_(mask)


def readable(array: NDArray[np.generic]) -> torch.Tensor:
    """Look at an array as a tensor that is only read.

    Parameters
    ----------
    array : ndarray
        May be protected against writing, as views of ``bytes`` are.

    Returns
    -------
    Tensor
        Of the same memory.
    """
    if array.flags.writeable:
        return torch.from_numpy(array)
    with warnings.catch_warnings():
        # torch has no tensors that are protected, and says so.
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(array)


def delivered(batch: Batch, device: str) -> Batch:
    """Bring a batch to where it is wanted.

    Parameters
    ----------
    batch : Batch
        In the host's memory; pinned where the copy shall not be waited for.
    device : str
        As torch names it.

    Returns
    -------
    Batch
        The same one if it is there already.
    """
    if device == "cpu":
        return batch
    cubes, masks = (tensor.to(device, non_blocking=True) for tensor in (batch.cubes, batch.masks))
    return Batch(cubes, masks, batch.indices)


def use_one_thread() -> None:
    """Let torch compute with the calling thread alone, if that is one of several workers.

    As in worker processes: the number of workers alone decides the parallelism.
    """
    if threading.current_thread() is not threading.main_thread() and torch.get_num_threads() > 1:
        torch.set_num_threads(1)
