"""How a thread turns the file of a cube into a slot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from machmeter_workloads.loaders.blosc_blocks import BlockReader
from machmeter_workloads.loaders.cube_files import CubeFiles
from machmeter_workloads.storage.header import require_shape
from machmeter_workloads.storage.widening import as_tensor

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from machmeter_workloads.loaders.cube_files import ReadCube
    from machmeter_workloads.loaders.scratch import Scratch

    #: Rows and columns.
    Window = tuple[slice, slice]

# What is decoded at once: small enough to be still in a second-level cache when it is widened, and so large
# that what Python does around it, some ten microseconds, does not count.
PIECE_BYTES = 1 << 20


class Decoder(Protocol):
    """Fills cubes of one format into slots; many threads use the same one.

    Attributes
    ----------
    channels_last : bool
        Whether it fills in the order (H, W, bands), else (bands, H, W): that of the files, so that nobody
        transposes.
    """

    @property
    def channels_last(self) -> bool:
        """As above."""

    def fill(self, path: Path, target: NDArray[np.float32], window: Window, scratch: Scratch) -> None:
        """Fill a cube, or a window of it, into a slot.

        Parameters
        ----------
        path : Path
            Its file.
        target : ndarray, shape (h, w, bands) or (bands, h, w), float32
            Contiguous; nobody else touches it.
        window : tuple of slice
            Rows and columns; both ``slice(None)`` for the whole cube.
        scratch : Scratch
            Of the thread.

        Raises
        ------
        DamagedFileError, MissingDataError, UnreadableError
            Names the file.
        """


#: Makes a decoder for the files of a series.
MakeDecoder = Callable[[CubeFiles], Decoder]


class ArrayDecoder:
    """Any format: the file becomes an array, and that is copied. Slower than what is made for a format.

    Parameters
    ----------
    files : CubeFiles
        Source and size.
    read : callable
        Takes a path and a source, gives the whole cube, ndarray, shape (H, W, bands).
    """

    channels_last = True

    def __init__(self, files: CubeFiles, read: ReadCube) -> None:
        bands, *area = files.whole
        self._shape = (*area, bands)
        self._source = files.source
        self._read = read

    def fill(self, path: Path, target: NDArray[np.float32], window: Window, scratch: Scratch) -> None:
        """Fill as ``Decoder.fill`` says; ``scratch`` is not used."""
        del scratch
        cube = self._read(path, self._source)
        require_shape(path, cube.shape, self._shape)
        torch.from_numpy(target).copy_(as_tensor(cube[window]))


class MaskDecoder:
    """The masks beside the cubes: Blosc files of uint8, delivered as int64.

    Parameters
    ----------
    files : CubeFiles
        Source and size.
    """

    def __init__(self, files: CubeFiles) -> None:
        _, *self._area = files.whole
        self._source = files.source
        self._reader = BlockReader(tuple(self._area), np.dtype(np.uint8))

    def fill(self, path: Path, target: torch.Tensor, window: Window, scratch: Scratch) -> None:
        """Fill a mask, or a window of it, into a slot.

        Parameters
        ----------
        path : Path
            Its file.
        target : Tensor, shape (h, w), int64
            Nobody else touches it.
        window : tuple of slice
            Rows and columns.
        scratch : Scratch
            Of the thread.

        Raises
        ------
        DamagedFileError, MissingDataError, UnreadableError
            Names the file.
        """
        with self._source.open(path) as file:
            blocks = self._reader.look(file, scratch)
            labels = scratch.array("mask", blocks.total_bytes, np.uint8)
            blocks.decode(0, labels.data, scratch)
        target.copy_(torch.from_numpy(labels.reshape(self._area)[window]))
