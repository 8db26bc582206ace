import multiprocessing
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from machmeter_workloads.data.cube_set import CubeSet
from machmeter_workloads.data.cubes import make_cube
from machmeter_workloads.errors import DamagedFileError, MissingDataError, UnknownNameError
from machmeter_workloads.loaders.contract import Batch, LoaderSettings
from machmeter_workloads.loaders.reading import read_epoch
from machmeter_workloads.loaders.registry import STRATEGIES, open_loader
from machmeter_workloads.loaders.samples import load_samples
from machmeter_workloads.storage.source import Source
from machmeter_workloads.work import Work

SETTINGS = LoaderSettings(batch_size=2, seed=7)
PARALLEL = replace(SETTINGS, workers=2)

# Newer versions of Python warn of every fork beside a thread, and numpy's libraries have some.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def batches(strategy: str, cubes: CubeSet, settings: LoaderSettings, epoch: int = 0) -> list[Batch]:
    with closing(open_loader(strategy, cubes, settings)) as loader:
        # Some strategies lend their batches.
        return [
            Batch(each.cubes.clone(), each.masks.clone(), each.indices.clone())
            for each in loader.epoch(epoch)
        ]


def assert_same(left: list[Batch], right: list[Batch], tolerance: float = 0) -> None:
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        assert torch.equal(one.indices, other.indices)
        assert torch.equal(one.masks, other.masks)
        torch.testing.assert_close(one.cubes, other.cubes, rtol=tolerance, atol=0)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_batch_keeps_the_contract(cubes: CubeSet, strategy: str) -> None:
    """Cubes are (B, bands, H, W) float32, masks (B, H, W) and indices (B,) int64."""
    batch = batches(strategy, cubes, SETTINGS)[0]
    assert (batch.cubes.shape, batch.cubes.dtype) == ((2, 10, 24, 32), torch.float32)
    assert (batch.masks.shape, batch.masks.dtype) == ((2, 24, 32), torch.int64)
    assert (batch.indices.shape, batch.indices.dtype) == ((2,), torch.int64)


@pytest.mark.parametrize("strategy", ["original", "blosc"])
def test_without_augmentation_the_values_are_the_made_ones(cubes: CubeSet, strategy: str) -> None:
    """Every cube and mask arrives under its index as it was made."""
    for batch in batches(strategy, cubes, replace(SETTINGS, augment=False)):
        for cube, mask, index in zip(batch.cubes, batch.masks, batch.indices, strict=True):
            made_cube, made_mask = make_cube(cubes.spec, int(index))
            assert torch.equal(cube, torch.from_numpy(made_cube).permute(2, 0, 1))
            assert torch.equal(mask, torch.from_numpy(made_mask).long())


def test_float32_strategies_deliver_the_same_batches(cubes: CubeSet) -> None:
    """Original and blosc agree in every element, order and augmentation included."""
    assert_same(batches("original", cubes, SETTINGS), batches("blosc", cubes, SETTINGS))


def test_half_precision_delivers_the_same_batches_rounded(cubes: CubeSet) -> None:
    """Fp16 agrees with the others to the precision of float16."""
    assert_same(batches("original", cubes, SETTINGS), batches("fp16", cubes, SETTINGS), tolerance=2**-10)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_workers_deliver_the_same_batches(cubes: CubeSet, strategy: str) -> None:
    """The number of worker processes changes nothing but the time."""
    assert_same(batches(strategy, cubes, SETTINGS, epoch=3), batches(strategy, cubes, PARALLEL, epoch=3))


def test_an_epoch_can_be_repeated_in_the_same_loader(cubes: CubeSet) -> None:
    """The same number gives the same batches again, after another epoch in between."""
    with closing(open_loader("fp16", cubes, PARALLEL)) as loader:
        first = list(loader.epoch(0))
        other = list(loader.epoch(1))
        assert_same(first, list(loader.epoch(0)))
    assert not torch.equal(torch.cat([b.cubes for b in first]), torch.cat([b.cubes for b in other]))


def test_an_unfinished_epoch_does_not_reach_into_the_next(cubes: CubeSet) -> None:
    """Batches prefetched for an abandoned epoch are not delivered later."""
    expected = batches("fp16", cubes, SETTINGS, epoch=1)
    with closing(open_loader("fp16", cubes, PARALLEL)) as loader:
        next(iter(loader.epoch(0)))
        assert_same(list(loader.epoch(1)), expected)


