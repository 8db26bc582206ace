#!/usr/bin/env python3
"""Measures one loading strategy, or one limit, in this process; ``measure_loaders.py`` starts it.

PYTHON scripts/loader_row.py NAME [--size 240x320x100] [--count 24] [--workers 2] [--batch 4]
                                   [--io-speed unlimited]
PYTHON scripts/loader_row.py --list [--peers]
"""

import argparse
import itertools
import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from loader_limits import LIMITS, measure

from machmeter.machine.fingerprint import fingerprint
from machmeter_workloads.data.cube_set import ALL_FORMATS, CubeSet, make_cube_set
from machmeter_workloads.data.cubes import CubeSpec
from machmeter_workloads.loaders import paths
from machmeter_workloads.loaders.contract import Loader, LoaderSettings
from machmeter_workloads.loaders.peers.formats import make_peer_format
from machmeter_workloads.loaders.peers.registry import PEERS
from machmeter_workloads.loaders.registry import STRATEGIES

_NS = 1e-9

#: I/O speeds as HTC names them, bytes a second.
IO_SPEEDS: Mapping[str, float | None] = MappingProxyType({"unlimited": None, "1000mb": 1e9})


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
    parser.add_argument("--io-speed", choices=IO_SPEEDS, default="unlimited")
    given = parser.parse_args()
    if given.list:
        # Limits know no pace, and the other projects' loaders cannot be paced.
        others = [LIMITS, PEERS if given.peers else ()] if IO_SPEEDS[given.io_speed] is None else []
        sys.stdout.write("\n".join(itertools.chain(STRATEGIES, *others)))
        return
    torch.set_num_threads(1)
    row = _limit(given) if given.name in LIMITS else _strategy(given)
    sys.stdout.write(json.dumps(row) + "\n")


def _cubes(given: argparse.Namespace, *formats: str) -> CubeSet:
    return make_cube_set(CubeSpec.from_size(given.size), given.count, formats or ALL_FORMATS)


def _strategy(given: argparse.Namespace) -> dict[str, Any]:
    cubes = _cubes(given)
    pace = IO_SPEEDS[given.io_speed]
    settings = LoaderSettings(batch_size=given.batch, workers=given.workers, augment=False, bytes_per_s=pace)
    began = time.perf_counter()
    if given.name in STRATEGIES:
        loader = STRATEGIES[given.name](cubes, settings)
    else:
        make_peer_format(PEERS[given.name].format_for(settings), cubes)
        loader = PEERS[given.name](cubes, settings)
    with closing(loader):
        needs = _needs(given, loader, cubes, settings)
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
        "io_speed": given.io_speed,
        **needs,
        **memory,
        **_shape(given),
    }


def _needs(
    given: argparse.Namespace, loader: Loader, cubes: CubeSet, settings: LoaderSettings
) -> dict[str, Any]:
    """Say what a cube needs at least, and how many threads or processes share the work."""
    if given.name in PEERS:
        return {"path": paths.peer_path(cubes), "threads": max(1, given.workers)}
    plan = getattr(loader, "plan", None)
    threads = given.workers if plan is None else plan.chosen.threads
    strategy = paths.chosen_strategy(given.name, loader)
    return {"path": paths.path_of(strategy, cubes, settings), "threads": max(1, threads)}


def _limit(given: argparse.Namespace) -> dict[str, Any]:
    cubes = _cubes(given, LIMITS[given.name].format_name)
    return {**measure(given.name, cubes, max(1, given.workers)), **_shape(given)}


def _shape(given: argparse.Namespace) -> dict[str, Any]:
    height, width, bands = map(int, given.size.split("x"))
    return {
        "tag": fingerprint().tag,
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
