import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from machmeter_workloads.errors import DamagedFileError, WorkloadError
from machmeter_workloads.loaders.ring_schedule import Place, Schedule
from machmeter_workloads.loaders.scratch import Scratch
from machmeter_workloads.loaders.thread_ring import Fill, ThreadRing

CELLS = 8


def nothing(place: Place, scratch: Scratch) -> None:
    pass


def ring_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("thread ring")]


@pytest.fixture
def frequent_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@given(
    count=st.integers(0, 30),
    batch_size=st.integers(1, 7),
    slots=st.integers(1, 5),
    choices=st.lists(st.integers(0, 9), max_size=200),
)
def test_a_schedule_keeps_every_slot_in_one_hand(
    count: int, batch_size: int, slots: int, choices: list[int]
) -> None:
    """In whatever order cubes come back: each is handed out once, in order, and never into a lent slot."""
    schedule = Schedule(range(count), batch_size, slots)
    out: list[Place] = []
    taken: list[Place] = []
    delivered = 0
    for choice in choices:
        if choice < 5 and (place := schedule.take()) is not None:
            taken.append(place)
            out.append(place)
            assert place.batch < schedule.released + slots
            assert place.slot == place.batch % slots
        elif choice < 8 and out:
            schedule.report(out.pop(choice % len(out)))
        elif delivered < len(schedule) and schedule.is_complete(delivered):
            assert not [place for place in out if place.batch == delivered]
            schedule.release()
            delivered += 1
    assert [place.task for place in taken] == list(range(len(taken)))
    assert [(place.batch, place.position) for place in taken] == [
        divmod(task, batch_size) for task in range(len(taken))
    ]


def test_a_schedule_says_what_its_batches_hold() -> None:
    """The last batch has what is left."""
    schedule = Schedule([4, 3, 2, 1, 0], batch_size=2, slots=2)
    assert [list(schedule.tasks(batch)) for batch in range(len(schedule))] == [[4, 3], [2, 1], [0]]


def test_an_abandoned_schedule_hands_out_nothing() -> None:
    """Whoever asks gets the same answer as at the end."""
    schedule = Schedule(range(4), batch_size=2, slots=2)
    schedule.abandoned = True
    assert schedule.take() is None


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_batch_fails_with_its_first_cube_whoever_was_quicker(order: tuple[int, int]) -> None:
    """Two threads fail at the same batch; the error is that of the earlier place."""
    schedule = Schedule(range(2), batch_size=2, slots=1)
    places = [place for _ in range(2) if (place := schedule.take()) is not None]
    for number in order:
        schedule.report(places[number], ValueError(str(number)))
    assert str(schedule.error(0)) == "0"


def write_canary(memory: np.ndarray, epoch: int) -> Fill:
    def fill(place: Place, scratch: Scratch) -> None:
        # One cell after the other, so that other threads come in between.
        for cell in range(CELLS):
            memory[place.slot, place.position, cell] = (epoch, place.batch, place.task)

    return fill


@pytest.mark.parametrize(("threads", "epochs"), [(0, 5), (1, 15), (3, 100)])
@pytest.mark.usefixtures("frequent_switches")
def test_no_batch_is_torn(threads: int, epochs: int) -> None:
    """Thousands of tiny batches hold what was written for them, before and after others had a turn.

    Epochs end early or late, and the last batch is smaller.
    """
    batch_size, slots, rng = 2, 3, np.random.default_rng(threads)
    memory = np.full((slots, batch_size, CELLS, 3), -1)
    seen = 0
    with closing(ThreadRing(threads)) as ring:
        for epoch in range(epochs):
            order = rng.permutation(401).tolist()
            schedule = Schedule(order, batch_size, slots)
            ring.begin(write_canary(memory, epoch), schedule)
            for batch in range(int(rng.integers(1, len(schedule) + 1))):
                ring.wait_for(schedule, batch)
                tasks = schedule.tasks(batch)
                expected = np.array([[(epoch, batch, task)] * CELLS for task in tasks])
                for _ in range(2):
                    assert (memory[schedule.slot(batch), : len(tasks)] == expected).all()
                ring.release(schedule)
                seen += 1
            schedule.abandoned = True
    assert seen > 50 * epochs


def test_a_lent_slot_is_never_written() -> None:
    """With all slots filled and one lent, the threads stand still until it is released."""
    written: list[int] = []
    schedule = Schedule(range(10), batch_size=1, slots=3)
    with closing(ThreadRing(2)) as ring:
        ring.begin(lambda place, scratch: written.append(place.task), schedule)
        for batch in range(3):
            ring.wait_for(schedule, batch)
        assert sorted(written) == [0, 1, 2]
        ring.release(schedule)
        ring.wait_for(schedule, 3)
        assert sorted(written) == [0, 1, 2, 3]


def test_all_threads_work_at_the_same_batch() -> None:
    """A batch of three cubes is finished by three threads that wait for one another."""
    together = threading.Barrier(3)

    def fill(place: Place, scratch: Scratch) -> None:
        together.wait(timeout=30)

    schedule = Schedule(range(3), batch_size=3, slots=1)
    with closing(ThreadRing(3)) as ring:
        ring.begin(fill, schedule)
        ring.wait_for(schedule, 0)


