"""The strategy "gpu_aug": float16 samples, widened and augmented as a batch on the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.data import Dataset

from machmeter_workloads.loaders.contract import Batch
from machmeter_workloads.loaders.cube_files import CubeFiles
from machmeter_workloads.loaders.device_batch import augmented
from machmeter_workloads.loaders.samples import Sample, SampleLoader
from machmeter_workloads.storage.blosc_file import read_blosc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Loader, LoaderSettings


def load_gpu_aug(cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Load compressed float16 files and leave all arithmetic to the device, as HTC's benchmark does.

    Workers decompress and collect; half the bytes cross to the device, and nobody transposes them.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; its format "fp16" must have been made.
    settings : LoaderSettings
        How it is loaded.

    Returns
    -------
    Loader

    Raises
    ------
    MissingDataError
        A file of the series is not there.
    UnfitSizeError
        The crop does not fit into the cubes.
    """
    samples = StoredSamples(CubeFiles(cubes, "fp16", settings))

    def finish(tensors: Sequence[torch.Tensor], epoch: int) -> Batch:
        # Taken while they are still here: the device would have to be waited for.
        keys = tensors[2].tolist()
        stored, masks, indices = (each.to(settings.device, non_blocking=True) for each in tensors)
        batch = Batch(stored.permute(0, 3, 1, 2).float(), masks, indices)
        return augmented(batch, keys, epoch, settings)

    return SampleLoader(samples, cubes.count, settings, finish)


class StoredSamples(Dataset):
    """Reads one cube at a time, and leaves its values and their order as they are stored.

    Parameters
    ----------
    files : CubeFiles
        Where cubes and masks lie.
    """

    def __init__(self, files: CubeFiles) -> None:
        self._files = files

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        epoch, index = key
        cube = torch.from_numpy(self._files.cube(read_blosc, epoch, index))
        return cube, torch.from_numpy(self._files.mask(epoch, index)).long(), index
