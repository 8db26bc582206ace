"""One compressed array a file: a pickled (shape, dtype) and one Blosc1 buffer."""

from __future__ import annotations

import contextlib
import math
import os
import pickle
from io import BytesIO
from typing import TYPE_CHECKING

import blosc2
import numpy as np

from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.storage.atomic import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

LEVEL = 9
BLOSC1_VERSION = 2
BLOSC1_HEADER_BYTES = 16
# Both shuffle bits at once are what Blosc2 calls an extended header, which Blosc1 cannot read.
EXTENDED_FLAGS = 0b101
DTYPES = frozenset(np.dtype(name) for name in ("uint8", "float16", "float32"))

Header = tuple[tuple[int, ...], "np.dtype[np.generic]"]


def write_blosc(path: Path, array: NDArray[np.generic]) -> None:
    """Write an array as HTC does: Zstandard, level 9, byte shuffle.

    Both python-blosc and blosc2 read the buffer. Compressing uses one thread: several would put the blocks
    into the file in the order in which they finish, and no two files would be equal.
    Source: ``compress_file`` in IMSY-DKFZ/htc, htc/utils/blosc_compression.py.

    Parameters
    ----------
    path : Path
        Usually ending in ``.blosc``.
    array : ndarray, uint8, float16 or float32
        Any shape that is not empty, less than 2 GiB.

    Raises
    ------
    UnwritableError
        The disk is full, or the folder may not be written.
    """
    header: Header = (array.shape, array.dtype)
    write_atomically(path, [pickle.dumps(header), _blosc1_buffer(np.ascontiguousarray(array))])


def read_blosc(path: Path) -> NDArray[np.generic]:
    """Read an array with one thread, so that the number of worker processes alone decides the parallelism.

    Parameters
    ----------
    path : Path
        Written by ``write_blosc``, or by HTC for a single array.

    Returns
    -------
    ndarray, uint8, float16 or float32
        Contiguous, with the shape in the file.

    Raises
    ------
    DamagedFileError
        The file is cut off, or holds something else.
    """
    content = memoryview(path.read_bytes())
    (shape, dtype), used = _read_header(path, content)
    buffer = content[used:]
    _check_buffer(path, buffer, math.prod(shape) * dtype.itemsize)
    array: NDArray[np.generic] = np.empty(shape, dtype)
    try:
        blosc2.decompress2(buffer, dst=array, nthreads=1)
    except (RuntimeError, ValueError) as error:
        raise DamagedFileError.of(path, "its compressed bytes do not decompress") from error
    return array


class _HeaderUnpickler(pickle.Unpickler):
    """Builds tuples, integers and ``numpy.dtype``, and refuses everything else that a pickle could run."""

    def find_class(self, module_name: str, global_name: str, /) -> type:
        if (module_name, global_name) == ("numpy", "dtype"):
            return np.dtype
        raise pickle.UnpicklingError(f"{module_name}.{global_name} has no place in a header")


def _read_header(path: Path, content: memoryview) -> tuple[Header, int]:
    stream = BytesIO(content)
    try:
        header = _HeaderUnpickler(stream).load()
    # Bytes that are no pickle raise nearly anything.
    except Exception as error:
        raise DamagedFileError.of(path, f"its header cannot be read ({error})") from error
    match header:
        case (tuple() as shape, np.dtype() as dtype) if dtype in DTYPES and _is_shape(shape):
            return (shape, dtype), stream.tell()
    raise DamagedFileError.of(path, "its header is not the shape and dtype of a single array")


def _is_shape(shape: tuple[object, ...]) -> bool:
    return all(isinstance(length, int) and length > 0 for length in shape)


def _check_buffer(path: Path, buffer: memoryview, expected: int) -> None:
    # Blosc1 header: version, codec version, flags, type size, then three little-endian uint32:
    # uncompressed bytes, block bytes, compressed bytes.
    if len(buffer) < BLOSC1_HEADER_BYTES:
        raise DamagedFileError.of(path, f"{len(buffer)} bytes follow its header")
    uncompressed = int.from_bytes(buffer[4:8], "little")
    compressed = int.from_bytes(buffer[12:16], "little")
    if uncompressed != expected:
        raise DamagedFileError.of(path, f"it promises {expected} bytes and holds {uncompressed}")
    if compressed != len(buffer):
        raise DamagedFileError.of(path, f"it holds {len(buffer)} of {compressed} compressed bytes")


def _blosc1_buffer(array: NDArray[np.generic]) -> bytes:
    with _blosc1_compatibility(), _one_thread():
        buffer = bytearray(
            blosc2.compress(
                array,
                typesize=array.dtype.itemsize,
                clevel=LEVEL,
                filter=blosc2.Filter.SHUFFLE,
                codec=blosc2.Codec.ZSTD,
            )
        )
    if buffer[2] & EXTENDED_FLAGS == EXTENDED_FLAGS:
        raise RuntimeError("this blosc2 ignores BLOSC_BLOSC1_COMPAT and writes what Blosc1 cannot read")
    # The layout is Blosc1's now, but Blosc2 still puts its own version in front, which python-blosc refuses.
    buffer[0] = BLOSC1_VERSION
    return bytes(buffer)


@contextlib.contextmanager
def _blosc1_compatibility() -> Iterator[None]:
    """Ask C-Blosc2 for Blosc1's header of 16 bytes; the environment is the only way to say so."""
    before = os.environ.get("BLOSC_BLOSC1_COMPAT")
    os.environ["BLOSC_BLOSC1_COMPAT"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["BLOSC_BLOSC1_COMPAT"]
        else:
            os.environ["BLOSC_BLOSC1_COMPAT"] = before


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    before = blosc2.set_nthreads(1)
    try:
        yield
    finally:
        blosc2.set_nthreads(before)
