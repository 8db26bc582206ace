"""Every loading strategy by its name."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from machmeter_workloads.errors import UnknownNameError
from machmeter_workloads.loaders.blosc import load_blosc
from machmeter_workloads.loaders.fp16 import load_fp16
from machmeter_workloads.loaders.original import load_original

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Loader, LoaderFactory, LoaderSettings

STRATEGIES: Mapping[str, LoaderFactory] = MappingProxyType(
    {
        "original": load_original,
        "blosc": load_blosc,
        "fp16": load_fp16,
    }
)


def open_loader(strategy: str, cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Open a loader.

    Parameters
    ----------
    strategy : str
        One of ``STRATEGIES``.
    cubes : CubeSet
        What is loaded.
    settings : LoaderSettings
        How it is loaded.

    Returns
    -------
    Loader
        To be closed by the caller.

    Raises
    ------
    UnknownNameError
        There is no such strategy; lists those there are.
    MissingDataError
        A file of the series is not there.
    """
    if strategy not in STRATEGIES:
        raise UnknownNameError.of("loading strategy", strategy, STRATEGIES)
    return STRATEGIES[strategy](cubes, settings)
