#!/usr/bin/env python3
"""Measure what the sidecar costs a plain benchmark of 1 ms: with and without it, in turns.

Usage: .venv/bin/python scripts/measure_sidecar.py [--pairs N] [--out FILE]

The benchmark process is asv_runner's own. Reported are the ratio of asv's sample, which is what the sidecar
may change, and the wall time that taking a sample costs beside the sample.
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
    benchmark.warmup_time = 0.05
"""
RUN = """\
import json, sys, time
from machmeter.probe.benchmark_types import install
from asv_runner._aux import update_sys_path
from asv_runner.discovery import get_benchmark_from_name

if sys.argv[3] == "with":
    install()
update_sys_path(sys.argv[1])
benchmark = get_benchmark_from_name(sys.argv[1], sys.argv[2])
benchmark.do_setup()
started = time.perf_counter()
result = benchmark.do_run()
print(json.dumps([result["samples"], result["number"], time.perf_counter() - started]))
"""


def measure(suite: Path, benchmark: str, how: str, environment: dict[str, str]) -> tuple[float, float]:
    """Run one benchmark process.

    Returns
    -------
    tuple of float, seconds
        Lower quartile of the samples a call, and wall time that the whole took beside its samples.
    """
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(suite), benchmark, how],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    samples, number, wall = json.loads(done.stdout)
    return statistics.quantiles(samples, n=4)[0], wall - sum(samples) * number


def loops_for(seconds: float) -> int:
    """Find how often the loop runs in the given time on this machine."""
    code = "import timeit; print(timeit.timeit('total += 7 * 7', 'total = 0', number=2_000_000) / 2_000_000)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(seconds / float(done.stdout))


def main() -> None:
    """Measure the pairs, keep every row, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=40, help="pairs of processes (default 40)")
    parser.add_argument("--out", type=Path, default=Path("sidecar.jsonl"), help="rows, one a line")
    options = parser.parse_args()
    rows: dict[str, list[tuple[float, float, float]]] = {}
    with tempfile.TemporaryDirectory() as temporary, options.out.open("a") as stream:
        suite = Path(temporary) / "benchmarks"
        suite.mkdir()
        (suite / "__init__.py").write_text("")
        (suite / "bench.py").write_text(SUITE.format(loops=loops_for(1e-3)))
        context = sidecar.Context(
            str(Path(temporary) / "samples.jsonl"), "c0ffee", "env", "tag", "node", "run"
        )
        environment = dict(os.environ) | {sidecar.VARIABLE: context.encode()}
        for pair in range(options.pairs):
            for benchmark in ("bench.time_plain", "bench.time_with_setup"):
                order = ("with", "without") if pair % 2 else ("without", "with")
                found = {how: measure(suite, benchmark, how, environment) for how in order}
                ratio = found["with"][0] / found["without"][0]
                beside = found["with"][1] - found["without"][1]
                rows.setdefault(benchmark, []).append((ratio, found["without"][0], beside))
                stream.write(json.dumps([pair, benchmark, found]) + "\n")
                stream.flush()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{datetime.now(UTC):%Y-%m-%d}, {fingerprint().tag}, load {load}, {options.pairs} pairs\n")  # noqa: T201
    print("| benchmark | a call, ms | with/without, median (standard error) | beside a sample, ms |")  # noqa: T201
    print("|---|---|---|---|")  # noqa: T201
    for benchmark, found in rows.items():
        ratios, calls, beside = zip(*found, strict=True)
        middle = statistics.median(ratios)
        # 1.2533 turns the standard error of a mean into that of a median (normal distribution).
        error = 1.2533 * statistics.stdev(ratios) / len(ratios) ** 0.5
        cells = f"{statistics.median(calls) * 1e3:.2f} | {middle:.4f} ({error:.4f})"
        print(f"| {benchmark} | {cells} | {statistics.median(beside) / 50 * 1e3:.2f} |")  # noqa: T201


if __name__ == "__main__":
    main()
