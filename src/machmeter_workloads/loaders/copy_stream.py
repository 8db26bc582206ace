"""Copies of filled slots on a GPU, made while it computes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

from machmeter_workloads.loaders.contract import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from machmeter_workloads.loaders.ring_schedule import Schedule
    from machmeter_workloads.loaders.thread_ring import ThreadRing


class Event(Protocol):
    """Happens when all that was asked of a stream before it is done; ``torch.cuda.Event`` is one."""

    def query(self) -> bool:
        """Say whether it has happened."""

    def synchronize(self) -> None:
        """Wait until it has happened."""


class Copy(NamedTuple):
    """A batch on its way.

    Parameters
    ----------
    batch : Batch
        On the device; holds its values once the event has happened.
    done : Event
        Until then, the slot it is copied from must not change.
    """

    batch: Batch
    done: Event


class Copier(Protocol):
    """Copies batches; ``CopyStream`` is one."""

    def start(self, batch: Batch) -> Copy:
        """Begin a copy, and return at once."""

    def deliver(self, copy: Copy) -> Batch:
        """Make a copy usable for what is asked of the device from now on."""

    def wait(self) -> None:
        """Wait until all copies are done."""


class CopyStream:
    """Copies from pinned memory on a stream of its own, beside whatever the device computes.

    Parameters
    ----------
    device : torch.device
        A CUDA device.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)

    def start(self, batch: Batch) -> Copy:
        """Begin a copy, and return at once.

        Parameters
        ----------
        batch : Batch
            In pinned memory. A slot is dense, whatever its strides, so each tensor is one transfer.

        Returns
        -------
        Copy
        """
        with torch.cuda.stream(self._stream):
            tensors = (batch.cubes, batch.masks, batch.indices)
            copied = Batch(*(tensor.to(self._device, non_blocking=True) for tensor in tensors))
            return Copy(copied, self._stream.record_event())

    def deliver(self, copy: Copy) -> Batch:
        """Have the device's current stream wait for a copy; the processor does not.

        Parameters
        ----------
        copy : Copy
            Begun here.

        Returns
        -------
        Batch
            Belongs to the caller.
        """
        current = torch.cuda.current_stream(self._device)
        current.wait_event(copy.done)
        for tensor in (copy.batch.cubes, copy.batch.masks, copy.batch.indices):
            # Freed memory goes back to the stream it was taken on, unless torch is told of the other one.
            tensor.record_stream(current)
        return copy.batch

    def wait(self) -> None:
        """Wait until all copies are done; the slots may then be filled anew, or freed."""
        self._stream.synchronize()


def copied_batches(
    ring: ThreadRing, schedule: Schedule, look: Callable[[int], Batch], copier: Copier
) -> Iterator[Batch]:
    """Deliver a run's batches as copies, the next one already under way if its slot is filled.

    A slot goes back to the ring when its copy is done, and not before.

    Parameters
    ----------
    ring : ThreadRing
        Fills the slots.
    schedule : Schedule
        Was begun there.
    look : callable
        Takes a batch's number, gives its filled slot.
    copier : Copier
        Copies.

    Yields
    ------
    Batch
        Belongs to the caller.
    """
    ready: deque[Copy] = deque()
    under_way: deque[Event] = deque()

    def begin(batch: int) -> None:
        while under_way and (under_way[0].query() or not schedule.has_room(batch)):
            under_way.popleft().synchronize()
            ring.release(schedule)
        ring.wait_for(schedule, batch)
        ready.append(copier.start(look(batch)))
        under_way.append(ready[-1].done)

    for batch in range(len(schedule)):
        if not ready:
            begin(batch)
        ahead = batch + len(ready)
        if len(ready) == 1 and ring.is_complete(schedule, ahead):
            begin(ahead)
        yield copier.deliver(ready.popleft())
