import multiprocessing
import os
import signal
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from machmeter_workloads.data.cube_set import CubeSet, make_cube_set
from machmeter_workloads.data.cubes import CubeSpec
from machmeter_workloads.errors import DamagedFileError, MissingDataError, WorkerDiedError
from machmeter_workloads.loaders.contract import Batch, Lifetime, Loader, LoaderSettings
from machmeter_workloads.loaders.original import load_original
from machmeter_workloads.loaders.peers.formats import make_peer_format, peer_format_path
from machmeter_workloads.loaders.peers.missing import UnpacedPeerError
from machmeter_workloads.loaders.peers.registry import PEERS

SETTINGS = LoaderSettings(batch_size=2, seed=7, augment=False)
# Half of a unit in the last place of float16.
ROUNDING = 2**-11
EXACT = [name for name, peer in PEERS.items() if peer.exact_order]
OWN_ORDER = [name for name, peer in PEERS.items() if not peer.exact_order]
# Which load with processes, and the module of each that makes batches in them.
PROCESSES = {"stateful": "npy_series", "webdataset": "webdataset", "litdata": "litdata"}

# Newer versions of Python warn of every fork beside a thread, and numpy's libraries have some.
# torchdata 0.11 still calls what torch 2.13 has given up.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning"),
]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> CubeSet:
    return make_cube_set(CubeSpec(24, 32, 10), 1, ["original"], tmp_path_factory.mktemp("alone"))


def opened(name: str, cubes: CubeSet, settings: LoaderSettings) -> Loader:
    peer = PEERS[name]
    for module in peer.modules:
        pytest.importorskip(module, exc_type=ImportError)
    if peer.format_for(settings).startswith("zarr"):
        pytest.importorskip("zarr")
    make_peer_format(peer.format_for(settings), cubes)
    return peer(cubes, settings)


def kept(loader: Loader, epoch: int) -> list[Batch]:
    """The batches of an epoch, which may only be lent."""
    return [
        Batch(batch.cubes.clone(), batch.masks.clone(), batch.indices.clone())
        for batch in loader.epoch(epoch)
    ]


def batches(name: str, cubes: CubeSet, settings: LoaderSettings, epoch: int = 0) -> list[Batch]:
    with closing(opened(name, cubes, settings)) as loader:
        return kept(loader, epoch)


def original(cubes: CubeSet, settings: LoaderSettings, epoch: int = 0) -> list[Batch]:
    with closing(load_original(cubes, replace(settings, workers=0))) as loader:
        return list(loader.epoch(epoch))


def assert_same(left: list[Batch], right: list[Batch], tolerance: float = ROUNDING) -> None:
    assert [batch.indices.tolist() for batch in left] == [batch.indices.tolist() for batch in right]
    for one, other in zip(left, right, strict=True):
        assert torch.equal(one.masks, other.masks)
        torch.testing.assert_close(one.cubes, other.cubes, rtol=tolerance, atol=0)


def by_index(delivered: list[Batch]) -> dict[int, tuple[torch.Tensor, torch.Tensor]]:
    return {
        int(index): (cube, mask)
        for batch in delivered
        for index, cube, mask in zip(batch.indices, batch.cubes, batch.masks, strict=True)
    }


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("name", EXACT)
def test_a_peer_delivers_the_batches_of_original(cubes: CubeSet, name: str, workers: int) -> None:
    """In the same order and to the precision of float16, with the smaller batch at the end."""
    settings = replace(SETTINGS, workers=workers)
    assert_same(batches(name, cubes, settings, epoch=3), original(cubes, settings, epoch=3))


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("name", OWN_ORDER)
def test_a_peer_with_its_own_order_delivers_every_cube_once(cubes: CubeSet, name: str, workers: int) -> None:
    """Each arrives under its index as ``original`` delivers it."""
    settings = replace(SETTINGS, workers=workers)
    epoch = batches(name, cubes, settings)
    expected = by_index(original(cubes, settings))
    assert sorted(index for batch in epoch for index in batch.indices.tolist()) == [0, 1, 2, 3, 4]
    for index, (cube, mask) in by_index(epoch).items():
        torch.testing.assert_close(cube, expected[index][0], rtol=ROUNDING, atol=0)
        assert torch.equal(mask, expected[index][1])


@pytest.mark.parametrize("name", PEERS)
def test_a_batch_keeps_the_contract(cubes: CubeSet, name: str) -> None:
    """Cubes are (B, bands, H, W) float32, masks (B, H, W) and indices (B,) int64; as many as were said."""
    with closing(opened(name, cubes, SETTINGS)) as loader:
        epoch = kept(loader, 0)
        assert len(epoch) == len(loader)
    assert (epoch[0].cubes.shape, epoch[0].cubes.dtype) == ((2, 10, 24, 32), torch.float32)
    assert (epoch[0].masks.shape, epoch[0].masks.dtype) == ((2, 24, 32), torch.int64)
    assert (epoch[0].indices.shape, epoch[0].indices.dtype) == ((2,), torch.int64)
    assert sum(len(batch.indices) for batch in epoch) == 5


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", PEERS)
def test_an_epoch_can_be_repeated_after_an_unfinished_one(cubes: CubeSet, name: str, workers: int) -> None:
    """The number alone decides what is delivered, whatever was begun or finished before."""
    with closing(opened(name, cubes, replace(SETTINGS, workers=workers))) as loader:
        first = kept(loader, 1)
        next(loader.epoch(2))
        assert_same(kept(loader, 1), first, tolerance=0)
        assert_same(kept(loader, 1), first, tolerance=0)


