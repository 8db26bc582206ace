import multiprocessing
import os
import shutil
import signal
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from photo_batches import assert_same, epoch_of
from PIL import Image

from machmeter_workloads.errors import (
    DamagedFileError,
    MissingDataError,
    UnfitSizeError,
    UnreadableError,
    WorkerDiedError,
    WorkloadError,
)
from machmeter_workloads.loaders.contract import Lifetime
from machmeter_workloads.loaders.order import epoch_batches
from machmeter_workloads.photos.contract import MemoryFormat, PhotoSettings
from machmeter_workloads.photos.image_folder import ImageFolder
from machmeter_workloads.photos.pytorch import SampledPhotos, load_pytorch
from machmeter_workloads.photos.transforms import cropped, draw, normalised

SETTINGS = PhotoSettings(batch_size=3, seed=7, size=32)
PARALLEL = replace(SETTINGS, workers=2)

pytestmark = [
    # Newer versions of Python warn of every fork beside a thread, and numpy's libraries have some.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    # The machine that runs the tests may have fewer processors than workers are asked for.
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]


@pytest.mark.parametrize("epoch", [0, 3])
def test_batches_are_what_the_parts_give_one_by_one(folder: ImageFolder, epoch: int) -> None:
    """Order, windows, mirroring and values are those of the functions that decide them."""
    batches = epoch_of(load_pytorch, folder, SETTINGS, epoch)
    order = epoch_batches(len(folder), 3, 7, epoch)
    assert [batch.indices.tolist() for batch in batches] == order
    for batch in batches:
        assert batch.labels.tolist() == folder.labels[batch.indices.numpy()].tolist()
        for image, index in zip(batch.images, batch.indices.tolist(), strict=True):
            with Image.open(folder.path(index)) as opened:
                pixels = cropped(opened.convert("RGB"), draw(7, epoch, index), 32)
            expected = normalised(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None], "nchw")[0]
            assert torch.equal(image, expected)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_workers_deliver_the_same_batches(folder: ImageFolder, workers: int) -> None:
    """The number of worker processes changes nothing but the time."""
    expected = epoch_of(load_pytorch, folder, SETTINGS, 2)
    assert_same(epoch_of(load_pytorch, folder, replace(SETTINGS, workers=workers), 2), expected)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch_size", [1, 7, 50])
