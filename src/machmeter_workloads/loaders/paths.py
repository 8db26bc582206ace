"""What a cube needs at least on its way from the file into a batch, whatever strategy takes it there."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from machmeter_workloads.errors import UnknownNameError
from machmeter_workloads.storage.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Loader, LoaderSettings

# Limits by the names under which "machmeter limits" measures them.
READ = "page_cache_read"
COLD = "cold_read"
ZSTD_FULL = "decode_zstd9_f32"
ZSTD_HALF = "decode_zstd9_f16"
# Measured with bytes shuffled, where the files have their bits shuffled.
LZ4_HALF = "decode_lz4_f16"
WIDEN = "widen_f16_f32_torch"
COPY = "memcpy"
TO_DEVICE = "host_to_device"
# Nobody measures this one: the settings set it, and its amount is in seconds.
PACE = "pace"

SIZED_AT_MOST = 100


@dataclass(frozen=True)
class Route:
    """How a strategy takes a cube from its file into a batch.

    Parameters
    ----------
    format_name : str
        What it reads.
    decode : str, optional
        The limit of the file's codec; none where the values lie there as they are.
    reads : bool
        Whether the file's bytes are copied out of the page cache first; those of a map are not.
    copies : bool
        Whether what was decoded lies elsewhere than in the batch, and must be copied there as it is.
    half_crosses : bool
        Whether a device gets float16 and widens it there, where it costs no processor.
    """

    format_name: str
    decode: str | None = None
    reads: bool = True
    copies: bool = False
    half_crosses: bool = False


# An "at least" for every strategy that is named so: widening from an array into the batch is one pass, and so
# is decoding into the slot. The planner's "auto" takes the route of what it chose.
ROUTES: Mapping[str, Route] = MappingProxyType(
    {
        "original": Route("original", copies=True),
        "blosc": Route("blosc", ZSTD_FULL, copies=True),
        "fp16": Route("fp16", ZSTD_HALF),
        "gpu_aug": Route("fp16", ZSTD_HALF, copies=True, half_crosses=True),
        "ring_buffer": Route("fp16", ZSTD_HALF, half_crosses=True),
        "threads_original": Route("original", copies=True),
        "threads_blosc": Route("blosc", ZSTD_FULL),
        "threads_fp16": Route("fp16", ZSTD_HALF),
        "threads_lz4": Route("lz4_16", LZ4_HALF),
        "raw16": Route("raw16"),
        "mapped": Route("raw16", reads=False),
        "windows": Route("b2nd", LZ4_HALF),
    }
)


def path_of(
    strategy: str, cubes: CubeSet, settings: LoaderSettings, *, cold: bool = False
) -> dict[str, float]:
    """Say what a cube needs at least from each limit of a node.

    Parameters
    ----------
    strategy : str
        One of ``ROUTES``.
    cubes : CubeSet
        Its format must have been made; the sizes are those of its files.
    settings : LoaderSettings
        Crop, device and pace count. A crop has no path: what must be decoded for a window depends on where
        it lies.
    cold : bool
        Whether the files are out of the page cache.

    Returns
    -------
    dict of str to float
        Bytes a cube by limit, seconds a cube for ``pace``; every amount above zero.

    Raises
    ------
    MissingDataError
        The format was not made.
    UnknownNameError
        There is no such strategy.
    """
    if strategy not in ROUTES:
        raise UnknownNameError.of("loading strategy with a path", strategy, ROUTES)
    if settings.crop is not None or not cubes.count:
        return {}
    route = ROUTES[strategy]
    cubes.require(route.format_name)
    file_bytes = _file_bytes(cubes, route.format_name)
    found = _from_the_storage(file_bytes, settings, cold=cold)
    # Where the storage is paced, "mapped" reads, too.
    if route.reads or settings.bytes_per_s is not None:
        found[READ] = file_bytes
    return found | _into_the_batch(route, cubes, to_device=settings.device != "cpu")


def peer_path(cubes: CubeSet) -> dict[str, float]:
    """Say what a cube needs at least with another project's loader, from uncompressed float16.

    Most of them map their files; all of them widen.

    Parameters
    ----------
    cubes : CubeSet
        For the number of values.

    Returns
    -------
    dict of str to float
        As of ``path_of``.
    """
    return {WIDEN: _values(cubes) * np.dtype(np.float32).itemsize}


def chosen_strategy(strategy: str, loader: Loader) -> str:
    """Name the strategy that a loader takes: that of the plan where there is one, else the given one.

    Parameters
    ----------
    strategy : str
        The name under which it was opened.
    loader : Loader
        Open.

    Returns
    -------
    str
    """
    plan = getattr(loader, "plan", None)
    return strategy if plan is None else str(plan.chosen.strategy)


def _from_the_storage(file_bytes: float, settings: LoaderSettings, *, cold: bool) -> dict[str, float]:
    found: dict[str, float] = {}
    if settings.bytes_per_s is not None:
        found[PACE] = file_bytes / settings.bytes_per_s
    if cold:
        found[COLD] = file_bytes
    return found


def _into_the_batch(route: Route, cubes: CubeSet, *, to_device: bool) -> dict[str, float]:
    stored_dtype, delivered_dtype = FORMATS[route.format_name].dtype, np.dtype(np.float32)
    stored, delivered = (_values(cubes) * each.itemsize for each in (stored_dtype, delivered_dtype))
    found: dict[str, float] = {}
    if route.decode is not None:
        found[route.decode] = stored
    if route.copies:
        found[COPY] = stored
    widens_here = not (to_device and route.half_crosses)
    if stored_dtype != delivered_dtype and widens_here:
        found[WIDEN] = delivered
    if to_device:
        found[TO_DEVICE] = delivered if widens_here else stored
    return found


def _values(cubes: CubeSet) -> float:
    return float(cubes.spec.height * cubes.spec.width * cubes.spec.bands)


def _file_bytes(cubes: CubeSet, format_name: str) -> float:
    """Mean bytes of a cube's file and its mask's; of a long series, a hundred that are spread evenly."""
    indices = range(0, cubes.count, -(-cubes.count // SIZED_AT_MOST))
    sizes = [
        path.stat().st_size
        for index in indices
        for path in (cubes.cube_path(format_name, index), cubes.mask_path(index))
    ]
    return sum(sizes) / len(indices)