@pytest.mark.parametrize("name", PEERS)
def test_a_batch_lives_as_long_as_is_said(cubes: CubeSet, name: str) -> None:
    """What is lent comes back with other values; what is the caller's never changes."""
    with closing(opened(name, cubes, replace(SETTINGS, batch_size=1))) as loader:
        lent = loader.lifetime is Lifetime.UNTIL_NEXT
        delivered = [batch.cubes for number in range(3) for batch in loader.epoch(number)]
    assert lent == PEERS[name].lends
    assert (len({cubes.data_ptr() for cubes in delivered}) < len(delivered)) == lent


@pytest.mark.parametrize("name", PEERS)
def test_epochs_differ_in_their_order(cubes: CubeSet, name: str) -> None:
    """Over four epochs, at least two orders are seen."""
    with closing(opened(name, cubes, replace(SETTINGS, batch_size=5))) as loader:
        orders = {tuple(next(loader.epoch(number)).indices.tolist()) for number in range(4)}
    assert len(orders) > 1


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", PEERS)
def test_a_series_of_one_cube(alone: CubeSet, name: str, workers: int) -> None:
    """A single batch of one, however many workers there are."""
    settings = replace(SETTINGS, workers=workers)
    assert_same(batches(name, alone, settings), original(alone, settings))


@pytest.mark.parametrize("name", PEERS)
def test_a_crop_is_the_window_of_every_other_loader(cubes: CubeSet, name: str) -> None:
    """The same pixels as a window of the whole cube that ``original`` delivers."""
    settings = replace(SETTINGS, workers=1, crop=(8, 12))
    expected = by_index(original(cubes, settings))
    for index, (cube, mask) in by_index(batches(name, cubes, settings)).items():
        torch.testing.assert_close(cube, expected[index][0], rtol=ROUNDING, atol=0)
        assert torch.equal(mask, expected[index][1])


@pytest.mark.parametrize("name", PEERS)
def test_augmentation_is_that_of_original(cubes: CubeSet, name: str) -> None:
    """Decided by seed, epoch and index, wherever it is done."""
    settings = replace(SETTINGS, workers=1, augment=True)
    expected = by_index(original(cubes, settings, epoch=1))
    for index, (cube, mask) in by_index(batches(name, cubes, settings, epoch=1)).items():
        torch.testing.assert_close(cube, expected[index][0], rtol=2**-10, atol=2**-10)
        assert torch.equal(mask, expected[index][1])


@pytest.mark.parametrize("name", PEERS)
def test_closing_ends_all_workers(cubes: CubeSet, name: str) -> None:
    """No process and no thread is left after an epoch that was not finished; closing twice is allowed."""
    # Threads that a library keeps for the whole process are there afterwards, too.
    batches(name, cubes, replace(SETTINGS, workers=2))
    before = set(threading.enumerate())
    loader = opened(name, cubes, replace(SETTINGS, workers=2))
    next(loader.epoch(0))
    processes = multiprocessing.active_children()
    loader.close()
    loader.close()
    assert (len(processes) > 0) == (name in PROCESSES)
    assert not any(process.is_alive() for process in processes)
    deadline = time.monotonic() + 5
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        for thread in set(threading.enumerate()) - before:
            thread.join(timeout=0.1)
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", PEERS)
def test_damaged_data_are_named(cubes: CubeSet, tmp_path: Path, name: str, workers: int) -> None:
    """Whoever met them, the error says which file or which store cannot be read."""
    elsewhere = replace(cubes, folder=tmp_path)
    settings = replace(SETTINGS, workers=workers)
    with closing(opened(name, elsewhere, settings)) as loader:
        folder = peer_format_path(PEERS[name].format_for(settings), elsewhere)
        largest = max(
            (path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size
        )
        os.truncate(largest, largest.stat().st_size // 2)
        with pytest.raises(DamagedFileError, match=rf"{folder}.* is damaged"):
            list(loader.epoch(0))


@pytest.mark.parametrize("name", PROCESSES)
def test_a_worker_that_is_killed_is_reported(
    cubes: CubeSet, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Its number and the signal, and nothing is left behind."""

    def killed(*_: object) -> Batch:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    monkeypatch.setattr(f"machmeter_workloads.loaders.peers.{PROCESSES[name]}.collect", killed)
    with (
        closing(opened(name, cubes, replace(SETTINGS, workers=1))) as loader,
        pytest.raises(WorkerDiedError, match=r"Worker 0 of the loader was killed by signal 9"),
    ):
        next(loader.epoch(0))
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("name", PEERS)
def test_data_that_were_not_made_are_named(cubes: CubeSet, name: str) -> None:
    """The error says what to make, before anything starts."""
    for module in PEERS[name].modules:
        pytest.importorskip(module, exc_type=ImportError)
    with pytest.raises(MissingDataError, match=r"peers/.*-6 does not exist.*make_peer_format"):
        PEERS[name](replace(cubes, count=6), SETTINGS)


@pytest.mark.parametrize("name", PEERS)
def test_a_rate_is_refused(cubes: CubeSet, name: str) -> None:
    """What cannot be paced says so instead of being measured at another rate."""
    with pytest.raises(UnpacedPeerError, match=rf'"{name}" cannot be held.*cgroup'):
        PEERS[name](cubes, replace(SETTINGS, bytes_per_s=1e6))
