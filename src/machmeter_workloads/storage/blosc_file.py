"""One compressed array a file: a pickled (shape, dtype) and one Blosc1 buffer."""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import pickletools
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import blosc2
import numpy as np

from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.storage.atomic import write_atomically
from machmeter_workloads.storage.blosc_buffer import check_buffer, decompress_into
from machmeter_workloads.storage.header import require_shape
from machmeter_workloads.storage.source import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from machmeter_workloads.storage.source import Source

LEVEL = 9
BLOSC1_VERSION = 2
# Both shuffle bits at once are what Blosc2 calls an extended header, which Blosc1 cannot read.
EXTENDED_FLAGS = 0b101
# As numpy pickles them: a name and an order of bytes.
DTYPES: dict[tuple[object, object], np.dtype[np.generic]] = {
    ("u1", "|"): np.dtype(np.uint8),
    ("f2", "<"): np.dtype(np.float16),
    ("f4", "<"): np.dtype(np.float32),
}

# The header of a single array takes about a hundred bytes.
HEADER_LIMIT = 1024
# What pickled tuples of integers and dtypes, and dictionaries of them, are made of in every protocol. Others
# can ask for any amount of memory with a few bytes.
HEADER_OPCODES = frozenset(
    [
        *("PROTO", "FRAME", "STOP", "MARK"),
        *("TUPLE", "EMPTY_TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
        *("INT", "BININT", "BININT1", "BININT2", "NONE", "NEWTRUE", "NEWFALSE"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING"),
        *("BINFLOAT", "EMPTY_DICT", "SETITEM", "SETITEMS"),
        *("GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD"),
        *("MEMOIZE", "BINPUT", "BINGET"),
    ]
)

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


def read_blosc(path: Path, source: Source = UNLIMITED) -> NDArray[np.generic]:
    """Read an array with one thread, so that the number of worker processes alone decides the parallelism.

    Parameters
    ----------
    path : Path
        Written by ``write_blosc``, or by HTC for a single array.
    source : Source
        Where the bytes come from.

    Returns
    -------
    ndarray, uint8, float16 or float32
        Contiguous, with the shape in the file.

    Raises
    ------
    DamagedFileError
        The file is cut off, or holds something else.
    MissingDataError, UnreadableError
        It is not there, or may not be read.
    """
    stored = open_blosc(source.read(path), path)
    array: NDArray[np.generic] = np.empty(stored.shape, stored.dtype)
    stored.decode_into(array)
    return array


@dataclass(frozen=True)
class BloscArray:
    """A compressed array in memory, made by ``open_blosc``.

    Parameters
    ----------
    path : Path
        The file, for errors.
    shape : tuple of int
        Of the array; (H, W, bands) if it is a cube.
    dtype : numpy.dtype
        uint8, float16 or float32.
    buffer : memoryview
        Compressed.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    buffer: memoryview

    def decode_into(self, target: NDArray[np.generic]) -> None:
        """Decompress straight into an array that is there, a slot of a ring for example.

        Other threads of Python run meanwhile if ``blosc2.set_releasegil(True)`` was called.

        Parameters
        ----------
        target : ndarray
            Contiguous, with the stored dtype.

        Raises
        ------
        DamagedFileError
            The target has another shape or dtype, or the bytes do not decompress.
        """
        require_shape(self.path, self.shape, target.shape)
        if target.dtype != self.dtype:
            raise DamagedFileError.of(self.path, f"it holds {self.dtype} instead of {target.dtype}")
        decompress_into(self.path, self.buffer, target)


def open_blosc(content: bytes | bytearray | memoryview, path: Path) -> BloscArray:
    """Look into the bytes of a file without decompressing them.

    Parameters
    ----------
    content : bytes, bytearray or memoryview
        The whole file; kept by what is returned.
    path : Path
        The file, for errors.

    Returns
    -------
    BloscArray

    Raises
    ------
    DamagedFileError
        The file is cut off, or holds something else.
    """
    view = memoryview(content)
    (shape, dtype), used = _read_header(path, view)
    buffer = view[used:]
    # Before anybody allocates what the header asks for.
    check_buffer(path, buffer, math.prod(shape) * dtype.itemsize)
    if buffer[0] > BLOSC1_VERSION or buffer[2] & EXTENDED_FLAGS == EXTENDED_FLAGS:
        raise DamagedFileError.of(path, "its compressed bytes are not those of Blosc1")
    return BloscArray(path, shape, dtype, buffer)


class _StoredDtype:
    """What a pickle says of a dtype. Numpy's own class ends the process when its state is a wrong one."""

    def __init__(self, name: object = None, *_flags: object) -> None:
        self.name = name
        self.order: object = None

    def __setstate__(self, state: object) -> None:
        match state:
            case (_, order, *_):
                self.order = order

    @property
    def dtype(self) -> np.dtype[np.generic] | None:
        """Numpy's dtype, if it is one of ours."""
        return next((dtype for key, dtype in DTYPES.items() if key == (self.name, self.order)), None)


class _HeaderUnpickler(pickle.Unpickler):
    """Builds tuples, integers and what stands for a dtype; refuses all else that a pickle could run."""

    def find_class(self, module_name: str, global_name: str, /) -> type:
        if (module_name, global_name) == ("numpy", "dtype"):
            return _StoredDtype
        raise pickle.UnpicklingError(f"{module_name}.{global_name} has no place in a header")


def _read_header(path: Path, content: memoryview) -> tuple[Header, int]:
    stream = BytesIO(content[:HEADER_LIMIT])
    try:
        header = _unpickle(stream)
    # Bytes that are no pickle raise nearly anything.
    except Exception as error:
        raise DamagedFileError.of(path, f"its header cannot be read ({error})") from error
    match header:
        case (tuple() as shape, _StoredDtype(dtype=np.dtype() as dtype)) if _is_shape(shape):
            return (shape, dtype), stream.tell()
    raise DamagedFileError.of(path, "its header is not the shape and dtype of a single array")


def _unpickle(stream: BytesIO) -> object:
    names = {opcode.name for opcode, _, _ in pickletools.genops(stream)}
    if foreign := names - HEADER_OPCODES:
        raise pickle.UnpicklingError(f"{', '.join(sorted(foreign))} has no place in a header")
    stream.seek(0)
    return _HeaderUnpickler(stream).load()


def _is_shape(shape: tuple[object, ...]) -> bool:
    return all(isinstance(length, int) and length > 0 for length in shape)


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
