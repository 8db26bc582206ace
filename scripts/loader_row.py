#!/usr/bin/env python3
"""Measures one loading strategy, or one limit, in this process; ``measure_loaders.py`` starts it.

PYTHON scripts/loader_row.py NAME [--size 240x320x100] [--count 24] [--workers 2] [--batch 4]
PYTHON scripts/loader_row.py --list [--peers]
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import blosc2
import numpy as np
import torch
from numpy.typing import NDArray

from machmeter_workloads.data.cube_set import ALL_FORMATS, CubeSet, make_cube_set
from machmeter_workloads.data.cubes import CubeSpec
from machmeter_workloads.loaders.contract import LoaderSettings
from machmeter_workloads.loaders.peers.formats import make_peer_format
from machmeter_workloads.loaders.peers.registry import PEERS
from machmeter_workloads.loaders.registry import STRATEGIES
from machmeter_workloads.storage.formats import FORMATS
from machmeter_workloads.storage.lz4_16_file import new_scratch, open_lz4_16

_NS = 1e-9
#: Limits, by the format that they bound.
LIMITS = {
    "decode blosc": "blosc",
    "decode fp16": "fp16",
    "decode lz4_16": "lz4_16",
    "decode and widen lz4_16": "lz4_16",
    "memcpy ring": "raw16",
}


def main() -> None:
    """Measure, or list the names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--size", default="240x320x100")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4)
    given = parser.parse_args()
    if given.list:
        sys.stdout.write("\n".join([*LIMITS, *STRATEGIES, *(PEERS if given.peers else ())]))
        return
    torch.set_num_threads(1)
    measure = _limit if given.name in LIMITS else _strategy
    sys.stdout.write(json.dumps(measure(given)) + "\n")


def _cubes(given: argparse.Namespace, *formats: str) -> CubeSet:
    return make_cube_set(CubeSpec.from_size(given.size), given.count, formats or ALL_FORMATS)


def _strategy(given: argparse.Namespace) -> dict[str, Any]:
    cubes = _cubes(given)
    settings = LoaderSettings(batch_size=given.batch, workers=given.workers, augment=False)
    began = time.perf_counter()
    if given.name in STRATEGIES:
        loader = STRATEGIES[given.name](cubes, settings)
    else:
        make_peer_format(PEERS[given.name].format_for(settings), cubes)
        loader = PEERS[given.name](cubes, settings)
    with closing(loader):
        batches = iter(loader.epoch(0))
        next(batches)
        first_s = time.perf_counter() - began
        for _ in batches:
            pass
        before_s, began = _tree_cpu_s(), time.perf_counter()
        for _ in loader.epoch(1):
            pass
        wall_s, cpu_s = time.perf_counter() - began, _tree_cpu_s() - before_s
        memory = _tree_memory()
    return {
        "wall_s": wall_s / given.count,
        "cpu_s": cpu_s / given.count,
        "first_s": first_s,
        "lifetime": loader.lifetime.value,
        **memory,
        **_shape(given),
    }


def _limit(given: argparse.Namespace) -> dict[str, Any]:
    """Measure what threads need at least, from memory to memory."""
    work = {"memcpy ring": _copying, "decode and widen lz4_16": _widening}.get(given.name, _decoding)(given)
    _in_threads(work, given.count, given.workers)
    before_s, began = time.process_time(), time.perf_counter()
    _in_threads(work, given.count, given.workers)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - before_s
    return {"wall_s": wall_s / given.count, "cpu_s": cpu_s / given.count, **_shape(given)}


def _decoding(given: argparse.Namespace) -> Callable[[int, int], None]:
    name = LIMITS[given.name]
    cubes = _cubes(given, name)
    blosc2.set_releasegil(True)
    arrays = [FORMATS[name].read(cubes.cube_path(name, index)) for index in range(min(8, given.count))]
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
    targets = [[np.empty_like(piece) for piece in pieces[0]] for _ in range(given.workers)]

    def decode(worker: int, index: int) -> None:
        for buffer, target in zip(packed[index % len(packed)], targets[worker], strict=True):
            blosc2.decompress2(buffer, dst=target, nthreads=1)

    return decode


def _widening(given: argparse.Namespace) -> Callable[[int, int], None]:
    """Decode chunk by chunk, and widen each while it is in the cache."""
    cubes = _cubes(given, "lz4_16")
    paths = [cubes.cube_path("lz4_16", index) for index in range(min(8, given.count))]
    chunks = [open_lz4_16(bytearray(path.read_bytes()), path) for path in paths]
    height, width, bands = map(int, given.size.split("x"))
    targets = [torch.ones(bands, height, width) for _ in range(given.workers)]
    rooms = [new_scratch() for _ in range(given.workers)]
    blosc2.set_releasegil(True)

    def work(worker: int, index: int) -> None:
        chunks[index % len(chunks)].decode_into(targets[worker], rooms[worker], verify=False)

    return work


def _pieces(array: NDArray[np.generic], name: str) -> list[NDArray[np.generic]]:
    flat = array.reshape(-1)
    step = (1 << 20) // flat.itemsize if name == "lz4_16" else flat.size
    return [flat[start : start + step] for start in range(0, flat.size, step)]


def _copying(given: argparse.Namespace) -> Callable[[int, int], None]:
    """Fill a ring of float32 cubes from another one."""
    height, width, bands = map(int, given.size.split("x"))
    slots = (2 * given.workers + 1) * given.batch
    sources = torch.ones(slots, bands * height * width)
    targets = torch.ones(slots, bands * height * width)

    def copy(_: int, index: int) -> None:
        targets[index % slots].copy_(sources[(index + 1) % slots])

    return copy


def _in_threads(work: Callable[[int, int], None], count: int, threads: int) -> None:
    def part(worker: int) -> None:
        for index in range(worker, count, threads):
            work(worker, index)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, range(threads)))


def _shape(given: argparse.Namespace) -> dict[str, Any]:
    height, width, bands = map(int, given.size.split("x"))
    return {
        "size": given.size,
        "count": given.count,
        "workers": given.workers,
        "batch": given.batch,
        "bytes": 4 * height * width * bands,
    }


def _tree() -> Iterator[Path]:
    """Every process of ours, this one first."""
    todo = [os.getpid()]
    while todo:
        folder = Path("/proc") / str(todo.pop())
        yield folder
        for children in folder.glob("task/*/children"):
            todo += map(int, children.read_text().split())


def _tree_cpu_s() -> float:
    """CPU seconds of this process, of its ended threads and children, and of live children's threads."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = time.process_time() + ended.ru_utime + ended.ru_stime
    for folder in list(_tree())[1:]:
        for schedstat in folder.glob("task/*/schedstat"):
            total += _NS * int(schedstat.read_text().split()[0])
    return total


def _tree_memory() -> dict[str, int]:
    """Memory while the epoch's last batch is there: of this process, and private bytes of each child."""
    mine, *children = (_rollup(folder) for folder in _tree())
    return {
        "pss_bytes": sum(each["Pss"] for each in (mine, *children)),
        "private_child_bytes": max(
            (each["Private_Dirty"] + each["Private_Clean"] for each in children), default=0
        ),
        "children": len(children),
    }


def _rollup(folder: Path) -> dict[str, int]:
    lines = (folder / "smaps_rollup").read_text().splitlines()[1:]
    return {line.split(":")[0]: 1024 * int(line.split()[1]) for line in lines}


if __name__ == "__main__":
    main()
