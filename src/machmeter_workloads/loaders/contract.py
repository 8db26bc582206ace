"""What every loading strategy takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from machmeter_workloads.data.cube_set import CubeSet

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Batch:
    """Cubes ready for a network.

    Parameters
    ----------
    cubes : Tensor, shape (B, bands, H, W), float32
        Reflectance.
    masks : Tensor, shape (B, H, W), int64
        Labels.
    indices : Tensor, shape (B,), int64
        Which cubes of the series these are.
    """

    cubes: torch.Tensor
    masks: torch.Tensor
    indices: torch.Tensor


@dataclass(frozen=True)
class LoaderSettings:
    """How a strategy loads.

    Parameters
    ----------
    batch_size : int
        Cubes in a batch; the last one may be smaller.
    workers : int
        Worker processes; 0 loads in the calling process.
    prefetch : int
        Batches that each worker prepares in advance.
    seed : int
        Decides, with the epoch and the index, the order and the augmentation. Not negative.
    augment : bool
        Whether cubes and masks are augmented.
    """

    batch_size: int = 2
    workers: int = 0
    prefetch: int = 2
    seed: int = 0
    augment: bool = True


class Loader(Protocol):
    """Delivers epochs of batches until it is closed."""

    def __len__(self) -> int:
        """Batches in an epoch."""

    def epoch(self, number: int) -> Iterator[Batch]:
        """Deliver one epoch; one at a time.

        Parameters
        ----------
        number : int
            Which epoch, from 0. The same number gives the same batches again.

        Yields
        ------
        Batch
            Belongs to the caller.
        """

    def close(self) -> None:
        """End all worker processes; may be called more than once."""


LoaderFactory = Callable[[CubeSet, LoaderSettings], Loader]
