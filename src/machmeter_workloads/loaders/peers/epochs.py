"""The loader of the contract around whatever a library does during one epoch."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import TYPE_CHECKING

from machmeter_workloads.loaders.contract import Batch
from machmeter_workloads.loaders.peers.batches import delivered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machmeter_workloads.loaders.contract import Lifetime
    from machmeter_workloads.loaders.peers.room import Room

Run = Callable[[int], Generator[Batch, None, None]]


class PeerLoader:
    """A ``Loader`` of the contract.

    Parameters
    ----------
    batches : int
        In an epoch.
    run : callable
        Takes an epoch's number and yields its batches, in the host's memory. It is closed when the epoch is
        abandoned, and must then leave neither threads nor processes behind, or leave that to ``end``.
    room : Room
        Where ``run`` takes the batches' memory from.
    device : str
        Where batches are delivered, as torch names it.
    end : callable, optional
        Ends what outlives an epoch.
    """

    def __init__(
        self, batches: int, run: Run, room: Room, device: str, end: Callable[[], None] | None = None
    ) -> None:
        self._batches = batches
        self._run = run
        self._room = room
        self._device = device
        self._end = end
        self._running: Generator[Batch, None, None] | None = None

    @property
    def lifetime(self) -> Lifetime:
        """Until when a batch may be used."""
        return self._room.lifetime

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self._batches

    def epoch(self, number: int) -> Iterator[Batch]:
        """Deliver one epoch; an unfinished one is ended first.

        Parameters
        ----------
        number : int
            Which epoch, from 0.

        Returns
        -------
        iterator of Batch
        """
        self._abandon()
        self._running = self._deliver(number)
        return self._running

    def close(self) -> None:
        """End all worker processes and threads; may be called more than once."""
        self._abandon()
        if self._end is not None:
            self._end()

    def _deliver(self, number: int) -> Generator[Batch, None, None]:
        with closing(self._run(number)) as batches:
            for batch in batches:
                yield delivered(batch, self._device)
                # The next one was asked for, so this one is over.
                self._room.give_back(batch)

    def _abandon(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.close()
