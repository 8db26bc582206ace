from collections.abc import Iterator

import pytest
import torch

from machmeter_workloads.data.cube_set import CubeSet
from machmeter_workloads.epochs import TrainingRun
from machmeter_workloads.loaders.contract import LoaderSettings
from machmeter_workloads.loaders.registry import open_loader
from machmeter_workloads.models import UNet
from machmeter_workloads.work import Work


def new_run(cubes: CubeSet) -> TrainingRun:
    return TrainingRun(open_loader("blosc", cubes, LoaderSettings(batch_size=2)), cubes.spec.bands)


@pytest.fixture
def run(cubes: CubeSet) -> Iterator[TrainingRun]:
    run = new_run(cubes)
    yield run
    run.close()


def loss_of(work: Work) -> float:
    assert isinstance(work.result, tuple)
    loss = work.result[1][0]
    assert isinstance(loss, float)
    return loss


@pytest.mark.parametrize("size", [(8, 8), (9, 14)])
def test_the_network_scores_every_pixel(size: tuple[int, int]) -> None:
    """Logits have the size of the input, also where it is not divisible by four."""
    assert UNet(bands=3, classes=5, width=4)(torch.zeros(2, 3, *size)).shape == (2, 5, *size)


def test_the_loss_falls(run: TrainingRun) -> None:
    """Forty epochs teach the network something."""
    losses = [loss_of(run.epoch()) for _ in range(40)]
    assert losses[-1] < 0.9 * losses[0]


def test_an_epoch_says_what_was_done(run: TrainingRun) -> None:
    """Items are cubes, bytes those trained on, and the result begins with the epoch's number."""
    run.epoch()
    work = run.epoch()
    assert (work.items, work.bytes) == (5, 5 * 24 * 32 * (10 * 4 + 8))
    assert isinstance(work.result, tuple)
    assert work.result[0] == 1


def test_two_runs_do_the_same_work(cubes: CubeSet, run: TrainingRun) -> None:
    """Weights, order and augmentation come from the seeds alone."""
    torch.manual_seed(99)
    other = new_run(cubes)
    assert [run.epoch(), run.epoch()] == [other.epoch(), other.epoch()]


def test_making_a_network_leaves_the_global_generator(cubes: CubeSet) -> None:
    """The seed of the weights is not seen outside."""
    before = torch.get_rng_state()
    new_run(cubes)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_repeated_epoch_is_the_one_after_the_kept_state(run: TrainingRun) -> None:
    """Repeating gives the same loss each time, that of simply going on."""
    run.epoch()
    run.keep()
    expected = run.epoch()
    run.epoch()
    assert [run.repeat_epoch(), run.repeat_epoch()] == [expected, expected]
