#!/usr/bin/env python3
"""Measure what it takes from asv's result files to change points, beside asv's own step detection.

Usage: .venv/bin/python scripts/measure_changes.py ARCHIVE [--every N] [--repeat N]

ARCHIVE is a tar file that holds a folder "results". Each line is measured in a process of its own, from the
first file to the last change; importing Python's packages comes before. Prints a table of markdown.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from asv.step_detect import detect_steps

from machmeter.machine.fingerprint import fingerprint
from machmeter.results import changes, history
from machmeter.results.layout import companion_dir
from machmeter.results.machine_files import TOO_FRESH_NS

BENCHMARKS, COMMITS = 200, 500


@dataclass(frozen=True, slots=True)
class Taken:
    """What one reading took, in seconds, and what it found."""

    cpu_s: float
    wall_s: float
    series: int
    results: int
    changes: int


def main() -> None:
    """Measure and print the tables."""
    options = parse()
    if options.child:
        report(json.dumps(read_once(options.archive)))
        return
    machine = f"{fingerprint().tag}, Python {platform.python_version()}"
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    report(f"{datetime.now(UTC):%Y-%m-%d}, {machine}, load {load}\n")
    report("| what | series | results | changes | CPU, s | wall, s | asked for, CPU s |")
    report("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        results_dir = unpacked(options.archive, Path(folder))
        for what, asked, prepare in situations(results_dir, Path(folder)):
            taken = [measured(prepare()) for _ in range(options.repeat)]
            line(what, asked, taken)
        report(f"\n{asv_line(results_dir, options.every)}")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path)
    parser.add_argument("--every", type=int, default=10, help="asv searches every Nth series (default 10)")
    parser.add_argument("--repeat", type=int, default=5, help="processes a line (default 5)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def read_once(results_dir: Path) -> dict[str, float]:
    """Read a directory and find its changes in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    past = history.read(results_dir)
    found = changes.find(results_dir, past)
    took = (time.process_time() - cpu, time.perf_counter() - wall)
    results = sum(series.values.size for series in past.series)
    return dict(zip(Taken.__slots__, (*took, len(past.series), results, len(found.found)), strict=True))


def measured(results_dir: Path) -> Taken:
    """Read a directory in a new process."""
    settle(results_dir)
    command = [sys.executable, __file__, "--child", os.fspath(results_dir)]
    return Taken(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def situations(results_dir: Path, folder: Path) -> Iterator[tuple[str, float, Callable[[], Path]]]:
    """Name each situation, its bound in CPU seconds, and what brings it about."""

    def from_nothing() -> Path:
        shutil.rmtree(companion_dir(results_dir), ignore_errors=True)
        return results_dir

    def with_one_more(path: Path) -> Callable[[], Path]:
        def prepare() -> Path:
            content = path.read_bytes()
            from_nothing()
            path.unlink()
            measured(results_dir)
            path.write_bytes(content)
            return results_dir

        return prepare

    yield "the archive, first time", 6.0, from_nothing
    for which, path in added_files(results_dir).items():
        yield f"one file added: {which}", 1.0, with_one_more(path)
    yield "nothing new", 1.0, lambda: results_dir
    made = synthetic(folder / "synthetic" / "results")

    def made_from_nothing() -> Path:
        shutil.rmtree(companion_dir(made), ignore_errors=True)
        return made

    yield f"{BENCHMARKS} benchmarks x {COMMITS} commits, first time", 2.0, made_from_nothing


def added_files(results_dir: Path) -> dict[str, Path]:
    """Choose the file of the newest commit and that in the middle of the history."""
    dated = sorted(
        (json.loads(path.read_bytes())["date"], path)
        for path in results_dir.glob("*/*.json")
        if path.name != "machine.json"
    )
    return {"the newest commit": dated[-1][1], "a commit in the middle": dated[len(dated) // 2][1]}


def synthetic(results_dir: Path) -> Path:
    """Write a history of many commits with a step of 5% in every tenth benchmark."""
    random = np.random.default_rng(1)
    noise = random.normal(1.0, 0.02, (COMMITS, BENCHMARKS))
    noise[COMMITS // 2 :, ::10] *= 1.05
    folder = results_dir / "box"
    folder.mkdir(parents=True)
    for number, values in enumerate(noise.tolist()):
        commit = f"{number:040x}"
        rows = {f"module.time_{nth:03}": [[value], [], "v1", 0, 1.0] for nth, value in enumerate(values)}
        content = {
            "commit_hash": commit,
            "env_name": "py3.11",
            "date": 1_700_000_000_000 + number * 86_400_000,
            "params": {"machine": "box"},
            "result_columns": ["result", "params", "version", "started_at", "duration"],
            "results": rows,
            "version": 2,
        }
        (folder / f"{commit[-8:]}-py3.11.json").write_text(json.dumps(content))
    return results_dir


def unpacked(archive: Path, folder: Path) -> Path:
    """Unpack the archive and find the results in it."""
    with tarfile.open(archive) as content:
        content.extractall(folder, filter="data")
    return next(path for path in folder.rglob("results") if path.is_dir())


def settle(results_dir: Path) -> None:
    """Wait until the files are old enough to be trusted the next time."""
    newest = max(path.stat().st_ctime_ns for path in results_dir.rglob("*.json"))
    while time.time_ns() - newest <= TOO_FRESH_NS:
        time.sleep(0.1)


def asv_line(results_dir: Path, every: int) -> str:
    """Measure asv's step detection on some of the series."""
    chosen = history.read(results_dir).series[::every]
    cpu = time.process_time()
    steps = sum(len(detect_steps(series.values.tolist())) - 1 for series in chosen)
    took = time.process_time() - cpu
    return (
        f"asv's own step detection on every {every}th series of the archive ({len(chosen):,}): "
        f"{took:.1f} CPU s, {steps:,} steps; {took * every:.0f} CPU s for all, without reading a file."
    )


def line(what: str, asked: float, taken: list[Taken]) -> None:
    """Print the medians of some processes."""
    middle = {name: statistics.median(getattr(each, name) for each in taken) for name in Taken.__slots__}
    counts = " | ".join(f"{middle[name]:,.0f}" for name in ("series", "results", "changes"))
    report(f"| {what} | {counts} | {middle['cpu_s']:.2f} | {middle['wall_s']:.2f} | {asked:g} |")


def report(text: str) -> None:
    """Print at once: a line takes minutes."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