def test_a_new_run_waits_for_what_is_being_written() -> None:
    """Nobody writes for the abandoned run once the next one has begun."""
    entered, leave, log = threading.Event(), threading.Event(), list[str]()

    def slow(place: Place, scratch: Scratch) -> None:
        entered.set()
        leave.wait(timeout=30)
        log.append("abandoned")

    with closing(ThreadRing(1)) as ring:
        ring.begin(slow, Schedule(range(5), batch_size=1, slots=5))
        assert entered.wait(timeout=30)
        following = Schedule(range(2), batch_size=1, slots=2)
        beginning = threading.Thread(
            target=ring.begin, args=(lambda place, scratch: log.append("following"), following)
        )
        beginning.start()
        leave.set()
        beginning.join(timeout=30)
        ring.wait_for(following, 1)
    assert log == ["abandoned", "following", "following"]


@pytest.mark.parametrize("threads", [0, 2])
def test_an_error_keeps_its_type_and_its_turn(threads: int) -> None:
    """Batches before the damaged one are delivered, it raises, and the ring goes on with another run."""

    def fill(place: Place, scratch: Scratch) -> None:
        if place.task == 5:
            raise DamagedFileError("cube 5 is damaged.")

    with closing(ThreadRing(threads)) as ring:
        schedule = Schedule(range(8), batch_size=2, slots=8)
        ring.begin(fill, schedule)
        ring.wait_for(schedule, 0)
        ring.wait_for(schedule, 1)
        with pytest.raises(DamagedFileError, match="cube 5"):
            ring.wait_for(schedule, 2)
        schedule.abandoned = True
        again = Schedule(range(2), batch_size=2, slots=8)
        ring.begin(fill, again)
        ring.wait_for(again, 0)


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("end", ["begin", "close"])
@pytest.mark.parametrize("batch", [1, 3])
def test_an_abandoned_run_says_so(threads: int, end: str, batch: int) -> None:
    """Whoever still asks is told, for a batch that was complete as well: it may be overwritten by now."""
    ring = ThreadRing(threads)
    schedule = Schedule(range(4), batch_size=1, slots=2)
    ring.begin(nothing, schedule)
    ring.wait_for(schedule, 0)
    ring.wait_for(schedule, 1)
    if end == "begin":
        ring.begin(nothing, Schedule(range(4), batch_size=1, slots=2))
    else:
        ring.close()
    ring.release(schedule)
    with pytest.raises(WorkloadError, match="This epoch was abandoned"):
        ring.wait_for(schedule, batch)
    ring.close()


def test_closing_wakes_whoever_waits() -> None:
    """A consumer in another thread is told that nothing comes any more, even if no thread is busy."""
    told: list[str] = []
    ring, schedule = ThreadRing(1), Schedule(range(4), batch_size=1, slots=1)
    ring.begin(nothing, schedule)
    ring.wait_for(schedule, 0)

    def consume() -> None:
        try:
            # It was not released, so this one cannot come.
            ring.wait_for(schedule, 1)
        except WorkloadError as error:
            told.append(error.fact)

    consumer = threading.Thread(target=consume, daemon=True)
    consumer.start()
    while not ring._news._waiters:  # type: ignore[attr-defined]
        consumer.join(timeout=0.001)
    ring.close()
    consumer.join(timeout=30)
    assert told == ["This epoch was abandoned: another one was begun, or the loader was closed."]


def test_closing_ends_all_threads_and_may_be_repeated() -> None:
    """None is left, and a closed ring begins nothing."""
    ring = ThreadRing(3)
    ring.begin(nothing, Schedule(range(9), batch_size=1, slots=2))
    assert len(ring_threads()) == 3
    ring.close()
    ring.close()
    assert ring_threads() == []
    with pytest.raises(WorkloadError, match="This loader is closed"):
        ring.begin(nothing, Schedule(range(9), batch_size=1, slots=2))


def test_threads_compute_with_one_thread_and_leave_the_setting_alone() -> None:
    """A thread of the ring starts no helpers; the caller and later threads keep what was set before."""
    seen: dict[str, int] = {}

    def look(name: str) -> Callable[..., None]:
        return lambda *_: seen.update({name: torch.get_num_threads()})

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with closing(ThreadRing(1)) as ring:
            schedule = Schedule(range(1), batch_size=1, slots=1)
            ring.begin(look("ring"), schedule)
            ring.wait_for(schedule, 0)
            later = threading.Thread(target=look("later"))
            later.start()
            later.join()
            look("caller")()
    finally:
        torch.set_num_threads(before)
    assert seen == {"ring": 1, "later": 2, "caller": 2}


def test_scratch_is_kept_and_grows() -> None:
    """The same purpose gives the same memory again, unless more is asked for."""
    scratch = Scratch()
    first = scratch.array("values", 8, np.float16)
    assert np.shares_memory(first, scratch.array("values", 4, np.float32))
    assert not np.shares_memory(first, scratch.array("lines", 8, np.float16))
    assert len(scratch.bytes("values", 100)) == 100


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 3),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 25),
)
def test_a_ring_delivers_every_cube_once_and_in_order(
    threads: int, batch_size: int, slots: int, count: int
) -> None:
    """Whatever the sizes, an empty series included."""
    memory = np.full((slots, batch_size), -1)

    def fill(place: Place, scratch: Scratch) -> None:
        memory[place.slot, place.position] = place.task

    got: list[int] = []
    with closing(ThreadRing(threads)) as ring:
        schedule = Schedule(range(count), batch_size, slots)
        ring.begin(fill, schedule)
        for batch in range(len(schedule)):
            ring.wait_for(schedule, batch)
            got += memory[schedule.slot(batch), : len(schedule.tasks(batch))].tolist()
            ring.release(schedule)
    assert got == list(range(count))
