"""The strategy "blosc": compressed float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machmeter_workloads.loaders.samples import load_samples
from machmeter_workloads.storage.blosc_file import read_blosc

if TYPE_CHECKING:
    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Loader, LoaderSettings


def load_blosc(cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Load compressed float32 files sample by sample, as HTC's benchmark does under this name.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; its format "blosc" must have been made.
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
    return load_samples(cubes, "blosc", read_blosc, settings)
