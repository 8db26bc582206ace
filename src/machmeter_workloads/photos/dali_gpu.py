"""The strategy "dali_gpu": DALI decodes with the GPU, and does everything after that on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from machmeter_workloads.errors import WorkloadError
from machmeter_workloads.photos.dali_photos import DaliPhotos

if TYPE_CHECKING:
    from machmeter_workloads.photos.contract import PhotoLoader, PhotoSettings
    from machmeter_workloads.photos.image_folder import ImageFolder


def load_dali_gpu(folder: ImageFolder, settings: PhotoSettings) -> PhotoLoader:
    """Load with DALI and decode with the GPU, as (DL)² does under this name.

    Parameters
    ----------
    folder : ImageFolder
        What is loaded.
    settings : PhotoSettings
        How it is loaded; ``device`` names the GPU, and ``workers`` are threads.

    Returns
    -------
    PhotoLoader

    Raises
    ------
    WorkloadError
        No GPU is to be had, or none is asked for.
    MissingPackageError
        DALI is not installed.
    UnfitSizeError
        A cache is asked for.
    """
    if torch.device(settings.device).type != "cuda" or not torch.cuda.is_available():
        raise WorkloadError(
            f'The strategy "dali_gpu" cannot deliver to the device "{settings.device}" of this machine.',
            "It decodes with an NVIDIA GPU and leaves the images there.",
            'See "nvidia-smi" for the GPUs and set the device to "cuda", or choose "dali_cpu".',
        )
    return DaliPhotos(folder, settings, "mixed")
