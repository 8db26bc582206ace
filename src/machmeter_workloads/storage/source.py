"""Where bytes come from: one way to read a file for every strategy, as fast as allowed."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING, Protocol

import numpy as np

from machmeter_workloads.errors import DamagedFileError, MissingDataError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    Memory = memoryview | bytearray | NDArray[Any]

# A pipe in a data folder would otherwise be waited for, for ever.
FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


def as_bytes(memory: Memory) -> memoryview:
    """See contiguous memory as bytes, without a copy.

    Parameters
    ----------
    memory : memoryview, bytearray or ndarray
        Of any type.

    Returns
    -------
    memoryview
        Writable if the memory is.
    """
    return (memory.data if isinstance(memory, np.ndarray) else memoryview(memory)).cast("B")


class Pace(Protocol):
    """Says when so many bytes may be read."""

    def charge(self, count: int) -> None:
        """Wait until ``count`` bytes may be read."""


class OpenFile:
    """A file that is open for reading; made by ``Source.open``.

    Parameters
    ----------
    path : Path
        Its name, for errors.
    descriptor : int
        Stays the caller's.
    pace : Pace, optional
        Asked before each read.

    Attributes
    ----------
    path, descriptor
        As given.
    size : int
        Bytes.

    Raises
    ------
    UnreadableError
        It is a folder, a pipe or a device.
    """

    def __init__(self, path: Path, descriptor: int, pace: Pace | None) -> None:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableError.of(path, OSError(errno.EINVAL, "it is no regular file"))
        self.path = path
        self.size = found.st_size
        self.descriptor = descriptor
        self._pace = pace

    def read_into(self, buffer: Memory, offset: int = 0) -> None:
        """Fill a buffer.

        Parameters
        ----------
        buffer : writable, contiguous buffer
            A memoryview or an ndarray of any type, filled to the end.
        offset : int
            Where to begin, bytes.

        Raises
        ------
        DamagedFileError
            The file ends too early.
        UnreadableError
            The storage failed.
        """
        content = as_bytes(buffer)
        if self._pace is not None:
            self._pace.charge(len(content))
        try:
            done = _fill(self.descriptor, content, offset)
        except OSError as error:
            raise UnreadableError.of(self.path, error) from error
        if done < len(content):
            raise DamagedFileError.of(
                self.path, f"it ends after {offset + done} of {offset + len(content)} bytes"
            )

    def read(self, count: int, offset: int = 0, spare: memoryview | None = None) -> memoryview:
        """Read some bytes.

        Parameters
        ----------
        count : int
            Bytes; a file that ends before is refused before anything is allocated.
        offset : int
            Where to begin, bytes.
        spare : memoryview, optional
            Memory to use again if it is large enough.

        Returns
        -------
        memoryview
            Writable bytes, ``spare[:count]`` or new ones.

        Raises
        ------
        DamagedFileError
            The file ends too early.
        UnreadableError
            The storage failed.
        """
        if offset + count > self.size:
            raise DamagedFileError.of(self.path, f"it ends after {self.size} of {offset + count} bytes")
        if spare is None or len(spare) < count:
            # Not a bytearray: that writes zeros over the whole length first.
            spare = np.empty(count, np.uint8).data
        content = spare[:count]
        self.read_into(content, offset)
        return content


class Source:
    """Reads whole files, or parts of them.

    Parameters
    ----------
    pace : Pace, optional
        Asked before each read; unlimited if it is not given.
    """

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace

    @contextlib.contextmanager
    def open(self, path: Path) -> Iterator[OpenFile]:
        """Open a file, to read parts of it.

        Parameters
        ----------
        path : Path
            The file.

        Yields
        ------
        OpenFile
            Closed afterwards.

        Raises
        ------
        MissingDataError, UnreadableError
            It is not there, or may not be read.
        """
        try:
            descriptor = os.open(path, FLAGS)
        except FileNotFoundError as error:
            raise MissingDataError.of(path) from error
        except OSError as error:
            raise UnreadableError.of(path, error) from error
        try:
            yield OpenFile(path, descriptor, self._pace)
        finally:
            os.close(descriptor)

    def read(self, path: Path, spare: memoryview | None = None) -> memoryview:
        """Read a whole file.

        Parameters
        ----------
        path : Path
            The file.
        spare : memoryview, optional
            Memory to use again if it is large enough: what an earlier call returned. Touching new memory
            costs more than reading a file that is in the page cache.

        Returns
        -------
        memoryview
            Writable bytes.

        Raises
        ------
        MissingDataError, UnreadableError
            It is not there, or may not be read.
        """
        with self.open(path) as file:
            return file.read(file.size, spare=spare)

    def read_into(self, path: Path, buffer: Memory, offset: int = 0) -> None:
        """Fill a buffer from a file.

        Parameters
        ----------
        path : Path
            The file.
        buffer : writable, contiguous buffer
            A memoryview or an ndarray of any type, filled to the end.
        offset : int
            Where to begin, bytes.

        Raises
        ------
        DamagedFileError
            The file ends too early.
        MissingDataError, UnreadableError
            It is not there, or may not be read.
        """
        with self.open(path) as file:
            file.read_into(buffer, offset)


#: As fast as the storage can.
UNLIMITED = Source()


def _fill(descriptor: int, buffer: memoryview, offset: int) -> int:
    done = 0
    while done < len(buffer):
        got = os.preadv(descriptor, [buffer[done:]], offset + done)
        if got == 0:
            break
        done += got
    return done
