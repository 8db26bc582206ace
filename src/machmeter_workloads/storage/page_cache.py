"""What of a file is in memory already: asking, filling and emptying the kernel's page cache."""

from __future__ import annotations

import ctypes
import mmap
import os
from typing import TYPE_CHECKING

import numpy as np

from machmeter_workloads.errors import UnreadableError
from machmeter_workloads.storage.source import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

IN_MEMORY = 1
WARMING_BYTES = 1 << 20


def drop(paths: Iterable[Path]) -> None:
    """Make the next reading of these files come from the storage. Needs no privilege.

    What is not on the disk yet is written first: the kernel keeps pages that it still has to write, and pages
    that somebody has mapped. On a file system that lives in memory nothing happens; ``resident`` tells.

    Parameters
    ----------
    paths : iterable of Path
        Files.

    Raises
    ------
    MissingDataError, UnreadableError
        One is not there, or may not be read.
    """
    for path in paths:
        with UNLIMITED.open(path) as file:
            try:
                os.fsync(file.descriptor)
                os.posix_fadvise(file.descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            except OSError as error:
                raise UnreadableError.of(path, error) from error


def warm(paths: Iterable[Path]) -> None:
    """Read these files, so that the next reading of them finds them in memory.

    Parameters
    ----------
    paths : iterable of Path
        Files.

    Raises
    ------
    MissingDataError, UnreadableError
        One is not there, or cannot be read.
    """
    buffer = np.empty(WARMING_BYTES, np.uint8).data
    for path in paths:
        with UNLIMITED.open(path) as file:
            for start in range(0, file.size, WARMING_BYTES):
                file.read_into(buffer[: min(WARMING_BYTES, file.size - start)], start)


def resident(path: Path) -> float:
    """Tell how much of a file is in memory.

    The kernel tells the truth only to who may write the file or owns it; to others it says that all is there.

    Parameters
    ----------
    path : Path
        A file.

    Returns
    -------
    float
        Share of its pages, 0 to 1; 1 for an empty file.

    Raises
    ------
    MissingDataError, UnreadableError
        It is not there, or may not be read.
    """
    with UNLIMITED.open(path) as file:
        if file.size == 0:
            return 1.0
        try:
            with mmap.mmap(file.descriptor, file.size, access=mmap.ACCESS_READ) as pages:
                return _resident_share(pages)
        except OSError as error:
            raise UnreadableError.of(path, error) from error


def _resident_share(pages: mmap.mmap) -> float:
    marks = np.zeros(-(-len(pages) // mmap.PAGESIZE), np.uint8)
    view = np.frombuffer(pages, np.uint8)
    libc = ctypes.CDLL(None, use_errno=True)
    failed = libc.mincore(
        ctypes.c_void_p(view.ctypes.data), ctypes.c_size_t(len(pages)), ctypes.c_void_p(marks.ctypes.data)
    )
    # The map cannot be closed while an array looks at it.
    del view
    if failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return float((marks & IN_MEMORY).mean())
