"""A worker process of the ring: waits for jobs, fills slots, says so, and ends with its parent."""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from machmeter_workloads.errors import WorkloadError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# How often an idle worker makes sure that its parent lives. A closed pipe does not tell it: every process
# forked later holds a copy of the other end; and the kernel's own signal follows the thread that forked.
PARENT_CHECK_MS = 500

#: Fills a slot, which nobody else touches meanwhile, as a task says.
Fill = Callable[[int, Any], None]


class Job(NamedTuple):
    """What a worker is asked for: ``task`` is to be filled into ``slot``."""

    run: int
    number: int
    slot: int
    task: Any


class Filled(NamedTuple):
    """What a worker answers, always: from now on the slot is the parent's again."""

    run: int
    number: int
    slot: int
    error: Exception | None


class RunCounter:
    """Tells all processes which run is the current one, so that nobody works for an abandoned one.

    Parameters
    ----------
    memory : memoryview
        8 bytes, shared. The kernel and the processor never show half of such a number.
    """

    def __init__(self, memory: memoryview) -> None:
        self._number = memory.cast("q")

    @property
    def current(self) -> int:
        """The run that is worked for."""
        return self._number[0]

    def advance(self) -> int:
        """Abandon the current run and begin the next.

        Returns
        -------
        int
            The new one.
        """
        self._number[0] += 1
        return self._number[0]


def work(fill: Fill, connection: Connection, counter: RunCounter, parent: int) -> None:
    """Serve one worker's jobs in their order until the parent says or shows that it is enough.

    Parameters
    ----------
    fill : callable
        Fills a slot.
    connection : Connection
        Gives ``Job`` or None, takes ``Filled``.
    counter : RunCounter
        Jobs of other runs are answered without filling anything.
    parent : int
        Its process id.
    """
    _settle()
    try:
        while (job := _next_job(connection, parent)) is not None:
            error = _attempt(fill, job) if job.run == counter.current else None
            connection.send(Filled(job.run, job.number, job.slot, error))
    except (EOFError, OSError):
        # Nobody is left at the other end.
        return


def _settle() -> None:
    # A handler of the parent would run here, too.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # The number of workers alone decides the parallelism.
    torch.set_num_threads(1)
    # The collector would touch, and thereby copy, every page of objects that is shared with the parent.
    gc.freeze()


def _next_job(connection: Connection, parent: int) -> Job | None:
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    while not waiting.poll(PARENT_CHECK_MS):
        if os.getppid() != parent:
            return None
    job: Job | None = connection.recv()
    return job


def _attempt(fill: Fill, job: Job) -> Exception | None:
    try:
        fill(job.slot, job.task)
    except Exception as error:  # noqa: BLE001 - it is raised where the batch is asked for
        return _sendable(error)
    return None


def _sendable(error: Exception) -> Exception:
    """Make sure that the parent can build the error again; ours keep their type."""
    if not isinstance(error, WorkloadError):
        error.add_note("In a worker process:\n" + "".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made a moment ago
    except Exception:  # noqa: BLE001 - errors that cannot be pickled fail in many ways
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
