#!/usr/bin/env python3
"""Measures every loading strategy on this node, beside the limits of the same node.

    scripts/measure_loaders.py --python PYTHON run --out FILE [--size 240x320x100] [--rounds 5] [--names ...]
                                                   [--io-speeds unlimited 1000mb] [--peers]
    .venv/bin/python scripts/measure_loaders.py tables FILE ...

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
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SIZE = "240x320x100"
_ROW = Path(__file__).with_name("loader_row.py")

_TITLES = (
    *("strategy", "I/O speed", "CPU ms a cube", "least", "ms a cube", "MB/s", "first batch, s"),
    *("PSS, MiB", "private a worker, MiB", "Mach (CPU)", "Mach (wall)"),
)


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
    run.add_argument("--io-speeds", nargs="*", default=["unlimited"], help="unlimited, 1000mb")
    run.add_argument("--out", type=Path, required=True)
    run.set_defaults(run=_run)
    tables = commands.add_parser("tables", help="show recorded rows")
    tables.add_argument("files", nargs="+", type=Path)
    tables.set_defaults(run=_tables)
    given = parser.parse_args()
    return int(given.run(given) or 0)


def _run(given: argparse.Namespace) -> None:
    grid = [(speed, name) for speed in given.io_speeds for name in given.names or _known(given, speed)]
    options = [f"--{name}={getattr(given, name)}" for name in ("size", "count", "workers", "batch")]
    for number in range(given.rounds):
        for io_speed, name in grid if number % 2 == 0 else reversed(grid):
            done = subprocess.run(
                [given.python, str(_ROW), name, *options, f"--io-speed={io_speed}"],
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
            _say(f"{time.strftime('%H:%M:%S')} {number} {name}, {io_speed}: {said}")


def _known(given: argparse.Namespace, io_speed: str) -> list[str]:
    options = [f"--io-speed={io_speed}", *(["--peers"] if given.peers else [])]
    command = [given.python, str(_ROW), "--list", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def _tables(given: argparse.Namespace) -> int:
    # Only here: measuring needs no packages but PYTHON's.
    from drawing.loaders import rows as recorded  # noqa: PLC0415
    from drawing.refusal import RefusedError  # noqa: PLC0415

    try:
        settings = recorded.of_cubes(recorded.read(given.files))
    except RefusedError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for setting, members in settings.items():
        known = recorded.rates(members)
        groups = defaultdict(list)
        for row in members:
            groups[row["name"], row.get("io_speed", recorded.UNLIMITED)].append(row)
        _say(f"{setting.text}\n\n| {' | '.join(_TITLES)} |\n|---|---{'|---:' * (len(_TITLES) - 2)}|")
        for key, rows in sorted(groups.items(), key=lambda each: recorded.median(each[1], "cpu_s")):
            machs = [recorded.spelled(each) for each in recorded.machs(rows, known)]
            _say(f"| {' | '.join([*key, *_cells(rows), *machs])} |")
        _say("")
    return 0


def _cells(rows: list[Mapping[str, Any]]) -> list[str]:
    def median(key: str) -> float:
        return statistics.median(row.get(key, float("nan")) for row in rows)

    return [
        f"{1e3 * median('cpu_s'):.2f}",
        f"{1e3 * min(row['cpu_s'] for row in rows):.2f}",
        f"{1e3 * median('wall_s'):.2f}",
        f"{rows[0]['bytes'] / median('wall_s') / 1e6:.0f}",
        f"{median('first_s'):.3f}",
        f"{median('pss_bytes') / 2**20:.0f}",
        f"{median('private_child_bytes') / 2**20:.0f}",
    ]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
