import shutil
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from photo_batches import assert_same, copied, epoch_of
from PIL import Image

from machmeter_workloads.errors import DamagedFileError, MissingDataError, UnfitSizeError, WorkloadError
from machmeter_workloads.loaders.contract import Lifetime
from machmeter_workloads.loaders.peers.missing import MissingPackageError
from machmeter_workloads.photos.contract import STD, MemoryFormat, PhotoSettings
from machmeter_workloads.photos.dali_cpu import load_dali_cpu
from machmeter_workloads.photos.dali_gpu import load_dali_gpu
from machmeter_workloads.photos.image_folder import ImageFolder
from machmeter_workloads.photos.pytorch import load_pytorch

SETTINGS = PhotoSettings(batch_size=3, seed=7, size=32)
# DALI and Pillow round differently, and at the edge of a window DALI knows fewer pixels of a JPEG file.
ROUNDING = 2 / min(STD)
EDGES = 16 / min(STD)


@pytest.fixture
def dali() -> None:
    pytest.importorskip("nvidia.dali", reason='needs the extra "dali"')


@pytest.mark.usefixtures("dali")
@pytest.mark.parametrize("epoch", [0, 1, 2, 3])
def test_dali_delivers_the_same_batches_as_pillow(folder: ImageFolder, epoch: int) -> None:
    """Indices and labels exactly, and pixels nearly: a window that is one pixel off would show."""
    expected = epoch_of(load_pytorch, folder, SETTINGS, epoch)
    found = epoch_of(load_dali_cpu, folder, SETTINGS, epoch)
    assert_same(found, expected, EDGES)
    for one, other in zip(found, expected, strict=True):
        assert float((one.images - other.images).abs().mean()) < 0.5 / min(STD)


@pytest.mark.usefixtures("dali")
def test_every_window_is_the_drawn_one(tmp_path: Path) -> None:
    """Of images in which every pixel tells its own place, of all proportions, the same part arrives."""
    (tmp_path / "places").mkdir()
    sizes = [(300, 20), (20, 300), (1, 1), (2, 5), (256, 256), (255, 100), (90, 130), (7, 3)]
    for number, (width, height) in enumerate(sizes):
        x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
        pixels = np.stack([x, y, 255 - x], axis=-1).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "places" / f"{number}.png")
    folder = ImageFolder.at(tmp_path)
    for epoch in range(4):
        settings = replace(SETTINGS, batch_size=8)
        found, expected = (epoch_of(load, folder, settings, epoch) for load in (load_dali_cpu, load_pytorch))
        assert_same(found, expected, ROUNDING)


@pytest.mark.usefixtures("dali")
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("prefetch", [1, 4])
def test_threads_and_prefetching_change_nothing(folder: ImageFolder, workers: int, prefetch: int) -> None:
    """But the time."""
    settings = replace(SETTINGS, workers=workers, prefetch=prefetch)
    assert_same(epoch_of(load_dali_cpu, folder, settings), epoch_of(load_dali_cpu, folder, SETTINGS))


@pytest.mark.usefixtures("dali")
@pytest.mark.parametrize(
    ("memory_format", "strides"), [("nchw", torch.contiguous_format), ("nhwc", torch.channels_last)]
)
def test_a_batch_keeps_the_contract(
    folder: ImageFolder, memory_format: MemoryFormat, strides: torch.memory_format
) -> None:
    """Images are (B, 3, size, size) float32 in the asked memory format, labels and indices int64."""
    with closing(load_dali_cpu(folder, replace(SETTINGS, memory_format=memory_format))) as loader:
        batch = next(iter(loader.epoch(0)))
        assert loader.lifetime is Lifetime.UNTIL_NEXT
        assert (batch.images.shape, batch.images.dtype) == ((3, 3, 32, 32), torch.float32)
        assert batch.images.is_contiguous(memory_format=strides)
        assert (batch.labels.dtype, batch.indices.dtype) == (torch.int64, torch.int64)


@pytest.mark.usefixtures("dali")
def test_an_epoch_can_be_repeated_in_the_same_loader(folder: ImageFolder) -> None:
    """The same number gives the same batches again, after an unfinished epoch in between."""
    with closing(load_dali_cpu(folder, SETTINGS)) as loader:
        first = [copied(batch) for batch in loader.epoch(0)]
        assert len(first) == len(loader) == 3
        next(iter(loader.epoch(1)))
        assert_same([copied(batch) for batch in loader.epoch(0)], first)


