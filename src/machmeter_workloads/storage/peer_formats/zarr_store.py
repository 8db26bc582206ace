"""A Zarr 3 store of all cubes and masks, for zarr-python and for tensorstore."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from machmeter_workloads.storage.peer_formats.series import HalfSeries

CUBES = "cubes"
MASKS = "masks"
TILE = 64


def write_zarr_whole(folder: Path, series: HalfSeries) -> dict[str, int]:
    """Write a series with one chunk a cube, which is the layout for reading whole cubes.

    Nothing is compressed: from a warm page cache a decoder can only cost, and the chunk's bytes are then the
    values themselves.

    Parameters
    ----------
    folder : Path
        Gets the arrays ``cubes`` (N, bands, H, W) float16 and ``masks`` (N, H, W) uint8.
    series : HalfSeries
        What is written.

    Returns
    -------
    dict
        ``tile``: pixels a side of a chunk; 0 for the whole cube.
    """
    _write(folder, series, (series.height, series.width), None)
    return {"tile": 0}


def write_zarr_tiled(folder: Path, series: HalfSeries) -> dict[str, int]:
    """Write a series with one shard a cube and square tiles in it, which is the layout for reading windows.

    Parameters
    ----------
    folder : Path
        As for ``write_zarr_whole``.
    series : HalfSeries
        What is written.

    Returns
    -------
    dict
        ``tile``: pixels a side of a tile.
    """
    # A shard holds whole tiles, so the last row and column of them may reach over the cube's edge.
    shard = (math.ceil(series.height / TILE) * TILE, math.ceil(series.width / TILE) * TILE)
    _write(folder, series, (TILE, TILE), shard)
    return {"tile": TILE}


def _write(folder: Path, series: HalfSeries, chunk: tuple[int, int], shard: tuple[int, int] | None) -> None:
    size = (series.height, series.width)
    shards = shard and (1, series.bands, *shard)
    cubes = _new_array(
        folder / CUBES, "float16", (series.count, series.bands, *size), (1, series.bands, *chunk), shards
    )
    masks = _new_array(folder / MASKS, "uint8", (series.count, *size), (1, *chunk), shard and (1, *shard))
    for sample in series.samples:
        cubes[sample.index] = sample.cube
        masks[sample.index] = sample.mask


def _new_array(
    folder: Path, dtype: str, shape: tuple[int, ...], chunks: tuple[int, ...], shards: tuple[int, ...] | None
) -> Any:  # noqa: ANN401 - zarr's type
    import zarr  # noqa: PLC0415 - an optional package

    return zarr.create_array(
        folder,
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        shards=shards,
        compressors=None,
        filters=None,
        zarr_format=3,
        # A reader can then tell a chunk of zeros from one that was lost.
        config={"write_empty_chunks": True},
    )
