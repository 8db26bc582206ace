#!/usr/bin/env python3
"""Measure how often the sequential rule of the gate is right, on simulated or on recorded null pairs.

Usage: .venv/bin/python scripts/measure_sequential.py [--runs N] [--out docs/measurements/sequential.md]
       .venv/bin/python scripts/measure_sequential.py --pairs FILE [--inject 0.01 ...] [--limit 40]

Simulated: what a pair's log ratio may look like, and nothing of a machine. Recorded: FILE has one JSON object
a line with "benchmark", "generation" and "log_ratio", of base and head of the same code, in the order of
measuring. Each verdict takes one benchmark's generations in a new random order, none twice, and adds the
injected slowdown to the log ratios.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import log1p
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from machmeter.analysis.comparison import LOOKS, false_discoveries, judge, weigh
from machmeter.analysis.looks import sequential_p_value

ALPHA = 0.01
DATE = "2026-11-20"

Values = NDArray[np.float64]
Groups = NDArray[np.int_]
Source = Callable[[np.random.Generator, int], tuple[Values, Groups | None]]


@dataclass(frozen=True, slots=True)
class Ending:
    """How one simulated comparison ended."""

    decision: str
    pairs: int
    covered: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """Shares and means over many endings."""

    changed: float
    unchanged: float
    undecided: float
    pairs: float
    slowest: float
    covered: float


def normal(rng: np.random.Generator, count: int) -> Values:
    """Draw normal noise with a standard deviation of 1."""
    return rng.normal(size=count)


def student(freedom: int, rng: np.random.Generator, count: int) -> Values:
    """Draw Student noise, scaled to a standard deviation of 1."""
    noise: Values = rng.standard_t(freedom, size=count) * np.sqrt((freedom - 2) / freedom)
    return noise


def with_outliers(share: float, rng: np.random.Generator, count: int) -> Values:
    """Draw normal noise in which some pairs are hit on one side: 5 to 30% at a pair deviation of 0.8%."""
    hit = rng.random(count) < share
    outliers: Values = hit * rng.choice([-1, 1], size=count) * rng.uniform(6, 37, size=count)
    return rng.normal(size=count) + outliers


NOISES: dict[str, Callable[[np.random.Generator, int], Values]] = {
    "normal": normal,
    "Student, 5 degrees": partial(student, 5),
    "Student, 3 degrees": partial(student, 3),
    "2% outliers": partial(with_outliers, 0.02),
    "5% outliers": partial(with_outliers, 0.05),
}


def simulated(noise: str, deviation: float, length: int = 1, offset: float = 0.0) -> Source:
    """Give a source of null pairs whose generations of `length` share a random offset."""

    def draw(rng: np.random.Generator, count: int) -> tuple[Values, Groups | None]:
        groups = np.arange(count) // length
        shared = rng.normal(size=count)[groups] * offset
        return NOISES[noise](rng, count) * deviation + shared, groups if length > 1 else None

    return draw


def compare(values: Values, groups: Groups | None, effect: float, threshold: float, limit: int) -> Ending:
    """Look at the pairs until the rule decides or the limit is reached, one benchmark alone in its suite."""
    shifted = values + log1p(effect)
    available = min(limit, values.size)
    looks = [look for look in LOOKS if look <= available] or [available]
    for look in looks:
        part = None if groups is None else groups[:look]
        evidence = weigh(shifted[:look], threshold=threshold, generations=part)
        decision = judge(evidence, discovered=evidence.p_value <= ALPHA, threshold=threshold)
        if decision != "undecided":
            break
    return Ending(decision, look, evidence.low <= 1 + effect <= evidence.high)


def repeat(source: Source, runs: int, limit: int, effect: float = 0.0, threshold: float = 0.01) -> Summary:
    """Compare many times and sum up."""
    rng = np.random.default_rng(20261120)
    endings = [compare(*source(rng, limit), effect, threshold, limit) for _ in range(runs)]
    pairs = np.array([ending.pairs for ending in endings])
    decisions = [ending.decision for ending in endings]
    return Summary(
        changed=sum(decision in {"slower", "faster"} for decision in decisions) / runs,
        unchanged=decisions.count("unchanged") / runs,
        undecided=decisions.count("undecided") / runs,
        pairs=float(pairs.mean()),
        slowest=float(np.quantile(pairs, 0.95)),
        covered=sum(ending.covered for ending in endings) / runs,
    )


def table(head: str, rows: Iterator[list[str]]) -> str:
    """Lay out rows below a head whose columns are separated by bars."""
    columns = head.split(" | ")
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def percent(share: float) -> str:
    """Write a share in percent."""
    return f"{share:.1%}" if share else "0"


def targets(runs: int) -> str:
    """Tabulate false alarms on nulls and power at the threshold, within a limit of pairs."""
    head = (
        "noise | deviation | threshold | limit, null / change | null: false alarm | inconclusive"
        " | pairs, mean / 95% | change of the threshold: found | called unchanged | pairs, mean / 95%"
    )

    def rows() -> Iterator[list[str]]:
        cases = [(noise, 0.008, 0.01, 40, 28, runs) for noise in NOISES]
        cases += [("5% outliers", 0.008, 0.01, 40, 40, runs)]
        cases += [("normal", deviation, 0.01, 256, 256, runs) for deviation in (0.004, 0.012, 0.016, 0.03)]
        cases += [
            ("2% outliers", 0.016, 0.01, 256, 256, runs),
            ("Student, 3 degrees", 0.016, 0.01, 256, 256, runs),
        ]
        cases += [(noise, 0.008, 0.005, 90, 90, runs // 2) for noise in ("normal", "2% outliers")]
        cases += [(noise, 0.008, 0.002, 600, 600, runs // 5) for noise in ("normal", "2% outliers")]
        for noise, deviation, threshold, wait, within, count in cases:
            source = simulated(noise, deviation)
            null = repeat(source, count, wait, 0.0, threshold)
            change = repeat(source, count, within, threshold, threshold)
            yield [
                noise,
                percent(deviation),
                percent(threshold),
                f"{wait} / {within}",
                f"{null.changed:.2%}",
                percent(null.undecided),
                f"{null.pairs:.1f} / {null.slowest:.0f}",
                percent(change.changed),
                percent(change.unchanged),
                f"{change.pairs:.1f} / {change.slowest:.0f}",
            ]

    return table(head, rows())


def coverage(runs: int) -> str:
    """Tabulate how often the 95% interval at the moment of stopping holds the true ratio."""
    effects = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05)

    def rows() -> Iterator[list[str]]:
        for noise in NOISES:
            for deviation in (0.004, 0.008, 0.016):
                source = simulated(noise, deviation)
                shares = (repeat(source, runs, 256, effect).covered for effect in effects)
                yield [noise, percent(deviation), *map(percent, shares)]

    return table("noise | deviation | " + " | ".join(f"true {effect:.1%}" for effect in effects), rows())


def clusters(runs: int) -> str:
    """Tabulate what generations with a shared offset do to size, power and interval."""
    head = (
        "pairs a generation | offset | deviation | null: false alarm | p <= 1% at any look"
        " | inconclusive at 96 | pairs | 1%: found by 40 | found by 96 | called unchanged | pairs"
        " | interval, null / 1%"
    )

    def rows() -> Iterator[list[str]]:
        alone = [(deviation, 1, 0.0) for deviation in (0.004, 0.008)]
        shared = list(product((0.004, 0.008), (2, 3, 4), (0.0, 0.003, 0.005)))
        for deviation, length, offset in alone + shared:
            source = simulated("normal", deviation, length, offset)
            null, change = repeat(source, runs, 96), repeat(source, runs, 96, 0.01)
            early = repeat(source, runs, 40, 0.01)
            yield [
                str(length),
                percent(offset),
                percent(deviation),
                f"{null.changed:.2%}",
                f"{rejections(source, runs, (ALPHA,))[0]:.2%}",
                percent(null.undecided),
                f"{null.pairs:.1f}",
                percent(early.changed),
                percent(change.changed),
                percent(change.unchanged),
                f"{change.pairs:.1f}",
                f"{percent(null.covered)} / {percent(change.covered)}",
            ]

    return table(head, rows())


def rejections(source: Source, runs: int, levels: tuple[float, ...], limit: int = 96) -> list[float]:
    """Give the shares of null runs in which the sequential p-value ever falls to each level."""
    rng = np.random.default_rng(20261121)
    found = np.array([sequential_p_value(*source(rng, limit)) for _ in range(runs)])
    return [float(np.mean(found <= level)) for level in levels]


def sizes(runs: int) -> str:
    """Tabulate how often the sequential p-value falls to a level when nothing stops the measuring."""
    levels = (0.1, 0.01, 0.001)

    def rows() -> Iterator[list[str]]:
        for noise in NOISES:
            shares = rejections(simulated(noise, 0.008), runs, levels)
            yield [noise, *(f"{share:.3%}" for share in shares)]

    return table("noise | " + " | ".join(f"p <= {level:g}" for level in levels), rows())


def suites(runs: int) -> str:
    """Tabulate the false discovery rate of whole suites, decided look by look."""

    def rows() -> Iterator[list[str]]:
        for benchmarks, slower in ((20, 0), (20, 1), (20, 5), (100, 0), (100, 1)):
            rng = np.random.default_rng(20261122)
            counts = np.array([suite(rng, benchmarks, slower) for _ in range(runs)])
            false, true = counts[:, 0], counts[:, 1]
            rate = float(np.mean(false / np.maximum(1, false + true)))
            power = "" if not slower else percent(float(true.mean()) / slower)
            yield [str(benchmarks), str(slower), f"{rate:.2%}", f"{np.mean(false > 0):.2%}", power]

    head = (
        "benchmarks | slower by 1% | false discovery rate | suites with a false alarm | found within 40 pairs"
    )
    return table(head, rows())


def suite(rng: np.random.Generator, benchmarks: int, slower: int) -> tuple[int, int]:
    """Decide one suite, the first of whose benchmarks are slower, and count false and true changes."""
    source = simulated("normal", 0.008)
    values = [source(rng, 40)[0] + (log1p(0.01) if i < slower else 0.0) for i in range(benchmarks)]
    decided: dict[int, str] = {}
    p_values = np.ones(benchmarks)
    for look in (look for look in LOOKS if look <= len(values[0])):
        running = [i for i in range(benchmarks) if i not in decided]
        found = {i: weigh(values[i][:look], threshold=0.01) for i in running}
        p_values[running] = [found[i].p_value for i in running]
        discovered = false_discoveries(p_values, ALPHA)
        for i in running:
            decision = judge(found[i], discovered=bool(discovered[i]), threshold=0.01)
            if decision != "undecided":
                decided[i] = decision
    changed = [i for i, decision in decided.items() if decision in {"slower", "faster"}]
    return sum(i >= slower for i in changed), sum(i < slower for i in changed)


def recorded(path: Path) -> dict[str, list[Values]]:
    """Read recorded null pairs: for each benchmark the log ratios of each generation."""
    found: dict[str, dict[str, list[float]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        generations = found.setdefault(row["benchmark"], {})
        generations.setdefault(str(row["generation"]), []).append(row["log_ratio"])
    return {name: [np.array(ratios) for ratios in groups.values()] for name, groups in found.items()}


def shuffled(generations: list[Values]) -> Source:
    """Give a source that draws recorded generations in a random order, none twice."""

    def draw(rng: np.random.Generator, count: int) -> tuple[Values, Groups | None]:
        order = rng.permutation(len(generations))
        values = np.concatenate([generations[i] for i in order])[:count]
        groups = np.repeat(np.arange(order.size), [generations[i].size for i in order])[:count]
        return values, groups

    return draw


def replayed(path: Path, effects: list[float], threshold: float, limit: int, runs: int) -> str:
    """Tabulate verdicts resampled from recorded null pairs, with and without a slowdown added."""
    head = "benchmark | recorded | injected | slower or faster | unchanged | inconclusive | pairs | interval"

    def rows() -> Iterator[list[str]]:
        for name, generations in recorded(path).items():
            for effect in (0.0, *effects):
                result = repeat(shuffled(generations), runs, limit, effect, threshold)
                yield [
                    name,
                    str(sum(ratios.size for ratios in generations)),
                    percent(effect),
                    *map(percent, (result.changed, result.unchanged, result.undecided)),
                    f"{result.pairs:.1f}",
                    percent(result.covered),
                ]

    return table(head, rows())


def document(runs: int) -> str:
    """Write the whole page of simulations."""
    return f"""# How often the sequential rule is right

