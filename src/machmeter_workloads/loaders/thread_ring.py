"""Threads that fill the slots of a ring, all of them at the same batch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch

from machmeter_workloads.errors import WorkloadError
from machmeter_workloads.loaders.ring_schedule import Place
from machmeter_workloads.loaders.scratch import Scratch

if TYPE_CHECKING:
    from machmeter_workloads.loaders.ring_schedule import Schedule

#: Fills one cube into its place, which nobody else touches meanwhile, with a thread's own buffers. Threads
#: overlap as far as it leaves the global interpreter lock.
Fill = Callable[[Place, Scratch], None]


class _Job(NamedTuple):
    fill: Fill
    place: Place


class _Outcome(NamedTuple):
    place: Place
    error: BaseException | None


class ThreadRing:
    """Fills slots ahead of whoever uses them.

    The unit of work is a cube: all threads hurry to finish the same batch, so the first one is there early. A
    thread takes the lock once a cube, to hand one in and to get the next.

    Parameters
    ----------
    threads : int
        0 fills in the calling thread, when a batch is waited for.
    """

    def __init__(self, threads: int) -> None:
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._news = threading.Condition(self._lock)
        self._fill: Fill | None = None
        self._schedule: Schedule | None = None
        self._busy = 0
        self._closed = False
        self._scratch = Scratch()
        self._threads = self._start(threads)

    def begin(self, fill: Fill, schedule: Schedule) -> None:
        """Fill batches from now on; what is left of the schedule before is abandoned.

        Parameters
        ----------
        fill : callable
            Fills one cube.
        schedule : Schedule
            A new one, over as many slots as there are.

        Raises
        ------
        WorkloadError
            The ring is closed.
        """
        with self._lock:
            self._settle()
            if self._closed:
                raise WorkloadError(
                    "This loader is closed.", "Its threads have ended.", "Open another one for more epochs."
                )
            self._fill, self._schedule = fill, schedule
            self._work.notify_all()

    def wait_for(self, schedule: Schedule, batch: int) -> None:
        """Wait until a batch can be delivered.

        Parameters
        ----------
        schedule : Schedule
            The one that was begun last.
        batch : int
            From 0; must fit into the ring beside those that were not yet released.

        Raises
        ------
        WorkloadError
            The schedule was abandoned.
        Exception
            What ``fill`` raised for the first cube of the batch that cannot be filled.
        """
        if not self._threads:
            self._fill_here(schedule, batch)
        with self._lock:
            self._require_current(schedule)
            while not schedule.is_complete(batch):
                self._news.wait()
                self._require_current(schedule)
            error = schedule.error(batch)
        if error is not None:
            raise error

    def is_complete(self, schedule: Schedule, batch: int) -> bool:
        """Say, without waiting, whether a batch can be delivered.

        Parameters
        ----------
        schedule : Schedule
            The one that was begun last.
        batch : int
            From 0.

        Returns
        -------
        bool
        """
        with self._lock:
            return schedule.is_complete(batch)

    def release(self, schedule: Schedule) -> None:
        """Give the slot of the oldest batch back to be filled anew.

        Parameters
        ----------
        schedule : Schedule
            That the batch belongs to; nothing happens if it was abandoned.
        """
        with self._lock:
            if schedule is self._schedule:
                schedule.release()
                self._work.notify_all()

    def close(self) -> None:
        """End all threads; may be called more than once."""
        with self._lock:
            self._closed = True
            self._settle()
            self._work.notify_all()
        for thread in self._threads:
            thread.join()

    def _start(self, count: int) -> list[threading.Thread]:
        ready = threading.Barrier(count + 1)
        # A daemon keeps no program from ending, should nobody close the ring.
        threads = [
            threading.Thread(target=self._serve, args=(ready,), name=f"thread ring {number}", daemon=True)
            for number in range(count)
        ]
        before = torch.get_num_threads()
        for thread in threads:
            thread.start()
        ready.wait()
        # With OpenMP, which torch's own builds use, each thread keeps the number that it set itself. What is
        # put back here is the number for threads to come.
        torch.set_num_threads(before)
        return threads

    def _serve(self, ready: threading.Barrier) -> None:
        # The number of the ring's threads alone decides the parallelism: otherwise each of them would start
        # helpers of its own for every large piece that it widens. A thread takes over the common number the
        # first time that it has to know one, which is therefore now.
        torch.get_num_threads()
        torch.set_num_threads(1)
        ready.wait()
        scratch = Scratch()
        outcome = None
        while (job := self._exchange(outcome)) is not None:
            outcome = _attempt(job, scratch)

    def _exchange(self, outcome: _Outcome | None) -> _Job | None:
        """Hand in a cube, and wait for the next; None is the end."""
        with self._lock:
            if outcome is not None:
                self._hand_in(outcome)
            while not self._closed:
                if (job := self._take()) is not None:
                    return job
                self._work.wait()
        return None

    def _fill_here(self, schedule: Schedule, batch: int) -> None:
        while not schedule.is_complete(batch) and schedule is self._schedule:
            with self._lock:
                job = self._take()
            if job is None:
                return
            outcome = _attempt(job, self._scratch)
            with self._lock:
                self._hand_in(outcome)

    def _take(self) -> _Job | None:
        place = self._schedule.take() if self._schedule is not None else None
        if place is None or self._fill is None:
            return None
        self._busy += 1
        return _Job(self._fill, place)

    def _hand_in(self, outcome: _Outcome) -> None:
        # A schedule is replaced only when nobody is busy, so the place is of this one, or of one that ended.
        self._busy -= 1
        complete = self._schedule is not None and self._schedule.report(*outcome)
        if complete or not self._busy:
            self._news.notify_all()

    def _require_current(self, schedule: Schedule) -> None:
        # What was complete before may be overwritten by now.
        if schedule is not self._schedule:
            raise WorkloadError(
                "This epoch was abandoned: another one was begun, or the loader was closed.",
                "Its batches' memory is used by the other one.",
                "Take one epoch at a time from a loader, or open a loader for each.",
            )

    def _settle(self) -> None:
        """Abandon the schedule, and wait until nobody writes into any slot; the lock is held."""
        if self._schedule is not None:
            self._schedule.abandoned = True
            self._schedule = None
            self._news.notify_all()
        while self._busy:
            self._news.wait()


def _attempt(job: _Job, scratch: Scratch) -> _Outcome:
    try:
        job.fill(job.place, scratch)
    # Raised where the batch is waited for; a thread that ended here would let the consumer wait for ever.
    except BaseException as error:  # noqa: BLE001
        return _Outcome(job.place, error)
    return _Outcome(job.place, None)
