"""Kernels of storage: reading a file that is in the page cache, and one that is not."""

import contextlib
import ctypes
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from machmeter.probe.kernels.timing import Request, Step, UnavailableError

_CHUNK = 4 * 2**20
#: About 4 ms where the page cache gives 16 GB/s.
_WARM_SIZE = 64 * 2**20
#: A third of a second on a disk of 100 MB/s.
_COLD_SIZE = 32 * 2**20

#: A file counts as dropped from the page cache when no more than this share of its pages is left there.
_STILL_RESIDENT = 0.1


@contextmanager
def page_cache_read(request: Request) -> Iterator[Step]:
    """Read 64 MiB that were just written, in pieces of 4 MiB into the same buffer."""
    with _scratch(request.directory) as stream:
        _fill(stream, _WARM_SIZE, request.directory)
        read = _reader(stream.fileno(), _WARM_SIZE)
        yield Step(read, _WARM_SIZE / 1e9, filesystem(request.directory))


@contextmanager
def cold_read(request: Request) -> Iterator[Step]:
    """Read 32 MiB that are not in the page cache, in pieces of 4 MiB into the same buffer.

    They are dropped by ``fsync`` and ``posix_fadvise(POSIX_FADV_DONTNEED)``, which needs no root. It drops
    nothing on a file system that lives in memory (tmpfs, ramfs), and only this node's copy on a network file
    system or a virtual disk: the server or the host may still hold the bytes in its own memory.

    Raises
    ------
    UnavailableError
        If the file system keeps the file in memory.
    """
    with _scratch(request.directory) as stream:
        descriptor = stream.fileno()
        _fill(stream, _COLD_SIZE, request.directory)
        os.fsync(descriptor)
        _drop(descriptor)
        kind = filesystem(request.directory)
        if resident_share(descriptor, _COLD_SIZE) > _STILL_RESIDENT:
            raise UnavailableError(f"{request.directory} lies on {kind}, which keeps files in memory")
        yield Step(_reader(descriptor, _COLD_SIZE), _COLD_SIZE / 1e9, kind, before=lambda: _drop(descriptor))


def _reader(descriptor: int, size: int) -> Callable[[], None]:
    """Make a function that reads a file from its beginning to its end."""
    buffer = memoryview(bytearray(_CHUNK))

    def read() -> None:
        for offset in range(0, size, _CHUNK):
            os.preadv(descriptor, [buffer], offset)

    return read


def _drop(descriptor: int) -> None:
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


@contextmanager
def _scratch(directory: str) -> Iterator[BinaryIO]:
    """Open a file without a name: whatever ends this process, nothing is left behind."""
    with contextlib.ExitStack() as stack:
        try:
            stream = stack.enter_context(tempfile.TemporaryFile(dir=directory, buffering=0))
        except OSError as error:
            reason = error.strerror or str(error)
            raise UnavailableError(f"cannot make a scratch file in {directory}: {reason}") from error
        yield stream


def _fill(stream: BinaryIO, size: int, directory: str) -> None:
    # Random bytes: some file systems compress, or store equal blocks and runs of zeros once.
    try:
        for _ in range(0, size, _CHUNK):
            left = memoryview(os.urandom(_CHUNK))
            while left:
                left = left[stream.write(left) :]
    except OSError as error:
        reason = f"cannot write {size >> 20} MiB in {directory}: {error.strerror or error}"
        raise UnavailableError(reason) from error


def resident_share(descriptor: int, size: int) -> float:
    """Tell which share of a file's pages is in the page cache, by mincore(2).

    Parameters
    ----------
    descriptor : int
        Of a file that this user owns and has opened for writing: the kernel answers nobody else.
    size : int, bytes
        Above zero.

    Raises
    ------
    OSError
        If the kernel does not answer.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    states = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
    with mmap.mmap(descriptor, size, flags=mmap.MAP_PRIVATE) as mapped:
        start = ctypes.c_char.from_buffer(mapped)
        address = ctypes.c_void_p(ctypes.addressof(start))
        failed = libc.mincore(address, ctypes.c_size_t(size), states)
        # A map with a pointer into it cannot be closed.
        del start
    if failed:
        raise OSError(ctypes.get_errno(), "mincore")
    return sum(state & 1 for state in states) / len(states)


def filesystem(directory: str, mountinfo: str = "/proc/self/mountinfo") -> str:
    """Name the type of the file system that a directory lies on, "unknown" if it cannot be told; proc(5)."""
    path, found = os.path.realpath(directory), ("", "unknown")
    with contextlib.suppress(OSError), open(mountinfo, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            head, _, tail = line.partition(" - ")
            point = head.split(" ")[4].replace("\\040", " ")
            inside = path == point or path.startswith(point.rstrip("/") + "/")
            # A later mount on the same point hides the earlier one.
            if inside and len(point) >= len(found[0]):
                found = (point, tail.split(" ")[0])
    return found[1]
