"""Decoding the cubes of a batch straight into a slot, in a worker process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from machmeter_workloads.loaders.scratch import Scratch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from machmeter_workloads.loaders.cube_files import CubeFiles
    from machmeter_workloads.loaders.decoders import Decoder, MakeDecoder
    from machmeter_workloads.loaders.slots import Slots


@dataclass(frozen=True)
class RingStrategy:
    """What worker processes read, and what they leave in the slots.

    Parameters
    ----------
    format_name : str
        Which of a series' formats.
    make_decoder : callable
        Takes the ``CubeFiles`` of that format, gives a ``Decoder``.
    dtype : torch.dtype
        Of the slots, as the decoder fills them: float32, or float16 that is widened on the device.
    """

    format_name: str
    make_decoder: MakeDecoder
    dtype: torch.dtype = torch.float32


class BatchTask(NamedTuple):
    """What a slot is to be filled with: these cubes, as they are in this epoch."""

    epoch: int
    indices: list[int]


class EpochTasks(Sequence[BatchTask]):
    """The tasks of an epoch, each made when it is asked for: an epoch may have a million.

    Parameters
    ----------
    order : list of int
        Indices of the cubes.
    batch_size : int
        Cubes in a batch; the last one may be smaller.
    epoch : int
        Its number.
    """

    def __init__(self, order: list[int], batch_size: int, epoch: int) -> None:
        self._order = order
        self._starts = range(0, len(order), batch_size)
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: int) -> BatchTask:  # type: ignore[override] # nobody asks for slices
        start = self._starts[number]
        return BatchTask(self._epoch, self._order[start : start + self._starts.step])


class SlotFiller:
    """Decodes batches into slots, in whichever process it is called.

    Parameters
    ----------
    files : CubeFiles
        Where cubes and masks lie.
    decoder : Decoder
        How cubes are read.
    slots : Slots
        Filled.
    """

    def __init__(self, files: CubeFiles, decoder: Decoder, slots: Slots) -> None:
        self._files = files
        self._decoder = decoder
        self._slots = slots
        # Empty when workers are forked; from then on each has its own.
        self._scratch = Scratch()

    def __call__(self, slot: int, task: BatchTask) -> None:
        """Fill a slot.

        Parameters
        ----------
        slot : int
            Which one; nobody else touches it meanwhile.
        task : BatchTask
            The cubes, at most as many as it holds.

        Raises
        ------
        DamagedFileError, MissingDataError, UnreadableError
            Names the file.
        """
        for place, index in enumerate(task.indices):
            target: NDArray[Any] = self._slots.cube_array(slot, place)
            window = self._files.window(task.epoch, index)
            self._decoder.fill(self._files.path(index), target, window, self._scratch)
            np.copyto(self._slots.masks[slot, place].numpy(), self._files.mask(task.epoch, index))
            self._slots.indices[slot, place] = index
