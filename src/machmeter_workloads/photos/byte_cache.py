"""Files that worker processes share in memory once one of them has read them."""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from machmeter_workloads.errors import UnfitSizeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Of the state, in front of the table of files.
USED, HITS, MISSES, STATE = range(4)


@dataclass(frozen=True)
class CacheStatistics:
    """What a cache has done so far, over all processes.

    Parameters
    ----------
    hits, misses : int
        Files that were found, and files that had to be read.
    files : int
        Kept now.
    bytes : int
        Used by them.
    capacity : int
        Bytes in all.
    """

    hits: int
    misses: int
    files: int
    bytes: int
    capacity: int


class ByteCache:
    """Keeps files until it is full, and never drops one again.

    For epochs that visit every file once, in another order each time, this is the best there is: whichever
    file is dropped is as likely to be needed as any other, and dropping them thrashes. The idea is MinIO's
    (Mohan et al., Analyzing and Mitigating Data Stalls in DNN Training, VLDB 2021), which (DL)² uses.

    All processes forked after it was made share it. Everything that can change is read and written under a
    lock of the operating system, which frees it when a process is killed. A file is entered in the table when
    its bytes are complete, so that a reader never sees a part of it, and two that read the same file at the
    same time enter it once. The memory has no name: it goes with the last process that uses it.

    Parameters
    ----------
    count : int
        Files there are; they are known by their number.
    capacity : int
        Bytes for their contents.

    Raises
    ------
    UnfitSizeError
        The capacity is not positive.
    """

    def __init__(self, count: int, capacity: int) -> None:
        if capacity <= 0:
            raise UnfitSizeError(
                f"A cache of {capacity} bytes holds nothing.",
                "Its size is what decides how much is read from the disk.",
                "Give it a positive number of bytes, or 0 in PhotoSettings for no cache.",
            )
        self._capacity = capacity
        table = 8 * (STATE + 2 * count)
        self._file = os.memfd_create("photos", os.MFD_CLOEXEC)
        os.ftruncate(self._file, table + capacity)
        self._memory = mmap.mmap(self._file, table + capacity)
        numbers = np.frombuffer(self._memory, np.int64, STATE + 2 * count)
        self._state = numbers[:STATE]
        # Where each file begins in the arena, and its length plus one: 0 says that it is not there.
        self._places = numbers[STATE:].reshape(count, 2)
        self._arena = memoryview(self._memory)[table:]
        self._locks: dict[int, threading.Lock] = {}

    def read(self, index: int, load: Callable[[], bytes | bytearray]) -> bytes | bytearray:
        """Give a file's content, from memory if some process has read it before.

        Parameters
        ----------
        index : int
            Number of the file.
        load : callable
            Reads it. What it raises is passed on, and nothing is kept.

        Returns
        -------
        bytes or bytearray
            A copy, which belongs to the caller.
        """
        with self._locked():
            start, length = self._places[index].tolist()
            self._state[HITS if length else MISSES] += 1
        if length:
            # Without the lock: what was entered once never moves and never changes.
            return bytes(self._arena[start : start + length - 1])
        content = load()
        self._insert(index, content)
        return content

    def statistics(self) -> CacheStatistics:
        """Say what was found, missed and kept so far.

        Returns
        -------
        CacheStatistics
        """
        with self._locked():
            used, hits, misses = self._state.tolist()
            files = int(np.count_nonzero(self._places[:, 1]))
        return CacheStatistics(hits, misses, files, used, self._capacity)

    def close(self) -> None:
        """Give the memory back, as far as this process is concerned; may be called more than once."""
        if self._file < 0:
            return
        del self._state, self._places
        self._arena.release()
        self._memory.close()
        os.close(self._file)
        self._file = -1

    def _insert(self, index: int, content: bytes | bytearray) -> None:
        with self._locked():
            start = int(self._state[USED])
            end = start + len(content)
            if self._places[index, 1] or end > self._capacity:
                return
            # Whoever is killed on the way leaves at most a gap: never a file of which bytes are missing, and
            # never one whose bytes the next writer takes for free room.
            self._copy(start, content)
            self._state[USED] = end
            self._places[index, 0] = start
            self._places[index, 1] = len(content) + 1

    def _copy(self, start: int, content: bytes | bytearray) -> None:
        self._arena[start : start + len(content)] = content

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep out the other processes, and the other threads of this one, which share the system's lock."""
        # One a process: a thread that held it when this process was forked does not exist here, and would
        # never free it.
        with self._locks.setdefault(os.getpid(), threading.Lock()):
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)
