"""A loader whose threads decode straight into the batches that it delivers, whatever the format."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import blosc2
import torch

from machmeter_workloads.loaders.contract import Batch, Lifetime
from machmeter_workloads.loaders.copy_stream import CopyStream, copied_batches
from machmeter_workloads.loaders.cube_files import CubeFiles
from machmeter_workloads.loaders.decoders import MaskDecoder
from machmeter_workloads.loaders.device_batch import augmented
from machmeter_workloads.loaders.order import epoch_order
from machmeter_workloads.loaders.ring_schedule import Schedule
from machmeter_workloads.loaders.slots import SlotLayout, Slots
from machmeter_workloads.loaders.thread_ring import ThreadRing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import LoaderSettings
    from machmeter_workloads.loaders.copy_stream import Copier
    from machmeter_workloads.loaders.decoders import MakeDecoder
    from machmeter_workloads.loaders.ring_schedule import Place
    from machmeter_workloads.loaders.scratch import Scratch


@dataclass(frozen=True)
class ThreadStrategy:
    """What threads read, and how.

    Parameters
    ----------
    format_name : str
        Which of a series' formats.
    make_decoder : callable
        Takes the ``CubeFiles`` of that format, gives a ``Decoder``.
    """

    format_name: str
    make_decoder: MakeDecoder


class ThreadLoader:
    """Delivers what threads decode into a ring of slots; a ``Loader`` of the contract.

    On the CPU a batch is the slot itself, lent until the next one is asked for; nothing is copied. On a GPU
    it is a copy, made on a stream of its own, that belongs to the caller.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded.
    strategy : ThreadStrategy
        What of it is read, and how.
    settings : LoaderSettings
        How it is loaded; ``workers`` are threads.
    slots : int, optional
        Batches in the ring. If it is not given, as many as the threads prefetch, and the one that is lent.

    Raises
    ------
    MissingDataError
        A file of the series is not there.
    UnfitSizeError
        The crop does not fit into the cubes.
    """

    def __init__(
        self, cubes: CubeSet, strategy: ThreadStrategy, settings: LoaderSettings, slots: int | None = None
    ) -> None:
        self._files = CubeFiles(cubes, strategy.format_name, settings)
        self._cubes = cubes
        self._settings = settings
        self._decoder = strategy.make_decoder(self._files)
        self._masks = MaskDecoder(self._files)
        self._slots = self._make_slots(slots)
        self._copier = self._make_copier()
        # For the whole process, and harmless there: without it the threads would take turns.
        blosc2.set_releasegil(True)
        self._ring = ThreadRing(settings.workers)

    @property
    def lifetime(self) -> Lifetime:
        """Batches on the CPU are lent, copies on a device belong to the caller."""
        return Lifetime.UNTIL_NEXT if self._copier is None else Lifetime.OWNED

    def __len__(self) -> int:
        """Batches in an epoch."""
        return math.ceil(self._cubes.count / self._settings.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Deliver one epoch; one at a time.

        Parameters
        ----------
        number : int
            Which epoch, from 0.

        Yields
        ------
        Batch
            Valid as ``lifetime`` says.

        Raises
        ------
        DamagedFileError, MissingDataError, UnreadableError
            Names a file that cannot be read.
        WorkloadError
            Another epoch was begun meanwhile, or the loader was closed.
        """
        self._wait_for_copies()
        order = epoch_order(self._cubes.count, self._settings.seed, number)
        schedule = Schedule(order, self._settings.batch_size, self._slots.layout.count)
        self._ring.begin(partial(self._fill, number), schedule)
        try:
            for place, batch in enumerate(self._batches(schedule)):
                yield augmented(batch, schedule.tasks(place), number, self._settings)
        finally:
            # No more than a mark: this may run whenever, and wherever, the garbage collector does.
            schedule.abandoned = True

    def close(self) -> None:
        """End all threads and unlock the memory; may be called more than once."""
        self._ring.close()
        self._wait_for_copies()
        self._slots.unpin()

    def _batches(self, schedule: Schedule) -> Iterator[Batch]:
        look = partial(self._look, schedule)
        if self._copier is None:
            return lent_batches(self._ring, schedule, look)
        return copied_batches(self._ring, schedule, look, self._copier)

    def _look(self, schedule: Schedule, number: int) -> Batch:
        keys = schedule.tasks(number)
        batch = self._slots.batch(schedule.slot(number), len(keys))
        batch.indices.copy_(torch.tensor(keys))
        return batch

    def _fill(self, epoch: int, place: Place, scratch: Scratch) -> None:
        _, slot, position, index = place
        window = self._files.window(epoch, index)
        target: NDArray[Any] = self._slots.cube_array(slot, position)
        self._decoder.fill(self._files.path(index), target, window, scratch)
        mask = self._slots.masks[slot, position]
        self._masks.fill(self._cubes.mask_path(index), mask, window, scratch)

    def _make_slots(self, wanted: int | None) -> Slots:
        # Without threads there is nobody to fill a second one meanwhile.
        prefetched = self._settings.prefetch * self._settings.workers
        count = prefetched + 1 if wanted is None else wanted
        # A small series needs no room for more or larger batches than it has.
        count = max(1, min(count, len(self)))
        batch_size = max(1, min(self._settings.batch_size, self._cubes.count))
        layout = SlotLayout(
            count, batch_size, self._files.delivered, channels_last=self._decoder.channels_last
        )
        return Slots(layout)

    def _make_copier(self) -> Copier | None:
        device = torch.device(self._settings.device)
        if device.type == "cpu":
            return None
        self._slots.pin()
        return CopyStream(device)

    def _wait_for_copies(self) -> None:
        if self._copier is not None:
            self._copier.wait()


def lent_batches(ring: ThreadRing, schedule: Schedule, look: Callable[[int], Batch]) -> Iterator[Batch]:
    """Deliver the slots themselves, one after the other.

    Parameters
    ----------
    ring : ThreadRing
        Fills the slots.
    schedule : Schedule
        Was begun there.
    look : callable
        Takes a batch's number, gives its filled slot.

    Yields
    ------
    Batch
        Lent until the next one is asked for.
    """
    for batch in range(len(schedule)):
        ring.wait_for(schedule, batch)
        yield look(batch)
        ring.release(schedule)
