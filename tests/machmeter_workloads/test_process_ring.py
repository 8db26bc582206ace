import multiprocessing
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from machmeter_workloads.errors import DamagedFileError, WorkerDiedError, WorkloadError
from machmeter_workloads.loaders.process_ring import ProcessRing
from machmeter_workloads.loaders.slots import SlotLayout, Slots

# scripts may ask for more: MACHMETER_CANARY_BATCHES=100000.
CANARY_BATCHES = int(os.environ.get("MACHMETER_CANARY_BATCHES", "10000"))
PATIENCE_MS = 10_000

# Newer versions of Python warn of every fork beside a thread, and numpy's libraries have some.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


class Task(NamedTuple):
    epoch: int
    number: int
    indices: tuple[int, ...]


def tasks(count: int, epoch: int = 0) -> list[Task]:
    """Batches of four; the last one is smaller."""
    return [
        Task(epoch, number, tuple(range(4 * number, 4 * number + (1 if number == count - 1 else 4))))
        for number in range(count)
    ]


class Canary:
    """Writes a number made of epoch, batch and index into every element, and knows it again."""

    def __init__(self, slots: int) -> None:
        self._slots = Slots(SlotLayout(slots, batch_size=4, cube=(2, 3, 5)), shared=True)
        # Looked at through numpy, which is quicker for a hundred numbers.
        self._cubes, self._masks = self._slots.cubes.numpy(), self._slots.masks.numpy()

    def __call__(self, slot: int, task: Task) -> None:
        for place, index in enumerate(task.indices):
            self._cubes[slot, place] = self._code(task, index) % 2**24
            self._masks[slot, place] = self._code(task, index)

    def is_whole(self, slot: int, task: Task) -> bool:
        codes = np.array([self._code(task, index) for index in task.indices])
        cubes, masks = self._cubes[slot, : len(codes)], self._masks[slot, : len(codes)]
        return bool(
            (cubes == (codes % 2**24)[:, None, None, None]).all() and (masks == codes[:, None, None]).all()
        )

    @staticmethod
    def _code(task: Task, index: int) -> int:
        return (task.epoch * 100_003 + task.number) * 1_000_003 + index


def open_canary(workers: int, slots: int = 6) -> tuple[Canary, ProcessRing]:
    canary = Canary(slots)
    return canary, ProcessRing(canary, slots, workers)


def workers_of_this_test() -> list[int]:
    return [process.pid for process in multiprocessing.active_children() if process.pid is not None]


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    names = set(os.listdir("/dev/shm"))  # noqa: PTH208
    yield
    assert workers_of_this_test() == []
    assert set(os.listdir("/dev/shm")) <= names  # noqa: PTH208


@pytest.mark.parametrize("workers", [0, 1, 2, 4])
def test_results_come_in_the_order_of_the_tasks(workers: int) -> None:
    """However many processes fill the slots, each task's result is there when it is its turn."""
    canary, ring = open_canary(workers)
    with closing(ring):
        asked = tasks(23)
        assert [canary.is_whole(slot, task) for slot, task in zip(ring.run(asked), asked, strict=True)] == (
            [True] * 23
        )