`scripts/measure_sequential.py --runs {runs}`, {DATE}. **Simulated noise, no machine time**: log ratios of
process pairs, independent unless generations are named, alpha = 1%, one benchmark alone in its suite unless
said otherwise. "Deviation" is the standard deviation of one pair's log ratio (of its normal part where there
are outliers). Outliers hit single pairs by 6 to 37 deviations, either side alike. A share of 1% comes with a
standard error of {np.sqrt(0.01 * 0.99 / runs):.2%}, one of 95% with {np.sqrt(0.05 * 0.95 / runs):.2%}.

## False alarms and power

{targets(runs)}
## The sequential p-value when nothing stops it

Null pairs up to 96, looked at 11 times. The bound over all 20 looks is the level itself.

{sizes(5 * runs)}
## The 95% interval at the moment of stopping

Threshold 1%, limit 256 pairs.

{coverage(runs)}
## Generations that share a random offset

Normal noise, threshold 1%.

{clusters(runs)}
## Whole suites

Normal noise, deviation 0.8%, {runs // 10} suites each; Benjamini-Hochberg over all benchmarks at each look.

{suites(runs // 10)}"""


def main() -> None:
    """Print the tables, and write them where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=Path, help="recorded null pairs, JSON lines")
    parser.add_argument("--inject", type=float, nargs="*", default=[], help="slowdowns to add, as shares")
    parser.add_argument("--threshold", type=float, default=0.01)
    parser.add_argument(
        "--limit", type=int, default=40, help="pairs after which a comparison is inconclusive"
    )
    parser.add_argument("--runs", type=int, default=2000, help="comparisons a row")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.pairs:
        text = replayed(given.pairs, given.inject, given.threshold, given.limit, given.runs)
    else:
        text = document(given.runs)
    sys.stdout.write(text)
    if given.out:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
