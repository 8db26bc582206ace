"""The strategy "windows": of a cropped cube, only the tiles that the window touches are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from machmeter_workloads.loaders.thread_loader import ThreadLoader, ThreadStrategy
from machmeter_workloads.storage.b2nd_file import TILE, Tiles
from machmeter_workloads.storage.header import require_shape

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Loader, LoaderSettings
    from machmeter_workloads.loaders.cube_files import CubeFiles
    from machmeter_workloads.loaders.decoders import Window
    from machmeter_workloads.loaders.scratch import Scratch


class TilesDecoder:
    """Decompresses the tiles of a window, and widens each into its place in the slot.

    Parameters
    ----------
    files : CubeFiles
        Source and size.
    """

    channels_last = False

    def __init__(self, files: CubeFiles) -> None:
        self._shape = files.whole
        self._source = files.source

    def fill(self, path: Path, target: NDArray[np.float32], window: Window, scratch: Scratch) -> None:
        """Fill as ``Decoder.fill`` says. The whole cube is a window like any other."""
        rows, columns = window
        values = scratch.array("values", self._shape[0] * TILE**2, np.float16)
        with self._source.open(path) as file:
            tiles = Tiles(file)
            require_shape(path, tiles.shape, self._shape)
            tiles.decode_into(target, rows.start or 0, columns.start or 0, values)


WINDOWS = ThreadStrategy("b2nd", TilesDecoder)


def load_windows(cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Read the window that each cube is cropped to with threads, and little beside it.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; its format "b2nd" must have been made.
    settings : LoaderSettings
        How it is loaded; ``workers`` are threads. Without a crop, whole cubes are read.

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
    return ThreadLoader(cubes, WINDOWS, settings)
