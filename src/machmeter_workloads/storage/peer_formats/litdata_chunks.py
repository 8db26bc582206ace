"""The chunks that litdata's ``optimize`` writes, of float16 cubes and their masks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from pathlib import Path

    from machmeter_workloads.storage.peer_formats.series import HalfSeries

DATA = "data"
# What litdata's documentation recommends and takes by default, in its own spelling.
CHUNK_BYTES = "64MB"


def write_litdata_chunks(folder: Path, series: HalfSeries) -> dict[str, object]:
    """Write a series with litdata's own writer, in this process.

    The values are written as tensors: litdata reads these as views of the mapped chunk, and copies arrays.

    Parameters
    ----------
    folder : Path
        Gets ``data`` with the chunks and ``index.json``.
    series : HalfSeries
        What is written.

    Returns
    -------
    dict
        ``chunk_bytes``.
    """
    from litdata.streaming import Cache  # noqa: PLC0415 - an optional package

    cache = Cache(str(folder / DATA), chunk_bytes=CHUNK_BYTES)
    for sample in series.samples:
        cache[sample.index] = {
            "index": sample.index,
            "cube": torch.from_numpy(sample.cube),
            "mask": torch.from_numpy(sample.mask),
        }
    cache.done()
    cache.merge()
    _without_time(folder / DATA / "index.json")
    return {"chunk_bytes": CHUNK_BYTES}


def _without_time(index: Path) -> None:
    # Nobody reads it, and the same series shall give the same bytes.
    content = json.loads(index.read_text(encoding="utf-8"))
    index.write_text(json.dumps(content | {"updated_at": "0"}, sort_keys=True), encoding="utf-8")
