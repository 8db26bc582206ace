#!/usr/bin/env python3
"""Measures (DL)²'s strategies for image folders on this node: throughput by workers, storage and encoding.

    scripts/measure_photos.py run --out FILE [--python PYTHON] [--workers 0 1 2] [--storages default]
                                  [--encodings jpeg95 jpeg50] [--caches 0] [--count 1400] [--rounds 5]
    scripts/measure_photos.py tables FILE ...

PYTHON has the specimens' packages (``.[workloads]``, and ``.[dali]`` for the two strategies with DALI). Each
row is a process of its own: one epoch warms up, the next is measured step by step. ``decode`` is the limit:
the same photographs from memory, decoded, cropped and resized by as many threads, and delivered to nobody.
Rows take turns, and each is written as soon as it is known. With ``--cold`` the files are dropped from the
page cache before each epoch. ``MACHMETER_DATA_<NAME>=dir`` adds the storage ``<name>``.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

_KEYS = ("name", "workers", "storage", "encoding", "cache", "cold")


def main() -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="measure")
    run.add_argument("--python", default=sys.executable, help="of the environment that loads")
    run.add_argument("--names", nargs="*", default=["decode", "synthetic", "pytorch", "dali_cpu"])
    run.add_argument("--workers", nargs="*", type=int, default=[0, 1, 2])
    run.add_argument("--storages", nargs="*", default=["default"])
    run.add_argument("--encodings", nargs="*", default=["jpeg95"])
    run.add_argument("--caches", nargs="*", type=int, default=[0], help="bytes")
    run.add_argument("--count", type=int, default=1400, help="photographs")
    run.add_argument("--batch", type=int, default=32)
    run.add_argument("--device", default="cpu")
    run.add_argument("--cold", action="store_true")
    run.add_argument("--rounds", type=int, default=5)
    run.add_argument("--out", type=Path, required=True)
    run.set_defaults(run=_run)
    row = commands.add_parser("row", help="measure one row in this process; run starts it")
    row.add_argument("given", type=json.loads)
    row.set_defaults(run=_row)
    tables = commands.add_parser("tables", help="show recorded rows")
    tables.add_argument("files", nargs="+", type=Path)
    tables.set_defaults(run=_tables)
    given = parser.parse_args()
    given.run(given)
    return 0


def _run(given: argparse.Namespace) -> None:
    grid = list(itertools.product(given.encodings, given.storages, given.caches, given.workers, given.names))
    for number in range(given.rounds):
        for encoding, storage, cache, workers, name in grid if number % 2 == 0 else reversed(grid):
            row = {
                "name": name,
                "workers": workers,
                "storage": storage,
                "encoding": encoding,
                "cache": cache if name == "pytorch" else 0,
                **{key: getattr(given, key) for key in ("cold", "count", "batch", "device")},
            }
            done = subprocess.run(
                [given.python, __file__, "row", json.dumps(row)],
                capture_output=True,
                text=True,
                check=False,
                env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
            answer = (done.stdout.splitlines() or [""])[-1]
            found = json.loads(answer) if answer.startswith("{") else {"failed": done.stderr[-400:]}
            row |= found | {"round": number, "load": os.getloadavg()[0]}
            with given.out.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
            said = row.get("failed") or f"{row['images_per_s']:.0f} images/s"
            what = f"{name}, {workers} workers, {storage}, {encoding}, cache {row['cache']}"
            _say(f"{time.strftime('%H:%M:%S')} {number} {what}: {said}")


def _row(options: argparse.Namespace) -> None:
    # Only here, where the packages are needed: listing and tables work without them.
    import torch  # noqa: PLC0415

    from machmeter.machine.fingerprint import fingerprint  # noqa: PLC0415
    from machmeter_workloads.data.photo_set import make_photo_set  # noqa: PLC0415
    from machmeter_workloads.data.photos import PhotoSpec  # noqa: PLC0415

    given = options.given
    torch.set_num_threads(1)
    photos = make_photo_set(PhotoSpec(), given["count"], given["encoding"], given["storage"])
    files = sorted(photos.folder.glob("train/*/*"))
    measure = _decoded if given["name"] == "decode" else _loaded
    found = measure(given, photos.folder / "train", files)
    found["bytes"] = sum(path.stat().st_size for path in files)
    found["tag"] = fingerprint().tag
    sys.stdout.write(json.dumps(found) + "\n")


def _loaded(given: dict[str, Any], folder: Path, files: list[Path]) -> dict[str, Any]:
    from machmeter_workloads.photos.contract import PhotoSettings  # noqa: PLC0415
    from machmeter_workloads.photos.registry import open_photos  # noqa: PLC0415
    from machmeter_workloads.photos.steps import time_steps  # noqa: PLC0415

    settings = PhotoSettings(
        batch_size=given["batch"], workers=given["workers"], cache=given["cache"], device=given["device"]
    )
    loader = open_photos(given["name"], folder, settings)
    try:
        began = time.perf_counter()
        _drop(files, given)
        first = time_steps(loader.epoch(0), lambda batch: batch.labels, given["device"])
        _drop(files, given)
        before_s = _tree_cpu_s()
        times = time_steps(loader.epoch(1), lambda batch: batch.labels, given["device"])
        cpu_s = _tree_cpu_s() - before_s
    finally:
        loader.close()
    return {
        "images_per_s": times.images_per_s,
        "cpu_s": cpu_s / sum(times.items),
        "first_s": first.data_s[0],
        "both_s": time.perf_counter() - began,
        **{name: asdict(each) for name, each in times.quantiles().items()},
    }


def _decoded(given: dict[str, Any], folder: Path, files: list[Path]) -> dict[str, Any]:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    from machmeter_workloads.photos.decoding import decoded, read_file  # noqa: PLC0415
    from machmeter_workloads.photos.transforms import cropped, draw  # noqa: PLC0415

    del folder
    contents = [(path, read_file(path)) for path in files[:200]]

    threads = max(1, given["workers"])

    def part(worker: int) -> None:
        for index in range(worker, len(files), threads):
            path, content = contents[index % len(contents)]
            cropped(decoded(path, content), draw(0, 1, index), 224)

    part(0)
    with ThreadPoolExecutor(threads) as pool:
        before_s, began = time.process_time(), time.perf_counter()
        list(pool.map(part, range(threads)))
        wall_s, cpu_s = time.perf_counter() - began, time.process_time() - before_s
    return {"images_per_s": len(files) / wall_s, "cpu_s": cpu_s / len(files)}


def _drop(files: list[Path], given: dict[str, Any]) -> None:
    if given["cold"]:
        from machmeter_workloads.storage.page_cache import drop  # noqa: PLC0415

        drop(files)


def _tree_cpu_s() -> float:
    """CPU seconds of this process and of its children that live, which all workers do until the end."""
    spent = time.process_time()
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text(encoding="ascii").split():
            for schedstat in Path("/proc", child, "task").glob("*/schedstat"):
                spent += 1e-9 * int(schedstat.read_text(encoding="ascii").split()[0])
    return spent


def _tables(given: argparse.Namespace) -> None:
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for path in given.files:
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            if "failed" not in row:
                groups[tuple(row[key] for key in _KEYS)].append(row)
    _say(f"| {' | '.join(_KEYS)} | images/s | MB/s | CPU ms an image | first batch, s | wait p50, ms | p99 |")
    _say("|" + "---|" * (len(_KEYS) + 6))
    for key, rows in sorted(groups.items(), key=str):
        _say(f"| {' | '.join(map(str, key))} | {' | '.join(_cells(rows))} |")


def _cells(rows: list[dict[str, Any]]) -> list[str]:
    rate = statistics.median(row["images_per_s"] for row in rows)
    waits = [row["data_s"] for row in rows if "data_s" in row]
    firsts = [row["first_s"] for row in rows if "first_s" in row]
    return [
        f"{rate:.0f}",
        f"{rate * rows[0]['bytes'] / rows[0]['count'] / 1e6:.1f}",
        f"{1e3 * statistics.median(row['cpu_s'] for row in rows):.2f}",
        f"{statistics.median(firsts):.3f}" if firsts else "",
        *(
            f"{1e3 * statistics.median(each[name] for each in waits):.2f}" if waits else ""
            for name in ("p50", "p99")
        ),
    ]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