@pytest.mark.parametrize(("workers", "slots"), [(2, 6), (3, 3)])
def test_no_batch_is_torn(workers: int, slots: int) -> None:
    """A canary in every element is whole when a batch comes, and still when the next one is asked for."""
    canary, ring = open_canary(workers, slots)
    torn = 0
    with closing(ring):
        for epoch in range(10):
            asked = tasks(CANARY_BATCHES // 10, epoch)
            for slot, task in zip(ring.run(asked), asked, strict=True):
                torn += not canary.is_whole(slot, task)
                torn += not canary.is_whole(slot, task)
    assert torn == 0


def test_a_lent_slot_is_left_alone_while_all_others_are_filled() -> None:
    """A consumer that takes its time finds its batch whole, however long the workers had nothing to do."""
    canary, (filled, report) = Canary(6), os.pipe()

    def fill_and_report(slot: int, task: Task) -> None:
        canary(slot, task)
        os.write(report, b".")

    with closing(ProcessRing(fill_and_report, slots=6, workers=2)) as ring:
        asked = tasks(30)
        run = ring.run(asked)
        slot = next(run)
        for _ in range(6):
            os.read(filled, 1)
        assert canary.is_whole(slot, asked[0])
        assert all(canary.is_whole(slot, task) for slot, task in zip(run, asked[1:], strict=True))
    os.close(filled)
    os.close(report)


def test_an_abandoned_run_never_shows_up_in_a_later_one() -> None:
    """Stopping after each number of batches, the next run begins with its own first one."""
    canary, ring = open_canary(workers=2)
    with closing(ring):
        for epoch in range(30):
            asked = tasks(12, epoch)
            for slot, task in zip(ring.run(asked), asked[: epoch % 13], strict=False):
                assert canary.is_whole(slot, task)


def test_batches_nobody_asked_for_give_their_slots_back() -> None:
    """Leaving an epoch while a later batch is filled already loses no slot."""
    canary, (go, report) = Canary(4), os.pipe()

    def fill_the_second_first(slot: int, task: Task) -> None:
        if task == (0, 0, (0, 1, 2, 3)):
            os.read(go, 1)
        canary(slot, task)
        # The worker that begins with this one has handed in the second.
        if task.number == 3:
            os.write(report, b".")

    with closing(ProcessRing(fill_the_second_first, slots=4, workers=2)) as ring:
        next(ring.run(tasks(4)))
        list(ring.run(tasks(4, epoch=1)))
        assert sorted(ring._free) == [0, 1, 2, 3]
    os.close(go)
    os.close(report)


def test_a_run_that_was_overtaken_says_so() -> None:
    """Two runs at a time would share slots: going on with the older one is an error."""
    canary, ring = open_canary(workers=2)
    with closing(ring):
        older = ring.run(tasks(9))
        next(older)
        newer, asked = ring.run(tasks(9, epoch=1)), tasks(9, epoch=1)
        first = next(newer)
        with pytest.raises(WorkloadError, match="This epoch was abandoned"):
            next(older)
        assert canary.is_whole(first, asked[0])
        assert [canary.is_whole(slot, task) for slot, task in zip(newer, asked[1:], strict=True)] == [
            True
        ] * 8


def failing(fill: Canary, error: Exception) -> Callable[[int, Task], None]:
    def fill_or_fail(slot: int, task: Task) -> None:
        if task.number == 3 and task.epoch == 0:
            raise error
        fill(slot, task)

    return fill_or_fail


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_comes_in_its_turn_and_the_next_run_is_whole(workers: int) -> None:
    """The batches before it are delivered, the error keeps its type and text, and the workers stay."""
    canary = Canary(6)
    error = DamagedFileError.of(Path("cube.dat"), "it is only a test")
    with closing(ProcessRing(failing(canary, error), 6, workers)) as ring:
        delivered: list[int] = []
        with pytest.raises(DamagedFileError, match=r"cube\.dat is damaged: it is only a test") as caught:
            delivered.extend(ring.run(tasks(9)))
        before = workers_of_this_test()
        asked = tasks(9, epoch=1)
        assert len(delivered) == 3
        assert caught.value.next_command == error.next_command
        assert all(canary.is_whole(slot, task) for slot, task in zip(ring.run(asked), asked, strict=True))
        assert workers_of_this_test() == before


def test_an_unexpected_error_brings_its_traceback() -> None:
    """Where in the worker it was raised can be read."""
    with (
        closing(ProcessRing(failing(Canary(6), KeyError("band")), 6, 2)) as ring,
        pytest.raises(KeyError, match="band") as caught,
    ):
        list(ring.run(tasks(9)))
    assert "in fill_or_fail" in caught.value.__notes__[0]


def test_an_error_that_cannot_be_sent_is_told() -> None:
    """An exception holding what cannot be pickled arrives as text."""
    error = ValueError("of a kind", threading.Lock())
    with (
        closing(ProcessRing(failing(Canary(6), error), 6, 2)) as ring,
        pytest.raises(RuntimeError, match=r"ValueError: .*of a kind"),
    ):
        list(ring.run(tasks(9)))


def test_a_killed_worker_is_reported_and_replaced() -> None:
    """Kill -9 in the middle of an epoch names the signal, ends the others, and the next epoch is whole."""
    canary, ring = open_canary(workers=2)
    with closing(ring):
        run = ring.run(tasks(50))
        next(run)
        os.kill(workers_of_this_test()[1], signal.SIGKILL)
        with pytest.raises(WorkerDiedError, match=r"Worker \d of the loader was killed by signal 9"):
            list(run)
        assert workers_of_this_test() == []
        asked = tasks(5, epoch=1)
        assert all(canary.is_whole(slot, task) for slot, task in zip(ring.run(asked), asked, strict=True))


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "was killed by signal 9"),
        (lambda: os._exit(3), "ended with 3"),
    ],
)
def test_a_worker_that_dies_while_it_is_waited_for_is_reported(end: Callable[[], None], how: str) -> None:
    """Nobody waits for ever for a batch that will not come."""

    def die_at_three(slot: int, task: Task) -> None:
        if task.number == 3:
            end()

    with (
        closing(ProcessRing(die_at_three, slots=6, workers=2)) as ring,
        pytest.raises(WorkerDiedError, match=how),
    ):
        list(ring.run(tasks(9)))


