"""What the storage gives, measured with files that are not in the page cache."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from machmeter_workloads.storage.source import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PIECE_BYTES = 1 << 20


class StorageRate(NamedTuple):
    """Bytes a second for one reading thread, and for all of them together."""

    one: float
    all: float


def measure_storage(paths: Sequence[Path], readers: int, seconds: float) -> StorageRate:
    """Read files for a while: a few with one thread, the rest with several.

    Parameters
    ----------
    paths : sequence of Path
        At least one; none of them in the page cache, where they are left.
    readers : int
        Threads of a loader.
    seconds : float
        For each of both.

    Returns
    -------
    StorageRate

    Raises
    ------
    MissingDataError, UnreadableError
        A file is not there, or may not be read.
    """
    first, rest = paths[: -(-len(paths) // (readers + 1))], paths[-(-len(paths) // (readers + 1)) :]
    one = _rate([first], seconds)
    shares = [share for share in (rest[number::readers] for number in range(readers)) if share]
    return StorageRate(one, max(one, _rate(shares, seconds)) if shares else one)


def _rate(shares: Sequence[Sequence[Path]], seconds: float) -> float:
    start = time.perf_counter()
    with ThreadPoolExecutor(len(shares)) as pool:
        count = sum(pool.map(partial(_read, until=start + seconds), shares))
    return count / (time.perf_counter() - start)


def _read(paths: Sequence[Path], until: float) -> int:
    """Count the bytes that could be read."""
    buffer, count = np.empty(PIECE_BYTES, np.uint8).data, 0
    for path in paths:
        with UNLIMITED.open(path) as file:
            for start in range(0, file.size, PIECE_BYTES):
                piece = buffer[: min(PIECE_BYTES, file.size - start)]
                file.read_into(piece, start)
                count += len(piece)
                if time.perf_counter() >= until:
                    return count
    return count
