"""Tar shards as webdataset reads them: the raw float16 cube and the raw mask of a sample side by side."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from machmeter_workloads.storage.peer_formats.series import HalfSample, HalfSeries

CUBE = "cube.f16"
MASK = "mask.u8"
# webdataset's documentation advises shards of about a gigabyte; but every worker needs several of its own.
SHARD_BYTES = 2**30
FEWEST_SHARDS = 16


def samples_per_shard(count: int, sample_bytes: int) -> int:
    """Decide how many samples a shard holds; the last one may hold fewer.

    Parameters
    ----------
    count : int
        Samples in the series.
    sample_bytes : int
        Of each, bytes.

    Returns
    -------
    int
        At least one.
    """
    return max(1, min(count // FEWEST_SHARDS, SHARD_BYTES // sample_bytes))


def write_tar_shards(folder: Path, series: HalfSeries) -> dict[str, int]:
    """Write a series into shards.

    The values lie in the archive as they lie in memory, so that reading one is a view and nothing is parsed.
    Every entry has the same owner and date: the same series gives the same bytes.

    Parameters
    ----------
    folder : Path
        Gets ``00000.tar`` and so on.
    series : HalfSeries
        What is written.

    Returns
    -------
    dict
        ``shards``, and ``samples_per_shard``.
    """
    pixels = series.height * series.width
    size = samples_per_shard(series.count, pixels * (2 * series.bands + 1))
    samples = iter(series.samples)
    starts = range(0, series.count, size)
    for number, start in enumerate(starts):
        with tarfile.open(folder / f"{number:05d}.tar", "w", format=tarfile.USTAR_FORMAT) as archive:
            for _ in range(min(size, series.count - start)):
                _add(archive, next(samples))
    return {"shards": len(starts), "samples_per_shard": size}


def _add(archive: tarfile.TarFile, sample: HalfSample) -> None:
    for name, content in _members(sample):
        member = tarfile.TarInfo(f"{sample.index:05d}.{name}")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))


def _members(sample: HalfSample) -> Iterator[tuple[str, bytes]]:
    yield CUBE, sample.cube.tobytes()
    yield MASK, sample.mask.tobytes()
