"""The strategy "ring_buffer": workers decompress into shared memory that the GPU reads directly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from machmeter_workloads.loaders.ring_loader import RingLoader
from machmeter_workloads.loaders.slot_filler import RingStrategy
from machmeter_workloads.storage.blosc_file import open_blosc

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Loader, LoaderSettings
    from machmeter_workloads.loaders.cube_files import CubeFiles
    from machmeter_workloads.loaders.decoders import Window
    from machmeter_workloads.loaders.scratch import Scratch


class StoredDecoder:
    """Decompresses a Blosc file in one go into a slot of the file's own precision; a ``Decoder``.

    Parameters
    ----------
    files : CubeFiles
        Source and size.
    """

    channels_last = True

    def __init__(self, files: CubeFiles) -> None:
        bands, *area = files.whole
        self._shape = (*area, bands)
        self._source = files.source

    def fill(self, path: Path, target: NDArray[Any], window: Window, scratch: Scratch) -> None:
        """Fill as ``Decoder.fill`` says; a file of another precision than the slot's is refused."""
        with self._source.open(path) as file:
            content = file.read(file.size, spare=scratch.bytes("file", file.size))
        stored = open_blosc(content, path)
        if target.shape == self._shape:
            stored.decode_into(target)
            return
        whole = scratch.array("cube", math.prod(self._shape), target.dtype).reshape(self._shape)
        stored.decode_into(whole)
        np.copyto(target, whole[window])


STORED_FP16 = RingStrategy("fp16", StoredDecoder, torch.float16)


def load_ring_buffer(cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Load compressed float16 files through a ring of shared, and on a GPU pinned, batches.

    What HTC's benchmark does under this name, but for its faults: here a slot is filled again only after a
    message said that nobody uses it, a partial last batch takes a slot like any other, and the processor
    waits for the copy alone instead of all the GPU's work.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; its format "fp16" must have been made.
    settings : LoaderSettings
        How it is loaded.

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
    return RingLoader(cubes, STORED_FP16, settings)
