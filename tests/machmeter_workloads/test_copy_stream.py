from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

import pytest
import torch

from machmeter_workloads.loaders.contract import Batch
from machmeter_workloads.loaders.copy_stream import Copy, copied_batches
from machmeter_workloads.loaders.ring_schedule import Place, Schedule
from machmeter_workloads.loaders.scratch import Scratch
from machmeter_workloads.loaders.thread_ring import ThreadRing

BATCH_SIZE = 2


@dataclass
class FakeEvent:
    """Stands for a CUDA event: it happens when somebody waits for it, or after so many questions."""

    transfer: Callable[[], object]
    questions: int
    happened: bool = False

    def query(self) -> bool:
        self.questions -= 1
        if self.questions <= 0:
            self.synchronize()
        return self.happened

    def synchronize(self) -> None:
        if not self.happened:
            self.happened = True
            self.transfer()


@dataclass
class FakeCopier:
    """Stands for a GPU that copies as late as it may: not before the copy's event happens."""

    questions: int
    log: list[str] = field(default_factory=list)
    events: list[FakeEvent] = field(default_factory=list)

    def start(self, batch: Batch) -> Copy:
        self.log.append(f"start {len(self.events)}")
        copied = Batch(*map(torch.empty_like, (batch.cubes, batch.masks, batch.indices)))
        event = FakeEvent(lambda: copied.indices.copy_(batch.indices), self.questions)
        self.events.append(event)
        return Copy(copied, event)

    def deliver(self, copy: Copy) -> Batch:
        self.log.append("deliver")
        return copy.batch

    def wait(self) -> None:
        for event in self.events:
            event.synchronize()


class Slots:
    """The least that a ring needs: indices, which stand for whole batches."""

    def __init__(self, count: int) -> None:
        self.indices = torch.full((count, BATCH_SIZE), -1)

    def fill(self, place: Place, scratch: Scratch) -> None:
        self.indices[place.slot, place.position] = place.task

    def look(self, schedule: Schedule, batch: int) -> Batch:
        indices = self.indices[schedule.slot(batch), : len(schedule.tasks(batch))]
        return Batch(indices, indices, indices)


@pytest.mark.parametrize("questions", [1, 3, 1_000_000])
@pytest.mark.parametrize("slots", [1, 2, 5])
@pytest.mark.parametrize("threads", [0, 2])
def test_a_slot_is_filled_again_only_after_its_copy(threads: int, slots: int, questions: int) -> None:
    """However late the copies are made, each holds its own batch, and the epoch comes to its end."""
    memory, copier = Slots(slots), FakeCopier(questions)
    schedule = Schedule(range(101), BATCH_SIZE, slots)
    with closing(ThreadRing(threads)) as ring:
        ring.begin(memory.fill, schedule)
        batches = list(copied_batches(ring, schedule, lambda batch: memory.look(schedule, batch), copier))
        copier.wait()
    assert [batch.indices.tolist() for batch in batches] == [list(schedule.tasks(n)) for n in range(51)]


def test_the_next_copy_begins_before_the_batch_is_used() -> None:
    """If its slot is filled already, it is under way while the consumer works."""
    memory, copier = Slots(4), FakeCopier(questions=1)
    schedule = Schedule(range(8), BATCH_SIZE, 4)
    with closing(ThreadRing(1)) as ring:
        ring.begin(memory.fill, schedule)
        for batch in range(4):
            ring.wait_for(schedule, batch)
        list(copied_batches(ring, schedule, lambda batch: memory.look(schedule, batch), copier))
    assert copier.log == [
        "start 0",
        "start 1",
        "deliver",
        "start 2",
        "deliver",
        "start 3",
        "deliver",
        "deliver",
    ]


def test_nobody_waits_for_a_second_batch_to_deliver_the_first() -> None:
    """The first batch is early even if the threads are slow."""
    memory, copier = Slots(4), FakeCopier(questions=1)
    schedule = Schedule(range(8), BATCH_SIZE, 4)
    with closing(ThreadRing(0)) as ring:
        ring.begin(memory.fill, schedule)
        next(copied_batches(ring, schedule, lambda batch: memory.look(schedule, batch), copier))
        assert not ring.is_complete(schedule, 1)
    assert copier.log == ["start 0", "deliver"]
