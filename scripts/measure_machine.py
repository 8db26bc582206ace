#!/usr/bin/env python3
"""Measure what identifying and judging this machine takes, and how often its health raises an alarm.

Usage: .venv/bin/python scripts/measure_machine.py [--suite-python PY] [--directory DIR] [--gpu] [--runs N]

Reported are the durations of the fingerprint, of the health check and of the limits, the spread of every
health kernel over the runs and the alarms among them, and the limits with their intervals.
"""

import argparse
import math
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from machmeter.machine import health, limits
from machmeter.machine.fingerprint import fingerprint
from machmeter.machine.kernels import Setting
from machmeter.model import HealthRecord, LimitsRecord
from machmeter.report import labels, machine_text

#: The issue's bounds.
MOST_S = {"fingerprint": 0.3, "health": 6.0, "limits": 60.0}


def main() -> None:
    """Measure, keep every record, print the tables."""
    options = parse()
    facts = fingerprint()
    setting = Setting(
        facts.tag, platform.node(), "measured", options.directory, options.suite_python, gpu=options.gpu
    )
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    fingerprints = [timed(fingerprint) for _ in range(20)]
    records = observe(setting, options.runs, options.out)
    found = limits.measure(setting)
    with options.out.open("a") as stream:
        stream.write(machine_text.to_json(found))
    report(f"{datetime.now(UTC):%Y-%m-%d}, {facts.tag}, load before {load}\n")
    durations = {
        "fingerprint": fingerprints,
        "health": [record.wall_s for record in records],
        "limits": [found.wall_s],
    }
    print_durations(durations)
    print_health(records)
    print_limits(found)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--suite-python", type=Path, help="python with torch and blosc2")
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()), help="for storage")
    parser.add_argument("--gpu", action="store_true", help="the kernels of the GPU too")
    parser.add_argument("--runs", type=int, default=55, help="health checks in a row (default 55)")
    parser.add_argument("--out", type=Path, default=Path("machine.jsonl"), help="records, one a line")
    return parser.parse_args()


def observe(setting: Setting, runs: int, out: Path) -> list[HealthRecord]:
    """Check the health again and again, each time against all checks before."""
    records: list[HealthRecord] = []
    with out.open("a") as stream:
        for _ in range(runs):
            records.append(health.check(setting, records))
            stream.write(machine_text.to_json(records[-1]))
            stream.flush()
    return records


def timed(work: Callable[[], object]) -> float:
    """Give the wall seconds of a call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def print_durations(durations: dict[str, list[float]]) -> None:
    """Print a row a command."""
    report("| what | runs | median, s | longest, s | asked for, s |\n|---|---|---|---|---|")
    for name, walls in durations.items():
        cells = f"{len(walls)} | {statistics.median(walls):.2f} | {max(walls):.2f} | {MOST_S[name]:g}"
        report(f"| {name} | {cells} |")


def print_health(records: list[HealthRecord]) -> None:
    """Print a row a kernel, and the verdicts."""
    report("\n| health kernel | median, sustained | spread | lowest | highest |\n|---|---|---|---|---|")
    for place, rate in enumerate(records[0].rates):
        if rate.unavailable is not None:
            report(f"| {rate.name} | {rate.unavailable} | - | - | - |")
            continue
        rates = [record.rates[place].sustained for record in records]
        middle = statistics.median(rates)
        spread = 1.4826 * statistics.median(abs(math.log(each / middle)) for each in rates)
        cells = f"{machine_text.spelled(middle, rate.unit)} | {spread:.1%}"
        report(f"| {rate.name} | {cells} | {min(rates) / middle - 1:+.1%} | {max(rates) / middle - 1:+.1%} |")
    judged = [record.health for record in records if record.health.verdict != "unknown"]
    alarms = [found.text for found in judged if found.slow]
    report(f"\n{len(judged)} checks judged, {len(alarms)} alarms{': ' if alarms else ''}{'; '.join(alarms)}")


def print_limits(record: LimitsRecord) -> None:
    """Print a row a limit."""
    report("\n| limit | median | 95% interval | repetitions | conditions |\n|---|---|---|---|---|")
    for limit in record.limits:
        if limit.unavailable is not None:
            report(f"| {limit.name} | - | - | - | {labels.printable(limit.unavailable)} |")
            continue
        median, low, high = (
            machine_text.spelled(each, limit.unit) for each in (limit.median, limit.low, limit.high)
        )
        report(f"| {limit.name} | {median} | {low} to {high} | {limit.repetitions} | {limit.conditions} |")


def report(text: str) -> None:
    """Print a part of the page."""
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
