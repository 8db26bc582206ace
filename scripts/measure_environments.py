#!/usr/bin/env python3
"""Measure what an environment, a commit and a benchmark process cost, beside asv's own ``virtualenv`` type.

Usage: .venv/bin/python scripts/measure_environments.py [--repeat N] [--torch] [--out FILE]

Both types take turns in one run, on a toy project without dependencies, with warm package caches. Every row
is appended to the output as soon as it is known. The table says seconds of wall time; CPU seconds of the
whole process tree stand beside it.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from machmeter.machine.fingerprint import fingerprint

TYPES = {
    "machmeter": {"plugins": [".machmeter.asv_plugin"], "environment_type": "machmeter"},
    "virtualenv": {"environment_type": "virtualenv"},
}
PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "toy"
version = "0"

[tool.setuptools]
py-modules = ["toy"]
"""
COMMITS = 5


def git(folder: Path, *arguments: str) -> None:
    """Run git quietly."""
    identity = ["-c", "user.name=Measurer", "-c", "user.email=measurer@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def make_project(folder: Path, *, torch: bool) -> None:
    """Make a repository of `COMMITS` commits with one and with eleven benchmarks."""
    (folder / "benchmarks").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    imports = "import toy\n" + ("import torch\n" if torch else "")
    many = "".join(f"\n\ndef track_many_{index:02}():\n    return toy.VALUE\n" for index in range(11))
    (folder / "benchmarks" / "__init__.py").write_text("")
    (folder / "benchmarks" / "bench.py").write_text(f"{imports}{many}")
    (folder / "pyproject.toml").write_text(PYPROJECT)
    for value in range(COMMITS):
        (folder / "toy.py").write_text(f"VALUE = {value}\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", str(value))


def asv(folder: Path, kind: str, home: Path, *arguments: str) -> tuple[float, float]:
    """Run asv with one environment type.

    Returns
    -------
    tuple of float, seconds
        Wall time, and CPU time of the whole process tree.
    """
    started, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "asv", *arguments, "--config", f"{kind}.json"],
        cwd=folder,
        env=dict(os.environ) | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    # `asv setup` exits with 1 on success.
    if done.returncode not in ((0, 1) if arguments[0] == "setup" else (0,)):
        sys.exit(f"asv {' '.join(arguments)} ({kind}) failed:\n{done.stdout}{done.stderr}")
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = ended.ru_utime - used.ru_utime + ended.ru_stime - used.ru_stime
    return time.perf_counter() - started, cpu


def measure(folder: Path, kind: str, home: Path, launch: str) -> Iterator[tuple[str, float, float]]:
    """Yield (what, wall, CPU) of one turn of one type."""
    environment = folder / f"env-{kind}"
    if launch == "spawn":
        shutil.rmtree(environment, ignore_errors=True)
        yield "environment, made", *asv(folder, kind, home, "setup")
    options = ["--quick", "--launch-method", launch, "--dry-run"]
    one = ["--bench", "track_many_00"]
    asv(folder, kind, home, "run", "HEAD^!", *options, *one)
    single = asv(folder, kind, home, "run", "HEAD^!", *options, *one)
    yield f"a run, nothing new to install ({launch})", *single
    eleven = asv(folder, kind, home, "run", "HEAD^!", *options, "--bench", "track_many")
    process = per_unit(eleven, single, 10)
    yield f"a benchmark process ({launch})", *process
    several = asv(folder, kind, home, "run", f"HEAD~{COMMITS - 1}..HEAD", *options, *one)
    commit = per_unit(several, single, COMMITS - 2)
    yield f"a further commit, its benchmark included ({launch})", *commit
    yield (
        f"a further commit, without its benchmark ({launch})",
        commit[0] - process[0],
        commit[1] - process[1],
    )


def per_unit(more: tuple[float, float], fewer: tuple[float, float], units: int) -> tuple[float, float]:
    """Divide the difference of two runs by the number of units that one has more."""
    return (more[0] - fewer[0]) / units, (more[1] - fewer[1]) / units


def main() -> None:
    """Measure, keep every row, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=3, help="turns of each type (default 3)")
    parser.add_argument("--torch", action="store_true", help="environments and benchmarks with torch 2.13.0")
    parser.add_argument("--out", type=Path, default=Path("environments.jsonl"), help="rows, one a line")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, home = Path(temporary) / "toy", Path(temporary) / "home"
        home.mkdir()
        # The package caches stay the user's: what is measured is a warm one.
        for cache in ("uv", "pip"):
            source = Path("~/.cache").expanduser() / cache
            (home / ".cache").mkdir(exist_ok=True)
            (home / ".cache" / cache).symlink_to(source)
        make_project(folder, torch=options.torch)
        for kind, own in TYPES.items():
            matrix = {"req": {"torch": ["2.13.0"]}} if options.torch else {}
            configuration = {
                "version": 1,
                "project": "toy",
                "repo": ".",
                "branches": ["main"],
                "matrix": matrix,
            }
            folders = {"env_dir": f"env-{kind}", "results_dir": f"results-{kind}", "html_dir": "html"}
            (folder / f"{kind}.json").write_text(json.dumps(configuration | folders | own))
            subprocess.run(
                [sys.executable, "-m", "asv", "machine", "--yes", "--config", f"{kind}.json"],
                cwd=folder,
                env=dict(os.environ) | {"HOME": str(home)},
                capture_output=True,
                check=True,
            )
            asv(folder, kind, home, "setup")  # warms the caches
        rows: dict[tuple[str, str], list[tuple[float, float]]] = {}
        with options.out.open("a") as stream:
            for turn in range(options.repeat):
                for launch in ("spawn", "forkserver"):
                    for kind in list(TYPES) if turn % 2 == 0 else list(TYPES)[::-1]:
                        for what, wall, cpu in measure(folder, kind, home, launch):
                            rows.setdefault((what, kind), []).append((wall, cpu))
                            stream.write(json.dumps([turn, kind, what, wall, cpu]) + "\n")
                            stream.flush()
    print_table(rows)


def print_table(rows: dict[tuple[str, str], list[tuple[float, float]]]) -> None:
    """Print medians and the median of the turns' ratios as markdown."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{datetime.now(UTC):%Y-%m-%d}, {fingerprint().tag}, load {load}\n")  # noqa: T201
    print("| what | machmeter, s (CPU s) | virtualenv, s (CPU s) | ratio |")  # noqa: T201
    print("|---|---|---|---|")  # noqa: T201
    for what in dict.fromkeys(key[0] for key in rows):
        ours, theirs = rows[what, "machmeter"], rows[what, "virtualenv"]
        ratio = statistics.median(their[0] / our[0] for our, their in zip(ours, theirs, strict=True))
        print(f"| {what} | {cell(ours)} | {cell(theirs)} | {ratio:.1f} |")  # noqa: T201


def cell(values: list[tuple[float, float]]) -> str:
    """Spell the medians of wall and CPU seconds."""
    wall, cpu = (statistics.median(value[index] for value in values) for index in (0, 1))
    return f"{wall:.2f} ({cpu:.2f})"


if __name__ == "__main__":
    main()
