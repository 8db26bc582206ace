"""Worker processes that fill the slots of a ring, and hand over nothing but the slots' numbers."""

from __future__ import annotations

import contextlib
import mmap
import multiprocessing
import os
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, NoReturn

from machmeter_workloads.errors import WorkerDiedError, WorkloadError
from machmeter_workloads.loaders.ring_worker import Fill, Filled, Job, RunCounter, work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

# A worker that is asked to end may be in the middle of a batch; after this it is killed. It owns nothing that
# could be left behind.
FAREWELL_S = 1.0


@dataclass
class _Worker:
    process: ForkProcess
    connection: Connection
    jobs: int = 0


class ProcessRing:
    """Fills slots ahead of whoever uses them, in the order of the tasks.

    A slot is always in one hand: free, with a worker that was told to fill it, filled and waiting, or lent.
    It changes hands by a message alone, so nothing is overwritten while it is in use, whether the consumer is
    slow, a batch is smaller than the others, or a run is abandoned.

    Workers are forked when the first run begins: what ``fill`` refers to must exist by then, slots in shared
    memory. They survive runs, and errors of ``fill``.

    Parameters
    ----------
    fill : callable
        Takes a slot's number and a task, and fills the slot; runs in the workers.
    slots : int
        How many there are; with one alone, nothing is filled while it is lent.
    workers : int
        Processes; 0 fills slot 0 in the calling process.
    """

    def __init__(self, fill: Fill, slots: int, workers: int) -> None:
        self._fill = fill
        self._wanted = workers
        self._counter = RunCounter(memoryview(mmap.mmap(-1, 8)))
        self._all_slots = range(slots)
        self._workers: list[_Worker] = []
        self._by_handle: dict[Any, _Worker] = {}
        self._filled: dict[int, Filled] = {}
        self._lent: int | None = None
        self._free: list[int] = []
        self._forget()

    def run(self, tasks: Sequence[Any]) -> Iterator[int]:
        """Have all tasks done; one run at a time.

        Parameters
        ----------
        tasks : sequence
            Small things that can be pickled.

        Yields
        ------
        int
            The slot that holds the next task's result, lent until the next one is asked for or the run ends.

        Raises
        ------
        WorkerDiedError
            A worker ended or was killed; the other ones are ended, too, and the next run starts new ones.
        Exception
            What ``fill`` raised, when it is that task's turn.
        """
        run = self._begin()
        try:
            for number, task in enumerate(tasks):
                slot = self._obtain(run, number, tasks) if self._workers else self._fill_here(task)
                yield slot
                if run != self._counter.current:
                    raise WorkloadError(
                        "This epoch was abandoned: another one was begun, or the loader was closed.",
                        "Its batches' memory is used by the other one.",
                        "Take one epoch at a time from a loader, or open a loader for each.",
                    )
                self._give_back()
        finally:
            if run == self._counter.current:
                self._counter.advance()

    def close(self) -> None:
        """End all workers; may be called more than once."""
        self._counter.advance()
        workers, self._workers = self._workers, []
        for worker in workers:
            _ask_to_end(worker)
        deadline = time.monotonic() + FAREWELL_S
        for worker in workers:
            _end(worker, deadline)
        self._forget()

    def _begin(self) -> int:
        run = self._counter.advance()
        # What an earlier run left filled or lent is free; what workers still hold comes back with a message.
        self._give_back()
        self._free.extend(filled.slot for filled in self._filled.values())
        self._filled.clear()
        self._next = 0
        if not self._workers:
            self._start()
        return run

    def _start(self) -> None:
        try:
            for _ in range(self._wanted):
                self._start_worker()
        except OSError:
            # Fewer workers than asked for would do the same more slowly, and nobody would know.
            self.close()
            raise

    def _start_worker(self) -> None:
        # Said explicitly: newer versions of Python start each worker anew, which would not share the slots.
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        # A daemon is ended with the interpreter, should nobody close the ring.
        process = context.Process(
            target=work, args=(self._fill, theirs, self._counter, os.getpid()), daemon=True
        )
        with _interrupts_held_back():
            process.start()
        # With our copy of its end closed, we see when the worker is gone.
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        self._by_handle.update({process.sentinel: worker, ours: worker})

    def _obtain(self, run: int, number: int, tasks: Sequence[Any]) -> int:
        self._hand_out(run, tasks)
        while number not in self._filled:
            self._receive(run)
            self._hand_out(run, tasks)
        filled = self._filled.pop(number)
        self._lent = filled.slot
        if filled.error is not None:
            raise filled.error
        return filled.slot

    def _hand_out(self, run: int, tasks: Sequence[Any]) -> None:
        while self._free and self._next < len(tasks):
            worker = min(self._workers, key=lambda each: each.jobs)
            job = Job(run, self._next, self._free.pop(), tasks[self._next])
            try:
                worker.connection.send(job)
            except OSError:
                self._report_death(worker)
            worker.jobs += 1
            self._next += 1

    def _receive(self, run: int) -> None:
        """Wait for a message or a death, whichever comes first."""
        for handle in wait(self._by_handle):
            worker = self._by_handle[handle]
            if handle is not worker.connection:
                self._report_death(worker)
            try:
                filled: Filled = worker.connection.recv()
            except (EOFError, OSError):
                self._report_death(worker)
            worker.jobs -= 1
            if filled.run == run:
                self._filled[filled.number] = filled
            else:
                self._free.append(filled.slot)

    def _report_death(self, worker: _Worker) -> NoReturn:
        number = self._workers.index(worker)
        worker.process.join(FAREWELL_S)
        exit_code = worker.process.exitcode
        self.close()
        raise WorkerDiedError.of(number, exit_code)

    def _fill_here(self, task: Any) -> int:  # noqa: ANN401 - the ring does not look into tasks
        self._fill(0, task)
        return 0

    def _give_back(self) -> None:
        if self._lent is not None:
            self._free.append(self._lent)
            self._lent = None

    def _forget(self) -> None:
        self._by_handle.clear()
        self._filled.clear()
        self._lent = None
        self._free = list(self._all_slots)
        self._next = 0


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let processes that are started here never see Ctrl-C.

    It reaches every process of the terminal's group, and it is the parent who decides what follows. A process
    keeps what is held back when it is forked, so there is no moment in which it could be hit.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ask_to_end(worker: _Worker) -> None:
    # A worker that is dead already has nothing to be told.
    with contextlib.suppress(OSError):
        worker.connection.send(None)


def _end(worker: _Worker, deadline: float) -> None:
    worker.process.join(max(0, deadline - time.monotonic()))
    if worker.process.exitcode is None:
        worker.process.kill()
        worker.process.join()
    worker.connection.close()
    worker.process.close()
