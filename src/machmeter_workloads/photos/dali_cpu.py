"""The strategy "dali_cpu": DALI's threads read, decode and resize on the processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machmeter_workloads.photos.dali_photos import DaliPhotos

if TYPE_CHECKING:
    from machmeter_workloads.photos.contract import PhotoLoader, PhotoSettings
    from machmeter_workloads.photos.image_folder import ImageFolder


def load_dali_cpu(folder: ImageFolder, settings: PhotoSettings) -> PhotoLoader:
    """Load with DALI and decode on the processor, as (DL)² does under this name.

    As there, a batch is normalised where it is delivered: on the GPU, or without one on the processor too.

    Parameters
    ----------
    folder : ImageFolder
        What is loaded.
    settings : PhotoSettings
        How it is loaded; ``workers`` are threads.

    Returns
    -------
    PhotoLoader

    Raises
    ------
    MissingPackageError
        DALI is not installed.
    UnfitSizeError
        A cache is asked for.
    """
    return DaliPhotos(folder, settings, "cpu")
