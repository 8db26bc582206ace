import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from machmeter_workloads.data.cube_set import CubeSet
from machmeter_workloads.errors import DamagedFileError, MissingDataError, UnfitSizeError, WorkerDiedError
from machmeter_workloads.loaders.blosc import load_blosc
from machmeter_workloads.loaders.contract import Batch, Lifetime, Loader, LoaderSettings
from machmeter_workloads.loaders.decoders import ArrayDecoder
from machmeter_workloads.loaders.gpu_aug import load_gpu_aug
from machmeter_workloads.loaders.original import load_original
from machmeter_workloads.loaders.ring_buffer import StoredDecoder, load_ring_buffer
from machmeter_workloads.loaders.ring_loader import RingLoader
from machmeter_workloads.loaders.slot_filler import RingStrategy
from machmeter_workloads.storage.dat_file import read_dat

SETTINGS = LoaderSettings(batch_size=2, seed=7, workers=2)
PLAIN = replace(SETTINGS, augment=False)
STORED_FLOAT32 = RingStrategy("blosc", StoredDecoder)

# Newer versions of Python warn of every fork beside a thread, and numpy's libraries have some.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture(autouse=True)
def _no_worker_is_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []


def kept(loader: Loader, epoch: int) -> list[Batch]:
    return [
        Batch(each.cubes.clone(), each.masks.clone(), each.indices.clone()) for each in loader.epoch(epoch)
    ]


def assert_equal(left: list[Batch], right: list[Batch]) -> None:
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        assert torch.equal(one.indices, other.indices)
        assert torch.equal(one.masks, other.masks)
        assert torch.equal(one.cubes, other.cubes)


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("crop", [None, (9, 14)])
def test_the_ring_delivers_what_gpu_aug_does(
    cubes: CubeSet, workers: int, crop: tuple[int, int] | None
) -> None:
    """Bit by bit, over several epochs with a partial last batch, which takes a slot like any other."""
    settings = replace(SETTINGS, workers=workers, crop=crop, prefetch=1)
    with closing(load_gpu_aug(cubes, settings)) as other, closing(load_ring_buffer(cubes, settings)) as ring:
        for epoch in range(4):
            assert_equal(kept(ring, epoch), kept(other, epoch))


@pytest.mark.parametrize("settings", [SETTINGS, PLAIN])
def test_a_ring_of_float32_delivers_what_blosc_does(cubes: CubeSet, settings: LoaderSettings) -> None:
    """The same machine takes any decoder; nothing is widened then."""
    with (
        closing(load_blosc(cubes, settings)) as samples,
        closing(RingLoader(cubes, STORED_FLOAT32, settings)) as ring,
    ):
        for epoch in range(2):
            assert_equal(kept(ring, epoch), kept(samples, epoch))


@pytest.mark.parametrize("crop", [None, (9, 14)])
def test_processes_take_the_decoders_of_threads(cubes: CubeSet, crop: tuple[int, int] | None) -> None:
    """Also one that copies, and fills the slot in its own order."""
    settings = replace(SETTINGS, crop=crop)
    strategy = RingStrategy("original", partial(ArrayDecoder, read=read_dat))
    with (
        closing(load_original(cubes, settings)) as samples,
        closing(RingLoader(cubes, strategy, settings)) as ring,
    ):
        assert_equal(kept(ring, 1), kept(samples, 1))


def test_a_batch_is_lent_until_the_next(cubes: CubeSet) -> None:
    """All batches of a float16 ring are widened into the same memory, and nobody transposes them."""
    with closing(load_ring_buffer(cubes, PLAIN)) as loader:
        seen = [(each.cubes.data_ptr(), each.cubes.stride()) for each in loader.epoch(0)]
        assert loader.lifetime is Lifetime.UNTIL_NEXT
    assert {pointer for pointer, _ in seen} == {seen[0][0]}
    assert seen[0][1] == (24 * 32 * 10, 1, 32 * 10, 10)


def test_float32_is_delivered_where_it_was_decoded(cubes: CubeSet) -> None:
    """A batch is a view of its slot: not a byte is copied on the way."""
    with closing(RingLoader(cubes, STORED_FLOAT32, PLAIN)) as loader:
        slots = loader._slots.cubes
        starts = {slots[slot].data_ptr() for slot in range(len(slots))}
        assert {each.cubes.data_ptr() for each in loader.epoch(0)} <= starts


def test_the_length_is_the_number_of_batches(cubes: CubeSet) -> None:
    """The partial batch counts."""
    with closing(load_ring_buffer(cubes, SETTINGS)) as loader:
        assert len(loader) == 3


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_file_is_named(cubes: CubeSet, tmp_path: Path, workers: int) -> None:
    """Whichever process met it; and the epoch after it was repaired is whole."""
    copy = replace(cubes, folder=tmp_path / "copy")
    shutil.copytree(cubes.folder, copy.folder)
    path = copy.cube_path("fp16", 3)
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with closing(load_ring_buffer(copy, replace(SETTINGS, workers=workers))) as loader:
        with pytest.raises(DamagedFileError, match=r"fp16/00003\.blosc is damaged"):
            list(loader.epoch(0))
        path.write_bytes(content)
        assert len(list(loader.epoch(0))) == 3


def test_a_file_of_another_precision_is_named(cubes: CubeSet) -> None:
    """Float16 where float32 is expected never reaches a batch."""
    strategy = replace(STORED_FLOAT32, format_name="fp16")
    with (
        closing(RingLoader(cubes, strategy, SETTINGS)) as loader,
        pytest.raises(DamagedFileError, match=r"fp16/.*it holds float16 instead of float32"),
    ):
        list(loader.epoch(0))


def test_a_killed_worker_is_reported_and_replaced(cubes: CubeSet) -> None:
    """Kill -9 in the middle of an epoch names the signal, and the next epoch is whole."""
    settings = replace(SETTINGS, batch_size=1, prefetch=0)
    with closing(load_ring_buffer(cubes, settings)) as loader:
        epoch = loader.epoch(0)
        next(epoch)
        for worker in multiprocessing.active_children():
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(WorkerDiedError, match="killed by signal 9"):
            list(epoch)
        assert len(list(loader.epoch(1))) == 5


def test_what_cannot_work_is_said_when_the_loader_is_opened(cubes: CubeSet, tmp_path: Path) -> None:
    """Missing files and a crop that does not fit."""
    with pytest.raises(MissingDataError, match=r"fp16/00000\.blosc does not exist"):
        load_ring_buffer(replace(cubes, folder=tmp_path), SETTINGS)
    with pytest.raises(UnfitSizeError, match="cannot be cut out"):
        load_ring_buffer(cubes, replace(SETTINGS, crop=(24, 33)))


def test_a_series_smaller_than_a_batch_needs_no_memory_for_more(cubes: CubeSet) -> None:
    """Batches of a million are asked for, and one cube is there."""
    settings = replace(SETTINGS, batch_size=1_000_000)
    with closing(load_ring_buffer(replace(cubes, count=1), settings)) as loader:
        assert [len(each.indices) for each in loader.epoch(0)] == [1]
