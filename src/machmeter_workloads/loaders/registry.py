"""Every loading strategy by its name."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from machmeter_workloads.errors import UnknownNameError
from machmeter_workloads.loaders.blosc import load_blosc
from machmeter_workloads.loaders.fp16 import load_fp16
from machmeter_workloads.loaders.gpu_aug import load_gpu_aug
from machmeter_workloads.loaders.mapped import load_mapped, load_raw16
from machmeter_workloads.loaders.original import load_original
from machmeter_workloads.loaders.planner.auto import load_auto
from machmeter_workloads.loaders.ring_buffer import load_ring_buffer
from machmeter_workloads.loaders.threads_htc import (
    load_threads_blosc,
    load_threads_fp16,
    load_threads_original,
)
from machmeter_workloads.loaders.threads_lz4 import load_threads_lz4
from machmeter_workloads.loaders.windows import load_windows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Loader, LoaderFactory, LoaderSettings

#: HTC's five under their own names.
HTC: Mapping[str, LoaderFactory] = MappingProxyType(
    {
        "original": load_original,
        "blosc": load_blosc,
        "fp16": load_fp16,
        "gpu_aug": load_gpu_aug,
        "ring_buffer": load_ring_buffer,
    }
)

#: What the machine could do: threads, which share memory, over HTC's files and over files made for them.
OURS: Mapping[str, LoaderFactory] = MappingProxyType(
    {
        "threads_original": load_threads_original,
        "threads_blosc": load_threads_blosc,
        "threads_fp16": load_threads_fp16,
        "threads_lz4": load_threads_lz4,
        "raw16": load_raw16,
        "mapped": load_mapped,
        "windows": load_windows,
        "auto": load_auto,
    }
)

STRATEGIES: Mapping[str, LoaderFactory] = MappingProxyType({**HTC, **OURS})


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
