"""Every strategy for image folders by its name."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from machmeter_workloads.data.location import storage_root
from machmeter_workloads.errors import UnknownNameError
from machmeter_workloads.photos.dali_cpu import load_dali_cpu
from machmeter_workloads.photos.dali_gpu import load_dali_gpu
from machmeter_workloads.photos.image_folder import ImageFolder
from machmeter_workloads.photos.pytorch import load_pytorch
from machmeter_workloads.photos.synthetic import load_synthetic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from machmeter_workloads.photos.contract import PhotoLoader, PhotoLoaderFactory, PhotoSettings

PHOTO_STRATEGIES: Mapping[str, PhotoLoaderFactory] = MappingProxyType(
    {
        "pytorch": load_pytorch,
        "dali_cpu": load_dali_cpu,
        "dali_gpu": load_dali_gpu,
        "synthetic": load_synthetic,
    }
)


def open_photos(strategy: str, folder: Path | str, settings: PhotoSettings) -> PhotoLoader:
    """Open a loader of an image folder.

    Parameters
    ----------
    strategy : str
        One of ``PHOTO_STRATEGIES``.
    folder : Path or str
        Holds a subfolder of images for every class. If it is not absolute, it is looked for under the storage
        of the settings: ``PhotoSet.train`` is such a name.
    settings : PhotoSettings
        How it is loaded.

    Returns
    -------
    PhotoLoader
        To be closed by the caller.

    Raises
    ------
    UnknownNameError
        There is no such strategy or no such storage; lists those there are.
    MissingDataError
        The folder is not there, or a class has no images.
    UnreadableError
        A folder may not be listed.
    MissingPackageError
        The strategy needs a package that is not installed.
    """
    if strategy not in PHOTO_STRATEGIES:
        raise UnknownNameError.of("loading strategy for photographs", strategy, PHOTO_STRATEGIES)
    return PHOTO_STRATEGIES[strategy](ImageFolder.at(storage_root(settings.storage) / folder), settings)
