"""Threads over HTC's own files: the strategies "threads_original", "threads_blosc" and "threads_fp16"."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from machmeter_workloads.loaders.blosc_blocks import BlockReader
from machmeter_workloads.loaders.decoders import PIECE_BYTES, ArrayDecoder
from machmeter_workloads.loaders.thread_loader import ThreadLoader, ThreadStrategy
from machmeter_workloads.storage.dat_file import read_dat
from machmeter_workloads.storage.widening import flat, widen

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.blosc_blocks import BloscBlocks
    from machmeter_workloads.loaders.contract import Loader, LoaderSettings
    from machmeter_workloads.loaders.cube_files import CubeFiles
    from machmeter_workloads.loaders.decoders import Window
    from machmeter_workloads.loaders.scratch import Scratch

# What goes straight into a slot need not stay in a cache; this bounds the compressed bytes of a thread.
DIRECT_BYTES = 4 * PIECE_BYTES


class BlocksDecoder:
    """Decompresses Blosc files a few blocks at a time: float32 straight into the slot, float16 widened.

    Parameters
    ----------
    files : CubeFiles
        Source and size.
    dtype : numpy.dtype
        float32 or float16.
    """

    channels_last = True

    def __init__(self, files: CubeFiles, dtype: np.dtype[Any]) -> None:
        bands, *area = files.whole
        self._shape = (*area, bands)
        self._cropped = files.delivered != files.whole
        self._dtype = dtype
        self._source = files.source
        self._reader = BlockReader(self._shape, dtype)

    def fill(self, path: Path, target: NDArray[np.float32], window: Window, scratch: Scratch) -> None:
        """Fill as ``Decoder.fill`` says."""
        with self._source.open(path) as file:
            blocks = self._reader.look(file, scratch)
            if self._cropped:
                torch.from_numpy(target).copy_(self._pixels(blocks, window, scratch))
            elif self._dtype == target.dtype:
                _decode(blocks, target.reshape(-1).view(np.uint8).data, 0, scratch)
            else:
                _decode_and_widen(blocks, target, scratch)

    def _pixels(self, blocks: BloscBlocks, window: Window, scratch: Scratch) -> torch.Tensor:
        """Decompress the blocks that hold a window's rows, and give the window."""
        (rows, columns), (_, *line) = window, self._shape
        line_bytes = int(np.prod(line)) * self._dtype.itemsize
        first, last = rows.start * line_bytes, rows.stop * line_bytes
        begin, end = blocks.cover(first, last)
        memory = scratch.bytes("lines", end - begin)
        _decode(blocks, memory, begin, scratch)
        pixels = np.frombuffer(memory[first - begin : last - begin], self._dtype).reshape(-1, *line)
        return torch.from_numpy(pixels[:, columns])


def _decode(blocks: BloscBlocks, memory: memoryview, begin: int, scratch: Scratch) -> None:
    for start, stop in blocks.runs(DIRECT_BYTES, begin, begin + len(memory)):
        blocks.decode(start, memory[start - begin : stop - begin], scratch)


def _decode_and_widen(blocks: BloscBlocks, target: NDArray[np.float32], scratch: Scratch) -> None:
    row, itemsize = flat(target), np.dtype(np.float16).itemsize
    for start, stop in blocks.runs(PIECE_BYTES, 0, blocks.total_bytes):
        values = scratch.array("values", (stop - start) // itemsize, np.float16)
        blocks.decode(start, values.view(np.uint8).data, scratch)
        widen(row[start // itemsize : stop // itemsize], values)


THREADS_ORIGINAL = ThreadStrategy("original", partial(ArrayDecoder, read=read_dat))
THREADS_BLOSC = ThreadStrategy("blosc", partial(BlocksDecoder, dtype=np.dtype(np.float32)))
THREADS_FP16 = ThreadStrategy("fp16", partial(BlocksDecoder, dtype=np.dtype(np.float16)))


def load_threads_original(cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Load the camera's own files with threads.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; its format "original" must have been made.
    settings : LoaderSettings
        How it is loaded; ``workers`` are threads.

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
    return ThreadLoader(cubes, THREADS_ORIGINAL, settings)


def load_threads_blosc(cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Decompress float32 files with threads, straight into the batch that is delivered: nothing is copied.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; its format "blosc" must have been made.
    settings : LoaderSettings
        How it is loaded; ``workers`` are threads.

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
    return ThreadLoader(cubes, THREADS_BLOSC, settings)


def load_threads_fp16(cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Decompress float16 files with threads, and widen each piece into the batch while it is in the cache.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; its format "fp16" must have been made.
    settings : LoaderSettings
        How it is loaded; ``workers`` are threads.

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
    return ThreadLoader(cubes, THREADS_FP16, settings)
