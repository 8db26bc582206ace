"""What the tests of the strategies for image folders ask of a loader."""

from contextlib import closing

import torch

from machmeter_workloads.photos.contract import PhotoBatch, PhotoLoaderFactory, PhotoSettings
from machmeter_workloads.photos.image_folder import ImageFolder


def epoch_of(
    load: PhotoLoaderFactory, folder: ImageFolder, settings: PhotoSettings, number: int = 0
) -> list[PhotoBatch]:
    """One epoch, as copies: what a loader lends is gone afterwards."""
    with closing(load(folder, settings)) as loader:
        return [copied(batch) for batch in loader.epoch(number)]


def copied(batch: PhotoBatch) -> PhotoBatch:
    return PhotoBatch(batch.images.clone(), batch.labels.clone(), batch.indices.clone())


def assert_same(left: list[PhotoBatch], right: list[PhotoBatch], tolerance: float = 0) -> None:
    assert [batch.indices.tolist() for batch in left] == [batch.indices.tolist() for batch in right]
    for one, other in zip(left, right, strict=True):
        assert torch.equal(one.labels, other.labels)
        torch.testing.assert_close(one.images, other.images, rtol=0, atol=tolerance)
