"""Memory for batches: new for each, or that of batches which are over."""

from __future__ import annotations

import math
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import torch
from torch.utils.data import get_worker_info

from machmeter_workloads.loaders.contract import Batch, Lifetime

if TYPE_CHECKING:
    from machmeter_workloads.loaders.contract import LoaderSettings


class Room:
    """Gives out memory for batches; several threads may ask.

    New memory costs more than anything else that is done with it: the system clears each page when it is
    touched first. None of the libraries keeps memory for its users, who may do it themselves; then a batch is
    only lent. What is pinned for another device is kept by torch, and always belongs to the caller.

    Parameters
    ----------
    settings : LoaderSettings
        Size of a batch, and the device.
    lend : bool
        Whether the memory of batches that are over is used again.
    """

    def __init__(self, settings: LoaderSettings, *, lend: bool = False) -> None:
        self._size = settings.batch_size
        self._pinned = settings.device != "cpu"
        self._lends = lend and not self._pinned
        self._free: SimpleQueue[Batch] = SimpleQueue()

    @property
    def lifetime(self) -> Lifetime:
        """How long what is given out may be used."""
        return Lifetime.UNTIL_NEXT if self._lends else Lifetime.OWNED

    def take(self, count: int, cube: tuple[int, ...], mask: tuple[int, ...]) -> Batch:
        """Give memory for a batch.

        Parameters
        ----------
        count : int
            Cubes in it.
        cube, mask : tuple of int
            Shape of one cube and one mask, always the same.

        Returns
        -------
        Batch
            Not filled. In shared memory where this is a worker process of torch, which sends it without
            another copy; pinned where it is to be copied to another device.
        """
        if not self._lends:
            return self._new(count, cube, mask)
        try:
            whole = self._free.get_nowait()
        except Empty:
            whole = self._new(self._size, cube, mask)
        return Batch(whole.cubes[:count], whole.masks[:count], whole.indices[:count])

    def give_back(self, batch: Batch) -> None:
        """Say that a batch is over.

        Parameters
        ----------
        batch : Batch
            What ``take`` gave.
        """
        if self._lends:
            self._free.put(Batch(*(self._whole(each) for each in (batch.cubes, batch.masks, batch.indices))))

    def _new(self, count: int, cube: tuple[int, ...], mask: tuple[int, ...]) -> Batch:
        return Batch(
            self._tensor((count, *cube), torch.float32),
            self._tensor((count, *mask), torch.int64),
            torch.empty(count, dtype=torch.int64),
        )

    def _whole(self, part: torch.Tensor) -> torch.Tensor:
        # The last batch of an epoch may use less than what it was given.
        whole = torch.empty(0, dtype=part.dtype)
        return whole.set_(part.untyped_storage(), 0, (self._size, *part.shape[1:]))

    def _tensor(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        if get_worker_info() is None:
            return torch.empty(shape, dtype=dtype, pin_memory=self._pinned)
        # What torch's own collation does: a tensor that lies elsewhere would be copied there to be sent.
        # Pinning is the main process's business.
        memory = torch.UntypedStorage._new_shared(math.prod(shape) * dtype.itemsize)  # noqa: SLF001
        return torch.empty(0, dtype=dtype).set_(memory, 0, shape)
