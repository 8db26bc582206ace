# noqa: INP001 - a part of the script "loader_row.py"
"""Limits of this node on the very data that the strategies load: what threads need from memory to memory."""

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import blosc2
import numpy as np
import torch
from numpy.typing import NDArray

from machmeter_workloads.data.cube_set import CubeSet
from machmeter_workloads.loaders import paths
from machmeter_workloads.storage.formats import FORMATS
from machmeter_workloads.storage.lz4_16_file import new_scratch, open_lz4_16
from machmeter_workloads.storage.source import UNLIMITED

#: A thread's number and a cube's.
Work = Callable[[int, int], None]

#: What is read, or decoded, at once.
_PIECE = 1 << 20

#: Cubes in memory: together larger than the caches.
_HELD = 8


@dataclass(frozen=True)
class Limit:
    """What is done with each cube.

    Parameters
    ----------
    format_name : str
        Which files are needed.
    prepare : callable
        Takes the cubes, that format's name and the number of threads; gives what a thread does with a cube.
    kernel : str, optional
        The limit of ``machmeter_workloads.loaders.paths`` that this is, if it is a single one.
    value_bytes : int
        Bytes a value that the limit counts.
    """

    format_name: str
    prepare: Callable[[CubeSet, str, int], Work]
    kernel: str | None = None
    value_bytes: int = 4


def measure(name: str, cubes: CubeSet, threads: int) -> dict[str, Any]:
    """Do the work with every cube twice, and time the second time.

    Returns
    -------
    dict
        ``wall_s`` and ``cpu_s`` a cube; ``limit``: bytes a cube by the limit that was measured.
    """
    limit = LIMITS[name]
    work = limit.prepare(cubes, limit.format_name, threads)
    _in_threads(work, cubes.count, threads)
    before_s, began = time.process_time(), time.perf_counter()
    _in_threads(work, cubes.count, threads)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - before_s
    spec = cubes.spec
    amount = float(spec.height * spec.width * spec.bands * limit.value_bytes)
    measured = {} if limit.kernel is None else {limit.kernel: amount}
    return {"wall_s": wall_s / cubes.count, "cpu_s": cpu_s / cubes.count, "limit": measured}


def _decoding(cubes: CubeSet, name: str, threads: int) -> Work:
    blosc2.set_releasegil(True)
    arrays = [FORMATS[name].read(cubes.cube_path(name, index), UNLIMITED) for index in _held(cubes)]
    codec = blosc2.Codec.LZ4 if name == "lz4_16" else blosc2.Codec.ZSTD
    shuffle = blosc2.Filter.BITSHUFFLE if name == "lz4_16" else blosc2.Filter.SHUFFLE
    pieces = [_pieces(np.ascontiguousarray(array), name) for array in arrays]
    packed = [
        [
            blosc2.compress(piece, typesize=piece.itemsize, clevel=9, filter=shuffle, codec=codec)
            for piece in each
        ]
        for each in pieces
    ]
    targets = [[np.empty_like(piece) for piece in pieces[0]] for _ in range(threads)]

    def decode(thread: int, index: int) -> None:
        for buffer, target in zip(packed[index % len(packed)], targets[thread], strict=True):
            blosc2.decompress2(buffer, dst=target, nthreads=1)

    return decode


def _pieces(array: NDArray[np.generic], name: str) -> list[NDArray[np.generic]]:
    flat = array.reshape(-1)
    step = _PIECE // flat.itemsize if name == "lz4_16" else flat.size
    return [flat[start : start + step] for start in range(0, flat.size, step)]


def _decoding_and_widening(cubes: CubeSet, name: str, threads: int) -> Work:
    """Decode chunk by chunk, and widen each while it is in the cache."""
    located = [cubes.cube_path(name, index) for index in _held(cubes)]
    chunks = [open_lz4_16(bytearray(path.read_bytes()), path) for path in located]
    targets = [torch.ones(_shape(cubes)) for _ in range(threads)]
    rooms = [new_scratch() for _ in range(threads)]
    blosc2.set_releasegil(True)

    def work(thread: int, index: int) -> None:
        chunks[index % len(chunks)].decode_into(targets[thread], rooms[thread], verify=False)

    return work


def _reading(cubes: CubeSet, name: str, threads: int) -> Work:
    """Read files that are in the page cache piece by piece into the same memory."""
    buffers = [memoryview(bytearray(_PIECE)) for _ in range(threads)]

    def read(thread: int, index: int) -> None:
        with cubes.cube_path(name, index).open("rb", buffering=0) as stream:
            for offset in range(0, os.fstat(stream.fileno()).st_size, _PIECE):
                os.preadv(stream.fileno(), [buffers[thread]], offset)

    return read


def _widening(cubes: CubeSet, _: str, threads: int) -> Work:
    """Fill float32 cubes from float16 ones that are in memory, not in a cache."""
    sources = [torch.ones(_shape(cubes), dtype=torch.float16) for _ in _held(cubes)]
    targets = [torch.ones(_shape(cubes)) for _ in range(_HELD * threads)]

    def widen(_: int, index: int) -> None:
        targets[index % len(targets)].copy_(sources[index % len(sources)])

    return widen


def _copying(cubes: CubeSet, _: str, threads: int) -> Work:
    """Fill a ring of float32 cubes from another one."""
    slots = _HELD * threads
    sources, targets = ([torch.ones(_shape(cubes)) for _ in range(slots)] for _ in range(2))

    def copy(_: int, index: int) -> None:
        targets[index % slots].copy_(sources[(index + 1) % slots])

    return copy


LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "decode blosc": Limit("blosc", _decoding, paths.ZSTD_FULL),
        "decode fp16": Limit("fp16", _decoding, paths.ZSTD_HALF, 2),
        "decode lz4_16": Limit("lz4_16", _decoding, paths.LZ4_HALF, 2),
        "decode and widen lz4_16": Limit("lz4_16", _decoding_and_widening),
        "read raw16": Limit("raw16", _reading, paths.READ, 2),
        "widen float16": Limit("raw16", _widening, paths.WIDEN),
        "memcpy ring": Limit("raw16", _copying, paths.COPY),
    }
)


def _held(cubes: CubeSet) -> range:
    return range(min(_HELD, cubes.count))


def _shape(cubes: CubeSet) -> tuple[int, int, int]:
    return cubes.spec.bands, cubes.spec.height, cubes.spec.width


def _in_threads(work: Work, count: int, threads: int) -> None:
    def part(thread: int) -> None:
        for index in range(thread, count, threads):
            work(thread, index)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, range(threads)))
