from contextlib import closing
from dataclasses import replace

import torch

from machmeter_workloads.data.cube_set import CubeSet
from machmeter_workloads.loaders.contract import Batch, Lifetime, LoaderSettings
from machmeter_workloads.loaders.cube_files import CubeFiles
from machmeter_workloads.loaders.fp16 import load_fp16
from machmeter_workloads.loaders.gpu_aug import StoredSamples, load_gpu_aug

SETTINGS = LoaderSettings(batch_size=2, seed=7)


def test_workers_neither_widen_nor_augment(cubes: CubeSet) -> None:
    """A sample is what lies in the file: float16, pixel by pixel, although augmentation was asked for."""
    sample, mask, index = StoredSamples(CubeFiles(cubes, "fp16", SETTINGS))[4, 3]
    assert (sample.shape, sample.dtype, mask.dtype, index) == ((24, 32, 10), torch.float16, torch.int64, 3)


def epoch_of(batches: list[Batch]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.cat([each.cubes for each in batches]), torch.cat([each.masks for each in batches])


def test_augmenting_the_batch_is_augmenting_its_cubes(cubes: CubeSet) -> None:
    """On the CPU the strategies fp16 and gpu_aug agree bit by bit."""
    with (
        closing(load_fp16(cubes, SETTINGS)) as one_by_one,
        closing(load_gpu_aug(cubes, SETTINGS)) as together,
    ):
        expected, got = epoch_of(list(one_by_one.epoch(2))), epoch_of(list(together.epoch(2)))
    assert torch.equal(got[0], expected[0])
    assert torch.equal(got[1], expected[1])


def test_nobody_transposes(cubes: CubeSet) -> None:
    """A pixel's bands still lie together, as in the file."""
    with closing(load_gpu_aug(cubes, replace(SETTINGS, augment=False))) as loader:
        batch = next(iter(loader.epoch(0)))
    assert batch.cubes.is_contiguous(memory_format=torch.channels_last)
    assert loader.lifetime is Lifetime.OWNED
