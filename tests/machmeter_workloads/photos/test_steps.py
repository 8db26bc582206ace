import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from machmeter_workloads.photos.contract import PhotoBatch, PhotoSettings
from machmeter_workloads.photos.image_folder import ImageFolder
from machmeter_workloads.photos.pytorch import load_pytorch
from machmeter_workloads.photos.steps import Quantiles, StepTimes, time_steps

seconds = st.floats(1e-6, 1e3)


@dataclass
class Clock:
    """Goes on only when it is told to."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(seconds, seconds, st.integers(1, 64)), min_size=1, max_size=20))
def test_waiting_and_computing_are_told_apart(steps: list[tuple[float, float, int]]) -> None:
    """What passes while a batch is fetched is data, what passes after that is compute; nothing is lost."""
    clock = Clock()

    def batches() -> Iterator[PhotoBatch]:
        for data_s, _, images in steps:
            clock.now += data_s
            yield PhotoBatch(torch.empty(0), torch.empty(0), torch.zeros(images))

    computing = iter([compute_s for _, compute_s, _ in steps])

    def compute(batch: PhotoBatch) -> None:
        clock.now += next(computing)

    times = time_steps(batches(), compute, clock=clock)
    assert times.data_s == pytest.approx([data_s for data_s, _, _ in steps], rel=1e-6, abs=1e-9)
    assert times.compute_s == pytest.approx([compute_s for _, compute_s, _ in steps], rel=1e-6, abs=1e-9)
    assert sum(times.iteration_s) == pytest.approx(clock.now)
    assert times.images_per_s == pytest.approx(sum(images for _, _, images in steps) / clock.now)
    assert times.data_share == pytest.approx(sum(data_s for data_s, _, _ in steps) / clock.now, rel=1e-4)


def test_the_parts_of_a_real_epoch_add_up(folder: ImageFolder) -> None:
    """Data and compute make up every iteration, and the iterations the whole epoch, to one percent."""
    network = torch.nn.Conv2d(3, 8, 3)
    with closing(load_pytorch(folder, PhotoSettings(batch_size=2, size=64))) as loader:
        began = time.perf_counter()
        times = time_steps(loader.epoch(0), lambda batch: network(batch.images).sum().backward())
        whole_s = time.perf_counter() - began
    assert len(times) == len(times.items) == 4
    for data_s, compute_s, iteration_s in zip(times.data_s, times.compute_s, times.iteration_s, strict=True):
        assert data_s + compute_s == pytest.approx(iteration_s, rel=0.01)
    assert sum(times.iteration_s) <= whole_s
    assert sum(times.items) == len(folder)


def test_an_epoch_without_a_batch_has_no_steps() -> None:
    """Nothing is timed, and nothing is divided by."""
    nothing: list[PhotoBatch] = []
    assert len(time_steps(nothing, lambda batch: None)) == 0


@given(st.lists(seconds, min_size=1, max_size=200))
def test_quantiles_are_ordered_and_bounded(times_s: list[float]) -> None:
    """At least half of the steps take no longer than the median, and none longer than the largest."""
    found = Quantiles.of(times_s)
    assert min(times_s) <= found.p50 <= found.p90 <= found.p99 <= found.max == max(times_s)
    assert 2 * sum(each <= found.p50 for each in times_s) >= len(times_s)


def test_quantiles_are_those_of_every_kind_of_time() -> None:
    """In seconds, by the fields' names."""
    times = StepTimes((1.0, 3.0, 2.0), (1.0, 1.0, 1.0), (2.0, 4.0, 3.0), (8, 8, 4))
    found = times.quantiles()
    assert [(name, each.p50, each.max) for name, each in found.items()] == [
        ("data_s", 2, 3),
        ("compute_s", 1, 1),
        ("iteration_s", 3, 4),
    ]


def test_first_steps_can_be_left_out() -> None:
    """Those in which the workers start."""
    times = StepTimes((9.0, 1.0), (1.0, 1.0), (10.0, 2.0), (8, 4)).without_first(1)
    assert times == StepTimes((1.0,), (1.0,), (2.0,), (4,))
    assert times.images_per_s == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_work_on_a_gpu_is_waited_for() -> None:
    """A computation that is only ordered when the call returns counts as computing, not as waiting."""
    matrix = torch.ones(4096, 4096, device="cuda")
    batch = PhotoBatch(torch.empty(0), torch.empty(0), torch.zeros(1))
    times = time_steps([batch] * 3, lambda _: [matrix @ matrix for _ in range(50)], "cuda").without_first(1)
    assert min(times.compute_s) > 10 * max(times.data_s)
