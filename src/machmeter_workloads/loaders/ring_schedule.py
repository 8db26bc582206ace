"""Which cube of a run is filled next, and into which slot of a ring."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Place(NamedTuple):
    """Where one cube belongs.

    Parameters
    ----------
    batch : int
        Of the run, from 0.
    slot : int
        Of the ring.
    position : int
        In the batch.
    task : int
        What is filled in; usually the index of a cube.
    """

    batch: int
    slot: int
    position: int
    task: int


class Schedule:
    """Hands out the cubes of a run in their order, each into a slot that nobody uses.

    Batch after batch goes into slot after slot, round and round; a slot is handed out again only when the
    batch before has been released. Nothing here waits, and there is no lock: whoever shares a schedule among
    threads brings one.

    Parameters
    ----------
    tasks : sequence of int
        One a cube.
    batch_size : int
        Cubes in a batch; the last one may be smaller.
    slots : int
        At least one.

    Attributes
    ----------
    abandoned : bool
        Whether nobody wants the rest. Set without any lock: the garbage collector may do so, in any thread.
    released : int
        Batches whose slots were given back.
    """

    def __init__(self, tasks: Sequence[int], batch_size: int, slots: int) -> None:
        self._tasks = tasks
        self._batch_size = batch_size
        self._slots = slots
        self._taken = 0
        self._missing: dict[int, int] = {}
        self._errors: dict[int, tuple[int, BaseException]] = {}
        self.abandoned = False
        self.released = 0

    def __len__(self) -> int:
        """Batches of the run."""
        return math.ceil(len(self._tasks) / self._batch_size)

    def tasks(self, batch: int) -> Sequence[int]:
        """Say what a batch holds.

        Parameters
        ----------
        batch : int
            From 0.

        Returns
        -------
        sequence of int
        """
        return self._tasks[batch * self._batch_size : (batch + 1) * self._batch_size]

    def slot(self, batch: int) -> int:
        """Say where a batch lies.

        Parameters
        ----------
        batch : int
            From 0.

        Returns
        -------
        int
        """
        return batch % self._slots

    def has_room(self, batch: int) -> bool:
        """Say whether the slot of a batch is free of earlier ones.

        Parameters
        ----------
        batch : int
            From 0.

        Returns
        -------
        bool
        """
        return batch < self.released + self._slots

    def take(self) -> Place | None:
        """Hand out the next cube.

        Returns
        -------
        Place, optional
            None if there is none left, or no room for it yet.
        """
        batch, position = divmod(self._taken, self._batch_size)
        if self.abandoned or self._taken == len(self._tasks) or not self.has_room(batch):
            return None
        if position == 0:
            self._missing[batch] = len(self.tasks(batch))
        self._taken += 1
        return Place(batch, self.slot(batch), position, self._tasks[self._taken - 1])

    def report(self, place: Place, error: BaseException | None = None) -> bool:
        """Take note that a cube is filled in, or cannot be.

        Parameters
        ----------
        place : Place
            That was handed out.
        error : BaseException, optional
            Why it cannot be filled in.

        Returns
        -------
        bool
            Whether that was the last cube of its batch.
        """
        if error is not None:
            known = self._errors.get(place.batch)
            # The first cube's error is the batch's, whichever thread was quicker.
            if known is None or place.position < known[0]:
                self._errors[place.batch] = (place.position, error)
        self._missing[place.batch] -= 1
        return not self._missing[place.batch]

    def is_complete(self, batch: int) -> bool:
        """Say whether a batch can be delivered.

        Parameters
        ----------
        batch : int
            From 0.

        Returns
        -------
        bool
            False for one that was released, too.
        """
        return self._missing.get(batch) == 0

    def error(self, batch: int) -> BaseException | None:
        """Say what went wrong in a batch.

        Parameters
        ----------
        batch : int
            From 0.

        Returns
        -------
        BaseException, optional
        """
        known = self._errors.get(batch)
        return None if known is None else known[1]

    def release(self) -> None:
        """Give back the slot of the oldest batch."""
        del self._missing[self.released]
        self.released += 1
