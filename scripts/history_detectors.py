#!/usr/bin/env python3
"""Judge the changes that one detector reports: `history_detectors.py NAME JOBS ANSWER`.

The same rules for machmeter, asv, otava and ruptures, each in the interpreter it is installed for;
`measure_history.py` makes the jobs and reads the answer.
"""

import importlib
import itertools
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Position, sign, and the first and last position where the change may be, of every change reported.
Report = list[tuple[int, int, int, int]]
Detector = Callable[[NDArray[np.float64]], Report]
Row = dict[str, float]

#: A report this many positions from the step has found it.
STRICT, LOOSE = 5, 10

#: Commits that a replay waits for a report.
PATIENCE = 20

#: Lengths whose CPU time is taken; one run is enough where it takes longer than this many milliseconds.
TIMED = (200, 500, 10_000)
LONG_MS = 5_000


class Job(NamedTuple):
    """One series to judge; with `replay` commit by commit from the step on."""

    family: str
    size: float
    at: int
    sign: int
    replay: bool
    values: list[float]


def machmeter_detector() -> Detector:
    """Ours."""
    change_points = importlib.import_module("machmeter.analysis.changepoints").change_points

    return lambda values: [
        (each.index, 1 if each.after > each.before else -1, each.first, each.last)
        for each in change_points(values)
    ]


def plain(index: int, before: float, after: float) -> tuple[int, int, int, int]:
    """Report a change of a detector that names one place only."""
    return index, 1 if after > before else -1, index, index


def asv_detector() -> Detector:
    """asv's steps; the sign is that of neighbouring levels."""
    detect_steps = importlib.import_module("asv.step_detect").detect_steps

    def detect(values: NDArray[np.float64]) -> Report:
        steps = detect_steps(list(values))
        return [plain(b[0], a[2], b[2]) for a, b in itertools.pairwise(steps)]

    return detect


def otava_detector() -> Detector:
    """otava's change points (Hunter's algorithm)."""
    compute = importlib.import_module("otava.analysis").compute_change_points

    def detect(values: NDArray[np.float64]) -> Report:
        found, _ = compute(list(values))
        return [plain(int(each.index), each.stats.mean_1, each.stats.mean_2) for each in found]

    return detect


def ruptures_detector() -> Detector:
    """PELT with the penalty of the Bayesian information criterion, as ruptures' compiled code has it."""
    ruptures = importlib.import_module("ruptures")

    def detect(values: NDArray[np.float64]) -> Report:
        series = np.log(values)
        low, high = np.quantile(np.diff(series), [0.16, 0.84])
        model = ruptures.KernelCPD(kernel="linear", min_size=3).fit(series)
        cuts = [0, *model.predict(pen=np.log(series.size) * ((high - low) / 2) ** 2)]
        means = [series[a:b].mean() for a, b in itertools.pairwise(cuts)]
        return [plain(cut, a, b) for cut, (a, b) in zip(cuts[1:], itertools.pairwise(means), strict=False)]

    return detect


MAKERS: Mapping[str, Callable[[], Detector]] = {
    "machmeter": machmeter_detector,
    "asv": asv_detector,
    "otava": otava_detector,
    "ruptures": ruptures_detector,
}


def judge(detect: Detector, job: Job) -> dict[str, float]:
    """Give one job's row: found within `STRICT`, `LOOSE`, or its range; the false ones; or the delay."""
    values = np.array(job.values)
    if job.replay:
        return {"delay": delay(detect, job, values)}
    reported = detect(values)
    right = [report for report in reported if job.size and report[1] == job.sign]
    off = [abs(index - job.at) for index, *_ in right]
    found = any(each <= STRICT for each in off)
    near = any(each <= LOOSE for each in off)
    ranged = found or any(first <= job.at <= last for *_, first, last in right)
    return {"found": found, "near": near, "ranged": ranged, "false": len(reported) - near}


def delay(detect: Detector, job: Job, values: NDArray[np.float64]) -> int:
    """Count the commits measured after the first slow one until it is reported; `PATIENCE` if not by then."""
    for late in range(PATIENCE):
        reported = detect(values[: job.at + 1 + late])
        if any(abs(index - job.at) <= STRICT and sign == job.sign for index, sign, *_ in reported):
            return late
    return PATIENCE


def judge_all(name: str, jobs: Sequence[Job]) -> list[dict[str, float]]:
    """Judge every job, with a line of progress on standard error."""
    detect, rows, begun = MAKERS[name](), [], time.monotonic()
    for number, job in enumerate(jobs, 1):
        rows.append(judge(detect, job))
        if number % 500 == 0:
            sys.stderr.write(f"{name}: {number} of {len(jobs)} after {time.monotonic() - begun:.0f} s\n")
    return rows


def timings(name: str) -> dict[int, float]:
    """Milliseconds of CPU time for one series of each length with one step of 5%: median of five runs."""
    detect, taken = MAKERS[name](), {}
    for n in TIMED:
        rng = np.random.default_rng(n)
        values = np.exp(rng.normal(0, 0.02, n)) * np.where(np.arange(n) < n // 2, 1.0, 1.05)
        runs = []
        for _ in range(5):
            begun = time.process_time()
            detect(values)
            runs.append(1e3 * (time.process_time() - begun))
            if runs[-1] > LONG_MS:
                break
        taken[n] = float(np.median(runs))
    return taken


def main(name: str, source: Path, target: Path) -> None:
    """Judge all jobs of a file and write rows and times into another."""
    jobs = [Job(*row) for row in json.loads(source.read_text())]
    target.write_text(json.dumps({"rows": judge_all(name, jobs), "timings": timings(name)}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