@pytest.mark.usefixtures("dali")
def test_a_batch_stays_as_it_is_until_the_next(folder: ImageFolder) -> None:
    """DALI goes on in the background, and does not write into what it has lent."""
    expected = epoch_of(load_dali_cpu, folder, replace(SETTINGS, batch_size=1))
    with closing(load_dali_cpu(folder, replace(SETTINGS, batch_size=1, prefetch=3))) as loader:
        for batch, same in zip(loader.epoch(0), expected, strict=True):
            # Some milliseconds pass, in which DALI prepares the next batches.
            epoch_of(load_pytorch, folder, SETTINGS)
            assert torch.equal(batch.images, same.images)


@pytest.mark.usefixtures("dali")
@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", r"1\.jpg is damaged: it is empty"),
        (b"hello" * 99, r"1\.jpg is damaged: it is no image"),
        (None, r"1\.jpg does not exist"),
        (0.2, r"1\.jpg is damaged: cannot load"),
    ],
)
def test_a_bad_file_is_named(root: Path, tmp_path: Path, content: bytes | float | None, text: str) -> None:
    """DALI says only which of its functions failed; the loader goes on when the file is good again."""
    shutil.copytree(root, tmp_path / "photos")
    folder = ImageFolder.at(tmp_path / "photos")
    path = folder.path(0)
    good = path.read_bytes()
    path.unlink()
    if isinstance(content, float):
        path.write_bytes(good[: int(content * len(good))])
    elif content is not None:
        path.write_bytes(content)
    with closing(load_dali_cpu(folder, SETTINGS)) as loader:
        with pytest.raises((DamagedFileError, MissingDataError), match=text):
            list(loader.epoch(0))
        path.write_bytes(good)
        assert len(list(loader.epoch(1))) == len(loader)


@pytest.mark.usefixtures("dali")
def test_a_cache_is_refused(folder: ImageFolder) -> None:
    """Instead of being ignored."""
    with pytest.raises(UnfitSizeError, match=r'DALI cannot use a cache.*strategy "pytorch"'):
        load_dali_cpu(folder, replace(SETTINGS, cache=1000))


@pytest.mark.usefixtures("dali")
def test_closing_ends_the_threads(folder: ImageFolder) -> None:
    """In the middle of an epoch too, and twice."""
    loader = load_dali_cpu(folder, replace(SETTINGS, workers=4))
    epoch = loader.epoch(0)
    before = len(list(Path("/proc/self/task").iterdir()))
    next(epoch)
    during = len(list(Path("/proc/self/task").iterdir()))
    loader.close()
    loader.close()
    assert during >= before + 4
    assert len(list(Path("/proc/self/task").iterdir())) <= during - 4


def test_without_dali_the_command_to_install_it_is_said(
    folder: ImageFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the loader is opened."""
    monkeypatch.setitem(sys.modules, "nvidia", None)
    monkeypatch.setitem(sys.modules, "nvidia.dali", None)
    with pytest.raises(MissingPackageError, match=r"nvidia\.dali.*pip install 'machmeter\[dali\]'"):
        load_dali_cpu(folder, SETTINGS)


def test_decoding_on_a_gpu_needs_one(folder: ImageFolder) -> None:
    """A strategy that was asked for is not silently replaced by a slower one."""
    with pytest.raises(
        WorkloadError, match=r'"dali_gpu" cannot deliver to the device "cpu".*nvidia-smi.*"dali_cpu"'
    ):
        load_dali_gpu(folder, SETTINGS)


@pytest.mark.usefixtures("dali")
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_gpu_delivers_the_same_batches_as_pillow(folder: ImageFolder) -> None:
    """Indices and labels exactly, and pixels nearly: the GPU decodes JPEG files in another way."""
    jpeg_only = replace(SETTINGS, device="cuda")
    found = [
        replace(batch, images=batch.images.cpu(), labels=batch.labels.cpu())
        for batch in epoch_of(load_dali_gpu, folder, jpeg_only)
    ]
    assert_same(found, epoch_of(load_pytorch, folder, SETTINGS), 2 * EDGES)
