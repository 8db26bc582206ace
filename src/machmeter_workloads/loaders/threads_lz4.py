"""The strategy "threads_lz4": compressed float16 in chunks, widened chunk by chunk."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from machmeter_workloads.loaders.thread_loader import ThreadLoader, ThreadStrategy
from machmeter_workloads.storage.header import require_shape
from machmeter_workloads.storage.lz4_16_file import CHUNK_VALUES, stream_lz4_16

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Loader, LoaderSettings
    from machmeter_workloads.loaders.cube_files import CubeFiles
    from machmeter_workloads.loaders.decoders import Window
    from machmeter_workloads.loaders.scratch import Scratch

# A chunk of noise is a little longer than its values.
COMPRESSED_BYTES = CHUNK_VALUES * 2 + 4096


class Lz4Decoder:
    """Decompresses a chunk, widens it into the slot while it is in the cache, and takes the next.

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
        """Fill as ``Decoder.fill`` says. A window costs as much as the whole cube."""
        with stream_lz4_16(path, self._source, scratch.bytes("compressed", COMPRESSED_BYTES)) as chunks:
            if not self._cropped:
                chunks.decode_into(target, scratch.array("values", CHUNK_VALUES, np.float16))
                return
            require_shape(path, chunks.shape, self._shape)
            whole = scratch.array("cube", math.prod(self._shape), np.float16).reshape(self._shape)
            chunks.decode_half_into(whole)
        torch.from_numpy(target).copy_(torch.from_numpy(whole[:, *window]))


THREADS_LZ4 = ThreadStrategy("lz4_16", Lz4Decoder)


def load_threads_lz4(cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Decompress float16 chunk by chunk with threads, and widen each chunk into the batch.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; its format "lz4_16" must have been made.
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
    return ThreadLoader(cubes, THREADS_LZ4, settings)
