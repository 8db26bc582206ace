from contextlib import closing
from dataclasses import replace

import pytest
import torch
from photo_batches import assert_same, epoch_of

from machmeter_workloads.loaders.contract import Lifetime
from machmeter_workloads.photos.contract import MemoryFormat, PhotoSettings
from machmeter_workloads.photos.image_folder import ImageFolder
from machmeter_workloads.photos.synthetic import load_synthetic

SETTINGS = PhotoSettings(batch_size=3, size=16)


def test_an_epoch_has_as_many_images_as_the_folder(folder: ImageFolder) -> None:
    """In the same batches as a real one, the last one smaller."""
    with closing(load_synthetic(folder, SETTINGS)) as loader:
        sizes = [len(batch.images) for batch in loader.epoch(0)]
        assert (sizes, len(loader)) == ([3, 3, 1], 3)


def test_the_batch_is_prepared_once(folder: ImageFolder) -> None:
    """Every batch has the same memory: delivering it costs nothing."""
    with closing(load_synthetic(folder, SETTINGS)) as loader:
        places = {batch.images.data_ptr() for batch in loader.epoch(0)}
        assert (len(places), loader.lifetime) == (1, Lifetime.UNTIL_NEXT)


@pytest.mark.parametrize(
    ("memory_format", "strides"), [("nchw", torch.contiguous_format), ("nhwc", torch.channels_last)]
)
def test_the_batch_keeps_the_contract(
    folder: ImageFolder, memory_format: MemoryFormat, strides: torch.memory_format
) -> None:
    """Noise of the right shape, with labels of the folder's classes, of no image."""
    batch = epoch_of(load_synthetic, folder, replace(SETTINGS, memory_format=memory_format))[0]
    assert (batch.images.shape, batch.images.dtype) == ((3, 3, 16, 16), torch.float32)
    assert batch.images.is_contiguous(memory_format=strides)
    assert abs(float(batch.images.mean())) < 0.2
    assert float(batch.images.std()) == pytest.approx(1, abs=0.2)
    assert 0 <= int(batch.labels.min()) <= int(batch.labels.max()) < len(folder.classes)
    assert batch.indices.tolist() == [-1, -1, -1]


def test_the_seed_decides_the_noise(folder: ImageFolder) -> None:
    """The same seed gives the same batch, and another does not."""
    first = epoch_of(load_synthetic, folder, SETTINGS)
    assert_same(first, epoch_of(load_synthetic, folder, SETTINGS, 5))
    assert not torch.equal(
        first[0].images, epoch_of(load_synthetic, folder, replace(SETTINGS, seed=1))[0].images
    )
