"""Converting many files at a time, so that an interruption or a killed process loses no finished one."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from machmeter_workloads.storage.conversion import Job, Outcome, Status, convert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Files that are handed out beforehand, a worker. A list of a million is not handed out at once.
AHEAD = 2
PR_SET_PDEATHSIG = 1


def convert_all(jobs: Iterable[Job], workers: int, stop: Callable[[], bool]) -> Iterator[Outcome]:
    """Convert files with several processes.

    Parameters
    ----------
    jobs : iterable of Job
        Files.
    workers : int
        Processes; 1 converts in the calling one.
    stop : callable
        Tells whether no further file is to be begun; those that were begun are finished.

    Yields
    ------
    Outcome
        In the order in which they are finished. After one that is hopeless no further file is begun.
    """
    if workers == 1:
        yield from _one_by_one(jobs, stop)
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, context, _settle, (os.getpid(),)) as pool:
        running: dict[Future[Outcome], Job] = {}
        hopeless = False
        for job in jobs:
            while len(running) >= AHEAD * workers:
                for outcome in _finished(running):
                    hopeless |= outcome.hopeless
                    yield outcome
            if hopeless or stop():
                break
            running[pool.submit(convert, job)] = job
        while running:
            if hopeless or stop():
                running = {future: job for future, job in running.items() if not future.cancel()}
            for outcome in _finished(running):
                hopeless |= outcome.hopeless
                yield outcome


def _one_by_one(jobs: Iterable[Job], stop: Callable[[], bool]) -> Iterator[Outcome]:
    for job in jobs:
        if stop():
            return
        outcome = convert(job)
        yield outcome
        if outcome.hopeless:
            return


def _finished(running: dict[Future[Outcome], Job]) -> list[Outcome]:
    """Wait for at least one job and take it, and others that are done, out of those that run."""
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    return [_outcome(future, running.pop(future)) for future in done]


def _outcome(future: Future[Outcome], job: Job) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        return Outcome(
            job,
            Status.FAILED,
            problem=f"A process was killed while {job.source} or another file was converted.",
            advice="Usually memory ran out: run again with fewer workers. Finished files are kept.",
            hopeless=True,
        )


def _settle(parent: int) -> None:
    # Ctrl-C reaches the whole process group, and it is the parent who decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A parent that is killed says goodbye to nobody.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
