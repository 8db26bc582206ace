"""One ``.npy`` file a cube and one a mask, which every library can map into memory."""

from __future__ import annotations

import math
import mmap
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.format import MAGIC_PREFIX

from machmeter_workloads.errors import DamagedFileError, MissingDataError, UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from machmeter_workloads.storage.peer_formats.series import HalfSeries

CUBES = "cubes"
MASKS = "masks"


def write_npy_files(folder: Path, series: HalfSeries) -> dict[str, object]:
    """Write a series as numpy does.

    Parameters
    ----------
    folder : Path
        Gets ``cubes/00000.npy`` (bands, H, W) float16 and ``masks/00000.npy`` (H, W) uint8, and so on.
    series : HalfSeries
        What is written.

    Returns
    -------
    dict
        Nothing: the files say everything themselves.
    """
    for name in (CUBES, MASKS):
        (folder / name).mkdir()
    for sample in series.samples:
        np.save(cube_file(folder, sample.index), np.ascontiguousarray(sample.cube))
        np.save(mask_file(folder, sample.index), np.ascontiguousarray(sample.mask))
    return {}


def cube_file(folder: Path, index: int) -> Path:
    """Give the file of one cube.

    Parameters
    ----------
    folder : Path
        Of the format.
    index : int
        From 0.

    Returns
    -------
    Path
    """
    return folder / CUBES / f"{index:05d}.npy"


def mask_file(folder: Path, index: int) -> Path:
    """Give the file of one mask.

    Parameters
    ----------
    folder : Path
        Of the format.
    index : int
        From 0.

    Returns
    -------
    Path
    """
    return folder / MASKS / f"{index:05d}.npy"


@dataclass(frozen=True)
class NpyLayout:
    """What the equal headers of a series of ``.npy`` files say, read once for all of them.

    Parsing a header takes Python longer than mapping the file does.

    Parameters
    ----------
    shape : tuple of int
        Of each array.
    dtype : dtype
        Of each array.
    offset : int
        Where the values begin, bytes.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    offset: int

    @classmethod
    def of(cls, path: Path) -> NpyLayout:
        """Read a file's header.

        Parameters
        ----------
        path : Path
            Any file of the series.

        Returns
        -------
        NpyLayout

        Raises
        ------
        DamagedFileError
            The file is cut off, or no ``.npy`` file.
        MissingDataError
            It is not there.
        """
        try:
            array = np.load(path, mmap_mode="c", allow_pickle=False)
        except FileNotFoundError as error:
            raise MissingDataError.of(path) from error
        except (ValueError, EOFError) as error:
            raise DamagedFileError.of(path, f"numpy cannot map it ({error})") from error
        return cls(array.shape, array.dtype, array.offset)

    def mapped(self, path: Path) -> NDArray[np.generic]:
        """Map an array into memory; the values are read where they are touched.

        Parameters
        ----------
        path : Path
            A file of the series.

        Returns
        -------
        ndarray
            Of this shape and dtype. Writing to it changes the caller's copy alone.

        Raises
        ------
        DamagedFileError
            The file has another length, or is no ``.npy`` file.
        MissingDataError, UnreadableError
            It is not there, or may not be read.
        """
        content = mapped_file(path)
        expected = self.offset + self.dtype.itemsize * math.prod(self.shape)
        if len(content) != expected or content[: len(MAGIC_PREFIX)] != MAGIC_PREFIX:
            raise DamagedFileError.of(
                path, f"it holds {len(content)} of {expected} bytes, or is no .npy file"
            )
        return np.ndarray(self.shape, self.dtype, content, self.offset)


def mapped_file(path: Path) -> mmap.mmap:
    """Map a file into memory.

    The mapping is private and writable, because torch knows no tensors that are protected: nobody writes.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    mmap
        Unmapped when the last view of it is gone.

    Raises
    ------
    DamagedFileError
        The file is empty.
    MissingDataError, UnreadableError
        It is not there, or may not be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise MissingDataError.of(path) from error
    except OSError as error:
        raise UnreadableError.of(path, error) from error
    except ValueError as error:
        raise DamagedFileError.of(path, "it is empty") from error
