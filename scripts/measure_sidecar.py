#!/usr/bin/env python3
"""Measure what the sidecar costs a plain benchmark of 1 ms.

Usage: .venv/bin/python scripts/measure_sidecar.py [--processes N] [--out FILE]

A process runs the same benchmark with and without the sidecar in turns (ABBA), since two processes of the
same code differ by more than what is asked for. Reported are the ratio of asv's samples, which is what the
sidecar may change, and the wall time that taking a sample costs beside the sample.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from machmeter.machine.fingerprint import fingerprint
from machmeter.probe import sidecar

SUITE = """\
def spin():
    total = 0
    for number in range({loops}):
        total += number * number
    return total


def time_plain():
    spin()


def time_with_setup():
    spin()


time_with_setup.setup = lambda: None
for benchmark in (time_plain, time_with_setup):
    benchmark.repeat = 50
    benchmark.number = 1
    benchmark.warmup_time = 0.02
"""
#: Prints [ratio, seconds a call, seconds beside a sample]: lower quartiles of the samples of all turns.
RUN = """\
import json, statistics, sys, time
from asv_runner.benchmarks._base import Benchmark
from machmeter.probe.benchmark_types import install
from asv_runner._aux import update_sys_path
from asv_runner.discovery import get_benchmark_from_name

plain = Benchmark.do_run
install()
metered = Benchmark.do_run
update_sys_path(sys.argv[1])
samples, beside = {"with": [], "without": []}, {"with": [], "without": []}
for turn in range(16):
    for how in ("with", "without") if turn % 4 in (0, 3) else ("without", "with"):
        benchmark = get_benchmark_from_name(sys.argv[1], sys.argv[2])
        benchmark.do_setup()
        started = time.perf_counter()
        result = (metered if how == "with" else plain)(benchmark)
        wall = time.perf_counter() - started
        samples[how] += result["samples"]
        beside[how].append((wall - sum(result["samples"])) / len(result["samples"]))
quartile = {how: statistics.quantiles(found, n=4)[0] for how, found in samples.items()}
extra = statistics.median(beside["with"]) - statistics.median(beside["without"])
print(json.dumps([quartile["with"] / quartile["without"], quartile["without"], extra]))
"""


def loops_for(seconds: float) -> int:
    """Find how often the loop runs in the given time on this machine."""
    best = "print(min(timeit.repeat(spin, number=10, repeat=9)) / 10)"
    code = f"import timeit\n{SUITE.format(loops=20_000)}\n{best}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(20_000 * seconds / float(done.stdout))


def main() -> None:
    """Measure, keep every row, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=12, help="processes a benchmark (default 12)")
    parser.add_argument("--out", type=Path, default=Path("sidecar.jsonl"), help="rows, one a line")
    options = parser.parse_args()
    rows: dict[str, list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as temporary, options.out.open("a") as stream:
        suite = Path(temporary) / "benchmarks"
        suite.mkdir()
        (suite / "__init__.py").write_text("")
        (suite / "bench.py").write_text(SUITE.format(loops=loops_for(1e-3)))
        context = sidecar.Context(
            str(Path(temporary) / "samples.jsonl"), "c0ffee", "env", "tag", "node", "run"
        )
        environment = dict(os.environ) | {sidecar.VARIABLE: context.encode()}
        for _ in range(options.processes):
            for benchmark in ("bench.time_plain", "bench.time_with_setup"):
                command = [sys.executable, "-c", RUN, os.fspath(suite), benchmark]
                done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
                rows.setdefault(benchmark, []).append(json.loads(done.stdout))
                stream.write(json.dumps([benchmark, rows[benchmark][-1]]) + "\n")
                stream.flush()
    print_table(rows)


def print_table(rows: dict[str, list[list[float]]]) -> None:
    """Print medians over the processes as markdown."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{datetime.now(UTC):%Y-%m-%d}, {fingerprint().tag}, load {load}\n")  # noqa: T201
    print("| benchmark | a call, ms | with / without | range of the processes | beside a sample, ms |")  # noqa: T201
    print("|---|---|---|---|---|")  # noqa: T201
    for benchmark, found in rows.items():
        ratios, calls, beside = zip(*found, strict=True)
        cells = f"{statistics.median(calls) * 1e3:.2f} | {statistics.median(ratios):.4f}"
        spread = f"{min(ratios):.4f} to {max(ratios):.4f}"
        print(f"| {benchmark} | {cells} | {spread} | {statistics.median(beside) * 1e3:.2f} |")  # noqa: T201


if __name__ == "__main__":
    main()