def test_every_image_comes_once(folder: ImageFolder, workers: int, batch_size: int) -> None:
    """In batches of one, in one whole batch, and in one that is not full."""
    settings = replace(SETTINGS, workers=workers, batch_size=batch_size)
    batches = epoch_of(load_pytorch, folder, settings)
    assert len(batches) == len(load_pytorch(folder, settings)) == -(-len(folder) // batch_size)
    assert sorted(torch.cat([batch.indices for batch in batches]).tolist()) == list(range(len(folder)))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_folder_of_one_image_is_an_epoch(folder: ImageFolder, tmp_path: Path, workers: int) -> None:
    """A batch of one, with more workers than images."""
    (tmp_path / "cat").mkdir()
    shutil.copy(folder.path(0), tmp_path / "cat")
    (batch,) = epoch_of(load_pytorch, ImageFolder.at(tmp_path), replace(SETTINGS, workers=workers))
    assert (batch.images.shape, batch.labels.tolist()) == ((1, 3, 32, 32), [0])


@pytest.mark.parametrize(
    ("memory_format", "strides"), [("nchw", torch.contiguous_format), ("nhwc", torch.channels_last)]
)
@pytest.mark.parametrize("workers", [0, 1])
def test_a_batch_keeps_the_contract(
    folder: ImageFolder, memory_format: MemoryFormat, strides: torch.memory_format, workers: int
) -> None:
    """Images are (B, 3, size, size) float32 in the asked memory format, labels and indices int64."""
    settings = replace(SETTINGS, memory_format=memory_format, workers=workers)
    batch = epoch_of(load_pytorch, folder, settings)[0]
    assert (batch.images.shape, batch.images.dtype) == ((3, 3, 32, 32), torch.float32)
    assert batch.images.is_contiguous(memory_format=strides)
    assert (batch.labels.dtype, batch.indices.dtype) == (torch.int64, torch.int64)


def test_both_memory_formats_hold_the_same_values(folder: ImageFolder) -> None:
    """Only the strides differ."""
    nhwc = epoch_of(load_pytorch, folder, replace(SETTINGS, memory_format="nhwc"))
    assert_same(nhwc, epoch_of(load_pytorch, folder, SETTINGS))


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_can_be_repeated_in_the_same_loader(folder: ImageFolder, workers: int) -> None:
    """The same number gives the same batches again, after an unfinished epoch in between; none changes."""
    with closing(load_pytorch(folder, replace(SETTINGS, workers=workers))) as loader:
        assert loader.lifetime is Lifetime.OWNED
        first = list(loader.epoch(0))
        next(iter(loader.epoch(1)))
        assert_same(list(loader.epoch(0)), first)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("room", [10**6, 5000])
def test_a_cache_changes_nothing_but_the_reading(folder: ImageFolder, workers: int, room: int) -> None:
    """Neither one that holds all files, nor one that holds some of them."""
    with (
        closing(SampledPhotos(folder, replace(SETTINGS, workers=workers, cache=room))) as cached,
        closing(SampledPhotos(folder, replace(SETTINGS, workers=workers))) as plain,
    ):
        for epoch in range(3):
            assert_same(list(cached.epoch(epoch)), list(plain.epoch(epoch)))
        found = cached.cache_statistics()
        assert plain.cache_statistics() is None
    assert found is not None
    assert found.hits + found.misses == 3 * len(folder)
    assert found.hits == 2 * found.files
    assert (found.files == len(folder)) == (room == 10**6)
    assert found.bytes <= room


def test_cached_files_are_not_read_again(root: Path, tmp_path: Path) -> None:
    """The second epoch comes from memory, even when the files have gone."""
    shutil.copytree(root, tmp_path / "photos")
    folder = ImageFolder.at(tmp_path / "photos")
    with closing(load_pytorch(folder, replace(PARALLEL, cache=10**6))) as loader:
        first = list(loader.epoch(0))
        shutil.rmtree(tmp_path / "photos")
        assert_same(list(loader.epoch(0)), first)


def test_a_cache_has_no_negative_size(folder: ImageFolder) -> None:
    """It is refused when the loader is opened."""
    with pytest.raises(UnfitSizeError, match="cache of -1 bytes"):
        load_pytorch(folder, replace(SETTINGS, cache=-1))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("damage", "error", "text"),
    [
        (
            lambda path: path.write_bytes(path.read_bytes()[:-5]),
            DamagedFileError,
            r"1\.jpg is damaged: .*truncated",
        ),
        (lambda path: path.write_bytes(b""), DamagedFileError, r"1\.jpg is damaged: it is empty"),
        (
            lambda path: path.write_bytes(b"hello" * 99),
            DamagedFileError,
            r"1\.jpg is damaged: it is no image",
        ),
        (Path.unlink, MissingDataError, r"1\.jpg does not exist"),
        (
            lambda path: (path.unlink(), path.symlink_to("/proc/self/mem")),
            UnreadableError,
            r"Cannot read .*1\.jpg: Input/output error",
        ),
    ],
)
def test_a_bad_file_is_named(
    root: Path, tmp_path: Path, workers: int, damage: object, error: type[WorkloadError], text: str
) -> None:
    """The error keeps its type, whichever process met the file; the loader goes on when it is good again."""
    shutil.copytree(root, tmp_path / "photos")
    folder = ImageFolder.at(tmp_path / "photos")
    path = folder.path(0)
    good = path.read_bytes()
    with closing(load_pytorch(folder, replace(SETTINGS, workers=workers))) as loader:
        assert callable(damage)
        damage(path)
        with pytest.raises(error, match=text):
            list(loader.epoch(0))
        path.unlink(missing_ok=True)
        path.write_bytes(good)
        assert len(list(loader.epoch(1))) == len(loader)


def test_a_killed_worker_is_named(folder: ImageFolder) -> None:
    """Its death ends the epoch with the signal's number."""
    with closing(load_pytorch(folder, replace(PARALLEL, batch_size=1))) as loader:
        epoch = loader.epoch(0)
        next(epoch)
        victim = multiprocessing.active_children()[0]
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        with pytest.raises(WorkerDiedError, match=r"Worker \d of the loader was killed by signal 9"):
            list(epoch)


def test_closing_ends_all_workers(folder: ImageFolder) -> None:
    """No worker is left after an epoch that was not finished, and closing twice is allowed."""
    loader = load_pytorch(folder, replace(PARALLEL, cache=10**6))
    epoch = loader.epoch(0)
    next(epoch)
    workers = multiprocessing.active_children()
    loader.close()
    loader.close()
    assert len(workers) == 2
    assert not any(worker.is_alive() for worker in workers)


@pytest.mark.parametrize("workers", [0, 1])
def test_the_global_random_state_is_left_alone(folder: ImageFolder, workers: int) -> None:
    """Neither torch's nor numpy's generator is used."""
    before = torch.random.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    epoch_of(load_pytorch, folder, replace(SETTINGS, workers=workers))
    after = torch.random.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    assert torch.equal(after[0], before[0])
    assert after[1] == before[1]
