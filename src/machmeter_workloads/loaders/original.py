"""The strategy "original": the camera's files, big-endian float32, uncompressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machmeter_workloads.loaders.samples import load_samples
from machmeter_workloads.storage.dat_file import read_dat

if TYPE_CHECKING:
    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Loader, LoaderSettings


def load_original(cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Load the camera's own files sample by sample, as HTC's benchmark does under this name.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; its format "original" must have been made.
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
    return load_samples(cubes, "original", read_dat, settings)
