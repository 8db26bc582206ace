"""A loader whose worker processes decode straight into shared slots, whatever the format."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from machmeter_workloads.loaders.contract import Batch, Lifetime
from machmeter_workloads.loaders.cube_files import CubeFiles
from machmeter_workloads.loaders.device_batch import augmented
from machmeter_workloads.loaders.order import epoch_order
from machmeter_workloads.loaders.process_ring import ProcessRing
from machmeter_workloads.loaders.slot_filler import EpochTasks, SlotFiller
from machmeter_workloads.loaders.slots import SlotLayout, Slots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import LoaderSettings
    from machmeter_workloads.loaders.slot_filler import BatchTask, RingStrategy


class RingLoader:
    """Delivers what worker processes decode into a ring of slots; a ``Loader`` of the contract.

    The ring holds (prefetch + 1) x workers batches, as HTC's does; only the number of a filled slot comes
    from a worker. Here the batch is moved to the device, widened to float32 if it is stored as float16, and
    augmented as a whole.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded.
    strategy : RingStrategy
        What of it is read, and how.
    settings : LoaderSettings
        How it is loaded.

    Raises
    ------
    MissingDataError
        A file of the series is not there.
    UnfitSizeError
        The crop does not fit into the cubes.
    """

    def __init__(self, cubes: CubeSet, strategy: RingStrategy, settings: LoaderSettings) -> None:
        files = CubeFiles(cubes, strategy.format_name, settings)
        decoder = strategy.make_decoder(files)
        # Without workers there is nobody to fill a second slot meanwhile.
        slots = (settings.prefetch + 1) * settings.workers or 1
        # A small series needs no room for batches larger than it is.
        batch_size = min(settings.batch_size, cubes.count)
        layout = SlotLayout(slots, batch_size, files.delivered, strategy.dtype, decoder.channels_last)
        self._count = cubes.count
        self._settings = settings
        self._device = torch.device(settings.device)
        self._slots = Slots(layout, shared=settings.workers > 0)
        self._wide = _make_wide_batch(self._slots, self._device)
        self._ring = ProcessRing(SlotFiller(files, decoder, self._slots), slots, settings.workers)

    @property
    def lifetime(self) -> Lifetime:
        """Batches are lent: they lie in a slot, or in the one batch of float32 that all share."""
        return Lifetime.UNTIL_NEXT

    def __len__(self) -> int:
        """Batches in an epoch."""
        return math.ceil(self._count / self._settings.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Deliver one epoch; one at a time.

        Parameters
        ----------
        number : int
            Which epoch, from 0.

        Yields
        ------
        Batch
            Valid until the next one is asked for.

        Raises
        ------
        DamagedFileError, MissingDataError, UnreadableError
            Names a file that cannot be read.
        WorkerDiedError
            A worker process ended or was killed; the next epoch starts new ones.
        WorkloadError
            Another epoch was begun meanwhile, or the loader was closed.
        """
        order = epoch_order(self._count, self._settings.seed, number)
        tasks = EpochTasks(order, self._settings.batch_size, number)
        if self._device.type == "cuda":
            self._slots.pin()
        for task, slot in zip(tasks, self._ring.run(tasks), strict=True):
            yield from self._deliver(slot, task)

    def close(self) -> None:
        """End all worker processes and unlock the memory; may be called more than once."""
        self._ring.close()
        self._slots.unpin()

    def _deliver(self, slot: int, task: BatchTask) -> Iterator[Batch]:
        lent = self._slots.batch(slot, len(task.indices))
        moved = Batch(
            *(each.to(self._device, non_blocking=True) for each in (lent.cubes, lent.masks, lent.indices))
        )
        copied = _event_after_copies(self._device)
        try:
            yield augmented(self._widened(moved), task.indices, task.epoch, self._settings)
        finally:
            # Before the workers get the slot back.
            if copied is not None:
                copied.synchronize()

    def _widened(self, batch: Batch) -> Batch:
        if self._wide is None:
            return batch
        return Batch(self._wide[: len(batch.cubes)].copy_(batch.cubes), batch.masks, batch.indices)


def _make_wide_batch(slots: Slots, device: torch.device) -> torch.Tensor | None:
    """Allocate the batch that float16 slots are widened into, with their strides."""
    if slots.layout.dtype == torch.float32:
        return None
    # Allocated once: memory that is touched for the first time costs more than the widening.
    return torch.empty_like(slots.cubes[0], dtype=torch.float32, device=device)


def _event_after_copies(device: torch.device) -> torch.cuda.Event | None:
    return torch.cuda.current_stream(device).record_event() if device.type == "cuda" else None
