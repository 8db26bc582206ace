"""The files of a series as a loader's settings ask for them: paced, cut and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from machmeter_workloads.loaders.augmentation import draw_window
from machmeter_workloads.storage.blosc_file import read_blosc
from machmeter_workloads.storage.header import require_shape
from machmeter_workloads.storage.pacing import TokenBucket
from machmeter_workloads.storage.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import LoaderSettings

    #: Gives a cube, ndarray, shape (H, W, bands), float16 or float32.
    ReadCube = Callable[[Path, Source], NDArray[Any]]


def open_source(settings: LoaderSettings) -> Source:
    """Give the source that a loader and all its workers read from, as fast as the settings allow.

    Parameters
    ----------
    settings : LoaderSettings
        Its ``bytes_per_s`` counts.

    Returns
    -------
    Source
        To be made before workers are forked: they share its pace.
    """
    if settings.bytes_per_s is None:
        return Source()
    return Source(TokenBucket(settings.bytes_per_s))


class CubeFiles:
    """Cubes and masks on disk, of which a loader may want a window.

    Parameters
    ----------
    cubes : CubeSet
        Where the files lie.
    format_name : str
        Which of its formats is read.
    settings : LoaderSettings
        Seed, crop and pace.

    Attributes
    ----------
    source : Source
        Where bytes come from.

    Raises
    ------
    MissingDataError
        A file of the series is not there.
    UnfitSizeError
        The crop does not fit into the cubes.
    """

    def __init__(self, cubes: CubeSet, format_name: str, settings: LoaderSettings) -> None:
        cubes.require(format_name)
        self._cubes = cubes
        self._format_name = format_name
        self._settings = settings
        self._area = (cubes.spec.height, cubes.spec.width)
        self.source = open_source(settings)
        # Says now, and not in the middle of an epoch, that a crop does not fit.
        self.window(0, 0)

    @property
    def whole(self) -> tuple[int, int, int]:
        """Bands, height and width of a cube in its file."""
        return (self._cubes.spec.bands, *self._area)

    @property
    def delivered(self) -> tuple[int, int, int]:
        """Bands, height and width of what is delivered."""
        return (self._cubes.spec.bands, *(self._settings.crop or self._area))

    def path(self, index: int) -> Path:
        """Give the file of a cube.

        Parameters
        ----------
        index : int
            Which cube.

        Returns
        -------
        Path
        """
        return self._cubes.cube_path(self._format_name, index)

    def window(self, epoch: int, index: int) -> tuple[slice, slice]:
        """Say which rows and columns are delivered.

        Parameters
        ----------
        epoch, index : int
            They and the seed decide.

        Returns
        -------
        rows, columns : slice
        """
        crop = self._settings.crop
        if crop is None:
            return slice(None), slice(None)
        top, left = draw_window(self._settings.seed, epoch, index, self._area, crop)
        return slice(top, top + crop[0]), slice(left, left + crop[1])

    def cube(self, read: ReadCube, epoch: int, index: int) -> NDArray[Any]:
        """Read a cube.

        Parameters
        ----------
        read : callable
            Takes a path and the source, gives the whole cube, ndarray, shape (H, W, bands).
        epoch : int
            Decides the window.
        index : int
            Which cube.

        Returns
        -------
        ndarray, shape (h, w, bands), float16 or float32

        Raises
        ------
        DamagedFileError, MissingDataError, UnreadableError
            Names the file.
        """
        path = self.path(index)
        cube = read(path, self.source)
        require_shape(path, cube.shape, (*self._area, self._cubes.spec.bands))
        return cube[self.window(epoch, index)]

    def mask(self, epoch: int, index: int) -> NDArray[np.generic]:
        """Read a mask.

        Parameters
        ----------
        epoch : int
            Decides the window.
        index : int
            Which cube's mask.

        Returns
        -------
        ndarray, shape (h, w), uint8

        Raises
        ------
        DamagedFileError, MissingDataError, UnreadableError
            Names the file.
        """
        path = self._cubes.mask_path(index)
        mask = read_blosc(path, self.source)
        require_shape(path, mask.shape, self._area)
        return mask[self.window(epoch, index)]
