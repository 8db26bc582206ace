"""Threads over uncompressed float16: the strategies "raw16", which reads, and "mapped", which does not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from machmeter_workloads.loaders.decoders import PIECE_BYTES
from machmeter_workloads.loaders.thread_loader import ThreadLoader, ThreadStrategy
from machmeter_workloads.storage.header import require_shape
from machmeter_workloads.storage.raw16_file import map_raw16, read_raw16_into, widen_raw16_into
from machmeter_workloads.storage.widening import as_tensor

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Loader, LoaderSettings
    from machmeter_workloads.loaders.cube_files import CubeFiles
    from machmeter_workloads.loaders.decoders import Window
    from machmeter_workloads.loaders.scratch import Scratch

PIECE_VALUES = PIECE_BYTES // 2


class RawDecoder:
    """Reads a piece, widens it into the slot while it is in the cache, and takes the next.

    Parameters
    ----------
    files : CubeFiles
        Source and size.
    """

    channels_last = False

    def __init__(self, files: CubeFiles) -> None:
        self._shape = files.whole
        self._cropped = files.delivered != files.whole
        self._source = files.source

    def fill(self, path: Path, target: NDArray[np.float32], window: Window, scratch: Scratch) -> None:
        """Fill as ``Decoder.fill`` says. A window costs as much reading as the whole cube."""
        if not self._cropped:
            widen_raw16_into(path, self._source, target, scratch.array("values", PIECE_VALUES, np.float16))
            return
        room = scratch.array("cube", math.prod(self._shape), np.float16)
        whole = read_raw16_into(path, self._source, room)
        require_shape(path, whole.shape, self._shape)
        torch.from_numpy(target).copy_(torch.from_numpy(whole[:, *window]))


class MappedDecoder:
    """Widens a file's pages straight from the page cache into the slot.

    Parameters
    ----------
    files : CubeFiles
        Size; no source is asked, for the kernel reads the pages that are touched.
    """

    channels_last = False

    def __init__(self, files: CubeFiles) -> None:
        self._shape = files.whole

    def fill(self, path: Path, target: NDArray[np.float32], window: Window, scratch: Scratch) -> None:
        """Fill as ``Decoder.fill`` says; ``scratch`` is not used. Values are not checked for damage."""
        del scratch
        # Not populated: that would hold the interpreter lock, and touching the pages here does not.
        values = map_raw16(path)
        require_shape(path, values.shape, self._shape)
        torch.from_numpy(target).copy_(as_tensor(values[:, *window]))


RAW16 = ThreadStrategy("raw16", RawDecoder)
MAPPED = ThreadStrategy("raw16", MappedDecoder)


def load_raw16(cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Read uncompressed float16 piece by piece with threads, and widen each piece into the batch.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; its format "raw16" must have been made.
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
    return ThreadLoader(cubes, RAW16, settings)


def load_mapped(cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Map uncompressed float16 into memory, and widen it with threads from the page cache into the batch.

    Where the storage is paced, the files are read as "raw16" does: nobody can count pages that come unasked.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; its format "raw16" must have been made.
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
    return ThreadLoader(cubes, MAPPED if settings.bytes_per_s is None else RAW16, settings)