def test_a_worker_that_died_between_epochs_is_reported() -> None:
    """The next epoch does not hang, and the one after works."""
    canary, ring = open_canary(workers=1)
    with closing(ring):
        list(ring.run(tasks(3)))
        (pid,) = workers_of_this_test()
        handle = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        assert ended([handle])
        with pytest.raises(WorkerDiedError, match="signal 9"):
            list(ring.run(tasks(3)))
        asked = tasks(3, epoch=1)
        assert all(canary.is_whole(slot, task) for slot, task in zip(ring.run(asked), asked, strict=True))


def test_a_ring_that_cannot_start_all_workers_starts_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's error is passed on, and the worker that did start is ended."""
    start = ForkProcess.start
    started: list[ForkProcess] = []

    def start_once(process: ForkProcess) -> None:
        if started:
            raise BlockingIOError("no more processes")
        started.append(process)
        start(process)

    monkeypatch.setattr(ForkProcess, "start", start_once)
    with pytest.raises(BlockingIOError, match="no more processes"):
        next(open_canary(workers=2)[1].run(tasks(3)))
    assert workers_of_this_test() == []


def test_the_interrupt_of_a_terminal_is_left_to_the_parent() -> None:
    """Ctrl-C reaches every process of the group; workers go on until they are told."""
    canary, ring = open_canary(workers=2)
    with closing(ring):
        asked = tasks(20)
        run = ring.run(asked)
        whole = [canary.is_whole(next(run), asked[0])]
        for pid in workers_of_this_test():
            os.kill(pid, signal.SIGINT)
        whole += [canary.is_whole(slot, task) for slot, task in zip(run, asked[1:], strict=True)]
        assert whole == [True] * 20


def test_closing_ends_all_workers() -> None:
    """Before the first run, in the middle of one, and twice."""
    open_canary(workers=2)[1].close()
    _, ring = open_canary(workers=2)
    run = ring.run(tasks(20))
    next(run)
    assert len(workers_of_this_test()) == 2
    ring.close()
    ring.close()
    assert workers_of_this_test() == []


def test_closing_does_not_wait_for_a_worker_that_never_finishes() -> None:
    """It is killed."""

    def stuck_at_the_second(slot: int, task: Task) -> None:
        if task.number == 1:
            signal.pause()

    ring = ProcessRing(stuck_at_the_second, slots=6, workers=1)
    run = ring.run(tasks(9))
    next(run)
    ring.close()
    assert workers_of_this_test() == []


def test_files_are_given_back() -> None:
    """Opening and closing rings leaves no descriptor open."""

    def cycle() -> int:
        _, ring = open_canary(workers=2)
        next(ring.run(tasks(20)))
        ring.close()
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    cycle()
    assert cycle() == cycle()


def ended(handles: list[int]) -> bool:
    """Wait until all processes have ended, and close their handles."""
    poll = select.poll()
    for handle in handles:
        poll.register(handle, select.POLLIN)
    waiting = set(handles)
    while waiting and (ready := poll.poll(PATIENCE_MS)):
        for handle, _ in ready:
            poll.unregister(handle)
            waiting.remove(handle)
    for handle in handles:
        os.close(handle)
    return not waiting


def use_ring(report: Connection, take: int) -> None:
    _, ring = open_canary(workers=3)
    run = ring.run(tasks(1000))
    for _ in range(take):
        next(run)
    report.send(workers_of_this_test())
    signal.pause()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_parent(how: signal.Signals) -> None:
    """Whoever kills the parent, and however, leaves no orphan."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    parent = context.Process(target=use_ring, args=(theirs, 2))
    parent.start()
    assert parent.pid is not None
    handles = [os.pidfd_open(pid) for pid in ours.recv()]
    os.kill(parent.pid, how)
    parent.join()
    assert len(handles) == 3
    assert ended(handles)


def test_a_process_with_threads_can_start_workers() -> None:
    """Threads that compute and allocate while the workers are forked disturb nobody."""
    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            torch.rand(64, 64).mm(torch.rand(64, 64))

    threads = [threading.Thread(target=compute) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for epoch in range(5):
            canary, ring = open_canary(workers=2)
            with closing(ring):
                asked = tasks(9, epoch)
                whole = [
                    canary.is_whole(slot, task) for slot, task in zip(ring.run(asked), asked, strict=True)
                ]
            assert whole == [True] * 9
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_workers_use_one_thread() -> None:
    """However many threads the main process uses."""
    slots = Slots(SlotLayout(3, 1, (1, 1, 1)), shared=True)

    def number_of_threads(slot: int, task: Task) -> None:
        slots.cubes[slot] = torch.get_num_threads()

    torch.set_num_threads(2)
    try:
        with closing(ProcessRing(number_of_threads, 3, 1)) as ring:
            seen = {int(slots.cubes[slot]) for slot in ring.run(tasks(4))}
        assert (seen, torch.get_num_threads()) == ({1}, 2)
    finally:
        torch.set_num_threads(1)