@pytest.mark.parametrize("settings", [SETTINGS, PARALLEL])
def test_the_last_batch_may_be_smaller(cubes: CubeSet, settings: LoaderSettings) -> None:
    """Five cubes in batches of two arrive once each, the last one alone."""
    epoch = batches("blosc", cubes, settings)
    assert [len(batch.indices) for batch in epoch] == [2, 2, 1]
    assert [len(batch.cubes) for batch in epoch] == [2, 2, 1]
    assert sorted(torch.cat([batch.indices for batch in epoch]).tolist()) == [0, 1, 2, 3, 4]


def test_the_length_is_the_number_of_batches(cubes: CubeSet) -> None:
    """The partial batch counts."""
    with closing(open_loader("blosc", cubes, SETTINGS)) as loader:
        assert len(loader) == 3


def test_closing_ends_all_workers(cubes: CubeSet) -> None:
    """No worker is left after an epoch that was not finished, and closing twice is allowed."""
    loader = open_loader("blosc", cubes, PARALLEL)
    epoch = loader.epoch(0)
    next(epoch)
    workers = multiprocessing.active_children()
    loader.close()
    loader.close()
    assert len(workers) == 2
    assert not any(worker.is_alive() for worker in workers)


def test_workers_use_one_thread(cubes: CubeSet) -> None:
    """However many threads the main process uses, each worker reads and augments with one."""

    def number_of_threads(path: Path, source: Source) -> NDArray[np.float32]:
        return np.full((24, 32, 10), torch.get_num_threads(), np.float32)

    settings = replace(PARALLEL, augment=False)
    torch.set_num_threads(2)
    try:
        with closing(load_samples(cubes, "fp16", number_of_threads, settings)) as loader:
            seen = {int(batch.cubes.max()) for batch in loader.epoch(0)}
        assert (seen, torch.get_num_threads()) == ({1}, 2)
    finally:
        torch.set_num_threads(1)


@pytest.mark.parametrize("settings", [SETTINGS, PARALLEL])
def test_a_damaged_file_is_named_from_a_worker_too(
    cubes: CubeSet, tmp_path: Path, settings: LoaderSettings
) -> None:
    """The error keeps its type and names the file, whichever process met it."""
    copy = replace(cubes, folder=tmp_path / "copy")
    shutil.copytree(cubes.folder, copy.folder)
    path = copy.cube_path("original", 3)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DamagedFileError, match=r"original/00003\.dat is damaged"):
        batches("original", copy, settings)


def test_a_missing_file_is_named_before_anything_starts(cubes: CubeSet, tmp_path: Path) -> None:
    """Opening a loader over data that were not made says what to make."""
    with pytest.raises(MissingDataError, match=r"fp16/00000\.blosc does not exist.*make_cube_set"):
        open_loader("fp16", replace(cubes, folder=tmp_path), SETTINGS)


def test_an_unknown_strategy_is_answered_with_the_known_ones(cubes: CubeSet) -> None:
    """The error lists what there is."""
    known = ", ".join(sorted(STRATEGIES))
    with pytest.raises(UnknownNameError, match=rf'no loading strategy "zip"\. Known are: {known}\.'):
        open_loader("zip", cubes, SETTINGS)


def test_reading_an_epoch_says_what_was_done(cubes: CubeSet) -> None:
    """Items are cubes, bytes are those delivered, and the result names every index."""
    with closing(open_loader("blosc", cubes, SETTINGS)) as loader:
        work = read_epoch(loader)
    assert (work.items, work.bytes) == (5, 5 * 24 * 32 * (10 * 4 + 8))
    assert isinstance(work.result, tuple)
    assert sorted(index for batch in work.result for index in batch[0]) == [0, 1, 2, 3, 4]


def test_the_same_seed_is_the_same_work_and_another_is_not(cubes: CubeSet) -> None:
    """The result repeats in another loader, and shows another augmentation."""

    def work(settings: LoaderSettings) -> Work:
        with closing(open_loader("blosc", cubes, settings)) as loader:
            return read_epoch(loader)

    assert work(SETTINGS) == work(PARALLEL)
    assert work(SETTINGS) != work(replace(SETTINGS, seed=8))
