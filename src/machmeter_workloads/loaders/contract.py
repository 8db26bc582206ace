"""What every loading strategy takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from machmeter_workloads.data.cube_set import CubeSet

if TYPE_CHECKING:
    import torch


class Lifetime(Enum):
    """How long the tensors of a batch hold what was delivered."""

    #: They belong to the caller.
    OWNED = "owned"
    #: They are lent: once the next batch is asked for, or the epoch ended, or the loader closed, the memory
    #: is filled anew. Who needs one longer makes a copy.
    UNTIL_NEXT = "until the next batch"


@dataclass(frozen=True)
class Batch:
    """Cubes ready for a network.

    Parameters
    ----------
    cubes : Tensor, shape (B, bands, H, W), float32
        Reflectance. The strides are the strategy's: those of ``torch.channels_last`` where a file's pixels
        lie together, and nobody has to transpose them.
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
    crop : tuple of int, optional
        Height and width of a window that is cut out before the augmentation, at a place decided by seed,
        epoch and index; the whole cube if it is not given.
    device : str
        Where batches are delivered, as torch names it.
    bytes_per_s : float, optional
        What the storage may give at most, over all workers; unlimited if it is not given.
    """

    batch_size: int = 2
    workers: int = 0
    prefetch: int = 2
    seed: int = 0
    augment: bool = True
    crop: tuple[int, int] | None = None
    device: str = "cpu"
    bytes_per_s: float | None = None


class Loader(Protocol):
    """Delivers epochs of batches until it is closed."""

    @property
    def lifetime(self) -> Lifetime:
        """Until when a batch may be used."""

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
            Valid as ``lifetime`` says.

        Raises
        ------
        DamagedFileError
            Names a file that cannot be decoded.
        WorkerDiedError
            A worker process ended by itself, or was killed.
        """

    def close(self) -> None:
        """End all worker processes and threads, and free shared memory; may be called more than once."""


LoaderFactory = Callable[[CubeSet, LoaderSettings], Loader]
