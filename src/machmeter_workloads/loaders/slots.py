"""Memory for a ring of batches: allocated once, filled again and again."""

from __future__ import annotations

import math
import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from machmeter_workloads.loaders.contract import Batch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class SlotLayout:
    """What a ring holds.

    Parameters
    ----------
    count : int
        Slots, one batch each.
    batch_size : int
        Cubes in a slot.
    cube : tuple of int
        Bands, height and width.
    dtype : torch.dtype
        Of the cubes.
    channels_last : bool
        Whether a pixel's bands lie together, as in files of the order (H, W, bands).
    """

    count: int
    batch_size: int
    cube: tuple[int, int, int]
    dtype: torch.dtype = torch.float32
    channels_last: bool = False


class Slots:
    """The tensors of a ring; slot by slot they are lent to whoever fills or uses a batch.

    Shared memory is anonymous: it has no name that could be left behind under ``/dev/shm``, is not limited by
    that folder's size, and is gone with the last process. Processes get it by being forked afterwards.

    Parameters
    ----------
    layout : SlotLayout
        Sizes and precision.
    shared : bool
        Whether forked processes shall fill the slots.

    Attributes
    ----------
    memory : Tensor, shape (S, B, H, W, bands) if channels_last, else (S, B, bands, H, W)
        The cubes as they lie, contiguous.
    cubes : Tensor, shape (S, B, bands, H, W)
        The same memory in the order of the contract.
    masks : Tensor, shape (S, B, H, W), int64
    indices : Tensor, shape (S, B), int64
    """

    def __init__(self, layout: SlotLayout, *, shared: bool = False) -> None:
        bands, *area = layout.cube
        cube = (*area, bands) if layout.channels_last else (bands, *area)
        each = (layout.count, layout.batch_size)
        self.layout = layout
        self.memory = _allocate((*each, *cube), layout.dtype, shared=shared)
        self.cubes = self.memory.permute(0, 1, 4, 2, 3) if layout.channels_last else self.memory
        self.masks = _allocate((*each, *area), torch.int64, shared=shared)
        self.indices = _allocate(each, torch.int64, shared=shared)
        self._pinned: list[torch.Tensor] = []

    def cube_array(self, slot: int, place: int) -> NDArray[np.generic]:
        """Give the memory of one cube to a decoder.

        Parameters
        ----------
        slot : int
            Which batch.
        place : int
            Which cube of it.

        Returns
        -------
        ndarray, shape (H, W, bands) if channels_last, else (bands, H, W)
            Contiguous and writable.
        """
        array: NDArray[np.generic] = self.memory[slot, place].numpy()
        return array

    def batch(self, slot: int, size: int) -> Batch:
        """Look at a slot as a batch.

        Parameters
        ----------
        slot : int
            Which one.
        size : int
            How many cubes were filled in.

        Returns
        -------
        Batch
            Views, nothing is copied; cubes as precise as the slots.
        """
        return Batch(self.cubes[slot, :size], self.masks[slot, :size], self.indices[slot, :size])

    def pin(self) -> None:
        """Lock the memory for direct access by the GPU, so that copies to it can run beside everything else.

        Raises
        ------
        RuntimeError
            CUDA refuses, usually because a limit on locked memory is reached; says which error it is.
        """
        if self._pinned:
            return
        for tensor in (self.memory, self.masks, self.indices):
            torch.cuda.check_error(torch.cuda.cudart().cudaHostRegister(tensor.data_ptr(), tensor.nbytes, 0))
            self._pinned.append(tensor)

    def unpin(self) -> None:
        """Unlock the memory again, which must happen before it is freed; may be called more than once."""
        if self._pinned:
            # A copy that was not waited for may still be reading.
            torch.cuda.synchronize()
        while self._pinned:
            torch.cuda.check_error(torch.cuda.cudart().cudaHostUnregister(self._pinned.pop().data_ptr()))


def _allocate(shape: tuple[int, ...], dtype: torch.dtype, *, shared: bool) -> torch.Tensor:
    if not shared:
        return torch.empty(shape, dtype=dtype)
    # The tensor keeps the mapping alive.
    mapping = mmap.mmap(-1, math.prod(shape) * dtype.itemsize)
    return torch.frombuffer(mapping, dtype=dtype).view(shape)
