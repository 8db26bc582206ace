#!/usr/bin/env python3
"""Measures every loading strategy on this node, beside the limits of the same node.

    scripts/measure_loaders.py --python PYTHON run --out FILE [--size 240x320x100] [--rounds 5] [--names ...]
    scripts/measure_loaders.py tables FILE ...

PYTHON has the specimens' packages (``.[workloads]``, and ``.[peers]`` where peers are asked for). Each row is
a process of its own: the loader is opened, one epoch is read to warm up, another one is measured. Strategies
and limits take turns, so that all have the same share of the node's good and bad moments. A row is written as
soon as it is known. Set ``MACHMETER_DATA`` to keep the data elsewhere.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_SIZE = "240x320x100"
_ROW = Path(__file__).with_name("loader_row.py")


def main() -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default=sys.executable, help="of the environment that loads")
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="measure")
    run.add_argument("--size", default=_SIZE)
    run.add_argument("--count", type=int, default=24, help="cubes")
    run.add_argument("--workers", type=int, default=2)
    run.add_argument("--batch", type=int, default=4)
    run.add_argument("--rounds", type=int, default=5)
    run.add_argument("--names", nargs="*", help="strategies, peers and limits; all by default")
    run.add_argument("--peers", action="store_true", help="the other projects' loaders, too")
    run.add_argument("--out", type=Path, required=True)
    run.set_defaults(run=_run)
    tables = commands.add_parser("tables", help="show recorded rows")
    tables.add_argument("files", nargs="+", type=Path)
    tables.set_defaults(run=_tables)
    given = parser.parse_args()
    return int(given.run(given) or 0)


def _run(given: argparse.Namespace) -> None:
    names = given.names or _known(given)
    options = [f"--{name}={getattr(given, name)}" for name in ("size", "count", "workers", "batch")]
    for number in range(given.rounds):
        for name in names if number % 2 == 0 else reversed(names):
            done = subprocess.run(
                [given.python, str(_ROW), name, *options],
                capture_output=True,
                text=True,
                check=False,
                env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
            answer = (done.stdout.splitlines() or [""])[-1]
            row = json.loads(answer) if answer.startswith("{") else {"failed": done.stderr[-400:]}
            row |= {"name": name, "round": number, "load": os.getloadavg()[0]}
            with given.out.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
            said = (
                row.get("failed") or f"{1e3 * row['cpu_s']:.2f} CPU ms, {1e3 * row['wall_s']:.2f} ms a cube"
            )
            _say(f"{time.strftime('%H:%M:%S')} {number} {name}: {said}")


def _known(given: argparse.Namespace) -> list[str]:
    command = [given.python, str(_ROW), "--list", *(["--peers"] if given.peers else [])]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def _rows(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def _tables(given: argparse.Namespace) -> None:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(given.files):
        if "failed" not in row:
            groups[row["name"]].append(row)
    _say(
        "| strategy | CPU ms a cube | least | ms a cube | MB/s | first batch, s | PSS, MiB "
        "| private a worker, MiB |"
    )
    _say("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, rows in sorted(groups.items(), key=lambda each: _median(each[1], "cpu_s")):
        _say(f"| {name} | {' | '.join(_cells(rows))} |")


def _median(rows: list[dict[str, Any]], key: str) -> float:
    return statistics.median(row.get(key, float("nan")) for row in rows)


def _cells(rows: list[dict[str, Any]]) -> list[str]:
    return [
        f"{1e3 * _median(rows, 'cpu_s'):.2f}",
        f"{1e3 * min(row['cpu_s'] for row in rows):.2f}",
        f"{1e3 * _median(rows, 'wall_s'):.2f}",
        f"{rows[0]['bytes'] / _median(rows, 'wall_s') / 1e6:.0f}",
        f"{_median(rows, 'first_s'):.3f}",
        f"{_median(rows, 'pss_bytes') / 2**20:.0f}",
        f"{_median(rows, 'private_child_bytes') / 2**20:.0f}",
    ]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
