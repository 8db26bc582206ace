#!/usr/bin/env python3
"""Prints the tables of what `measure_gate.py` recorded: live verdicts, pairs, replayed verdicts, intervals.

Usage: scripts/gate_tables.py FILE ...
"""

import contextlib
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from machmeter.analysis.comparison import LOOKS, judge, weigh

#: Rows of pairs by condition, injected percentage and benchmark.
Groups = Mapping[tuple[str, str, str], Sequence[Mapping[str, Any]]]


def main() -> None:
    """Print the tables."""
    found = list(rows(Path(name) for name in sys.argv[1:]))
    verdicts = [row for row in found if "verdict" in row]
    pairs = defaultdict(list)
    for row in found:
        if "pair" in row:
            pairs[row["condition"], row["effect"], row["benchmark"]].append(row)
    tables = [_live_table(verdicts), _pair_table(pairs), _replay_table(pairs)]
    tables += [_coverage_table(verdicts, pairs)]
    tables += [_continuous_table([row for row in found if "continuous" in row])]
    sys.stdout.write("\n".join(tables))


def _heading(*names: str) -> list[str]:
    return ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]


def rows(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Rows of recorded files; a line that was cut off is passed over."""
    for path in files:
        with path.open(encoding="utf-8") as stream:
            for line in stream:
                with contextlib.suppress(ValueError):
                    yield json.loads(line)


def _live_table(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = _heading(
        "condition",
        "threshold",
        "injected",
        "benchmark",
        "verdicts",
        "slower",
        "faster",
        "unchanged",
        "inconclusive",
        "median s",
        "longest s",
        "median pairs",
    )
    groups = defaultdict(list)
    for row in rows:
        for name in (row["benchmark"].split(".")[-1], "all but waiting", "all"):
            if name != "all but waiting" or "wait" not in row["benchmark"]:
                groups[row["condition"], row["threshold"], float(row["effect"]), name].append(row)
    for key, members in sorted(groups.items(), key=str):
        words = [row["verdict"]["word"] for row in members]
        seconds = [row["live_s"] for row in members]
        counts = [words.count(word) for word in ("slower", "faster", "unchanged", "inconclusive")]
        cells = [key[0], f"{key[1]:.1%}", f"{key[2]:g}%", key[3], len(words), *counts]
        cells += [f"{np.median(seconds):.1f}", f"{max(seconds):.1f}"]
        cells += [f"{np.median([row['verdict']['pairs'] for row in members]):.0f}"]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "Live verdicts\n\n" + "\n".join(lines) + "\n"


def _clock(rows: Sequence[Mapping[str, Any]]) -> str:
    return "wall" if "wait" in rows[0]["benchmark"] else "cpu"


def _values(rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    clock = _clock(rows)
    usable = [row["pair"] for row in rows if clock == "cpu" or not row["pair"]["contended"]]
    return np.array([pair[clock] for pair in usable if pair[clock] is not None])


def _pair_table(groups: Groups) -> str:
    lines = _heading(
        "condition",
        "injected",
        "benchmark",
        "pairs",
        "median",
        "mean ± error",
        "SD",
        "robust SD",
        "s a pair",
        "first-forked effect",
        "load",
    )
    for (condition, effect, benchmark), rows in sorted(groups.items()):
        values = _values(rows) * 100
        if not len(values):
            continue
        signs = np.array([1 if row["pair"]["first"] == "head" else -1 for row in rows])
        signs = signs if len(values) == len(rows) else signs[:0]
        first = ""
        if len(signs):
            first = f"{np.median(values[signs > 0]) - np.median(values[signs < 0]):+.2f}%"
        robust = 1.4826 * np.median(np.abs(values - np.median(values)))
        seconds = np.median([row["pair"]["seconds"] for row in rows])
        load = np.median([row["load"] for row in rows])
        lines.append(
            f"| {condition} | {effect}% | {benchmark} | {len(values)} | {np.median(values):+.3f}% "
            f"| {values.mean():+.3f} ± {values.std() / len(values) ** 0.5:.3f}% | {values.std():.2f}% "
            f"| {robust:.2f}% | {seconds:.2f} | {first} | {load:.1f} |"
        )
    return "Pairs\n\n" + "\n".join(lines) + "\n"


def _replay_table(groups: Groups, times: int = 400) -> str:
    """Replay the sequential rule on recorded pairs, none twice within a verdict."""
    lines = _heading(
        "condition",
        "injected",
        "benchmark",
        "threshold",
        "verdicts",
        "slower",
        "faster",
        "unchanged",
        "inconclusive",
        "median pairs",
        "covered",
    )
    random = np.random.default_rng(20261120)
    for (condition, effect, benchmark), rows in sorted(groups.items()):
        values = _values(rows)
        most = max((look for look in LOOKS if look <= len(values) * 0.7), default=0)
        if most < LOOKS[2]:
            continue
        threshold = min(0.01, float(effect) / 100 or 0.01)
        told = [_replay(random.choice(values, most, replace=False), threshold) for _ in range(times)]
        words = [word for word, _, _ in told]
        true = _true(groups, effect, benchmark)
        covered = np.mean([low <= true <= high for _, _, (low, high) in told])
        counts = [words.count(word) / times for word in ("slower", "faster", "unchanged", "inconclusive")]
        used = np.median([number for _, number, _ in told])
        lines.append(
            f"| {condition} | {effect}% | {benchmark} | {threshold:.1%} | {times} | "
            + " | ".join(f"{count:.1%}" for count in counts)
            + f" | {used:.0f} of {len(values)} | {covered:.1%} |"
        )
    return "Replayed verdicts\n\n" + "\n".join(lines) + "\n"


def _replay(values: np.ndarray, threshold: float) -> tuple[str, int, tuple[float, float]]:
    for look in [look for look in LOOKS if look <= len(values)]:
        evidence = weigh(values[:look], threshold=threshold)
        word = judge(evidence, discovered=evidence.p_value <= 0.01, threshold=threshold)  # noqa: PLR2004 - alpha
        if word != "undecided":
            break
    said = "inconclusive" if word == "undecided" else word
    return said, look, (math.log(evidence.low), math.log(evidence.high))


def _coverage_table(verdicts: Sequence[Mapping[str, Any]], groups: Groups) -> str:
    """How many of the live intervals hold the true ratio.

    That is 1 for equal commits, and otherwise the median of all pairs of that benchmark: a fixed overhead
    makes it a little less than what was injected.
    """
    lines = _heading("condition", "injected", "intervals", "hold the true ratio")
    held = defaultdict(list)
    for row in verdicts:
        given = row["verdict"]
        if given["low"] is not None and given["high"] is not None:
            true = math.exp(_true(groups, row["effect"], row["benchmark"]))
            held[row["condition"], float(row["effect"])].append(given["low"] <= true <= given["high"])
    for (condition, effect), each in sorted(held.items()):
        lines.append(f"| {condition} | {effect:g}% | {len(each)} | {np.mean(each):.1%} |")
    return "Live intervals of 95%\n\n" + "\n".join(lines) + "\n"


def _true(groups: Groups, effect: str, benchmark: str) -> float:
    if effect == "0":
        return 0.0
    same = [rows for (_, injected, name), rows in groups.items() if (injected, name) == (effect, benchmark)]
    return float(np.median(np.concatenate([_values(rows) for rows in same])))


def _continuous_table(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = _heading("condition", "injected", "runs", "benchmarks named a run", "median s")
    groups = defaultdict(list)
    for row in rows:
        groups[row["condition"], float(row["effect"])].append(row)
    for (condition, effect), members in sorted(groups.items()):
        named = np.mean([len(row["continuous"]) for row in members])
        seconds = np.median([row["seconds"] for row in members])
        lines.append(f"| {condition} | {effect:g}% | {len(members)} | {named:.1f} of 6 | {seconds:.0f} |")
    return "asv continuous\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
