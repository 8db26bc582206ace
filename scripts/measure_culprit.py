#!/usr/bin/env python3
"""Measures how often the function that made a commit slower is named: on injected slowdowns and equal code.

    scripts/measure_culprit.py --folder DIR injections --half first --out FILE   # one row an injection
    scripts/measure_culprit.py --folder DIR equal --times 200 --out FILE         # commits that are no slower
    scripts/measure_culprit.py tables FILE ...                                   # the tables of recorded rows

Each row is a live comparison: the gate's verdict, then profiles of both commits, as "machmeter flame" does.
A row is written as soon as it is known, so an interrupted run goes on where it stopped. Needs the driver's
environment (.venv) and makes two environments with torch.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import culprit_project
from asv.config import Config
from asv.plugin_manager import plugin_manager
from asv.repo import get_repo
from culprit_project import Commit

from machmeter.errors import MachmeterError
from machmeter.gate import environments
from machmeter.gate.explain import explain
from machmeter.gate.gate import Rule, decide
from machmeter.gate.questions import ask
from machmeter.gate.scout import scout
from machmeter.gate.single import exactly
from machmeter.gate.stage import Stage
from machmeter.gate.watching import Manner
from machmeter.pairs import Verdict

#: What equal commits are also asked to explain: a false alarm of the gate.
_PRETENDED = 1.03
_SMALL, _LARGE = 2.0, 5.0
#: Short statements in interpreters of their own are hardly seen (docs/decisions/0007).
_RAW = "suite.timeraw_import"


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path(), help="of the repository; made where missing")
    commands = parser.add_subparsers(required=True)
    injected = commands.add_parser("injections", help="profile each injected slowdown")
    injected.add_argument("--half", required=True)
    injected.add_argument("--only", nargs="*", default=[])
    injected.set_defaults(run=_injections)
    equal = commands.add_parser("equal", help="profile commits that are no slower")
    equal.add_argument("--times", type=int, default=200)
    equal.set_defaults(run=_equal)
    for command in (injected, equal):
        command.add_argument("--seconds", type=float, default=20.0, help="of profiles a side")
        command.add_argument("--budget", type=float, default=30.0, help="of the gate, in seconds")
        command.add_argument("--out", type=Path, required=True)
    tables = commands.add_parser("tables", help="show recorded rows")
    tables.add_argument("files", nargs="+", type=Path)
    tables.set_defaults(run=_tables)
    given = parser.parse_args()
    given.run(given)


def _injections(given: argparse.Namespace) -> None:
    commits = culprit_project.make(given.folder)
    done = {row["name"] for row in _rows([given.out])}
    out = given.out.absolute()
    for name, commit in commits.items():
        wanted = name in given.only if given.only else commit.half == given.half and name not in done
        if wanted:
            _record(given, out, commits["base"], {name: commit})


def _equal(given: argparse.Namespace) -> None:
    """Compare the base with commits of decoys alone, in new processes each; a commit has one stage."""
    commits = culprit_project.make(given.folder)
    equal = [(name, commit) for name, commit in commits.items() if not commit.half and name != "base"]
    benchmarks = sorted({each.benchmark for each in commits.values() if each.half} - {_RAW})
    turns = range(sum(1 for _ in _rows([given.out])), given.times)
    out = given.out.absolute()
    for place, chosen in groupby(turns, lambda turn: turn // len(benchmarks)):
        name, commit = equal[place % len(equal)]
        heads = {
            f"{name}-{turn}": replace(commit, benchmark=benchmarks[turn % len(benchmarks)]) for turn in chosen
        }
        _record(given, out, commits["base"], heads)


def _record(given: argparse.Namespace, out: Path, base: Commit, heads: Mapping[str, Commit]) -> None:
    """Write a row for each benchmark of one commit."""
    (commit,) = {head.commit for head in heads.values()}
    with contextlib.chdir(given.folder):
        conf = Config.load()
        plugin_manager.import_plugin("asv.plugins.git")
        setting, environment = environments.install(conf, get_repo(conf), base.commit, commit)
        with Stage(setting) as stage:
            discovered = stage.open()
            for name, head in heads.items():
                began = time.monotonic()
                row: dict[str, Any] = {"name": name, **asdict(head), "load": os.getloadavg()[0]}
                try:
                    row |= _compared(stage, discovered, environment, head, given)
                except MachmeterError as error:
                    row |= {"refused": error.fact}
                row["seconds"] = time.monotonic() - began
                with out.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(row) + "\n")
                _report(name, head, row)


def _report(name: str, head: Commit, row: Mapping[str, Any]) -> None:
    said = row.get("named") or row.get("reason") or row.get("refused")
    seconds = f"{row['seconds']:.0f} s"
    _say(f"{time.strftime('%H:%M:%S')} {name} ({head.kind}): {row.get('ratio')} {said} {seconds}")


def _compared(
    stage: Stage,
    discovered: Mapping[str, Mapping[str, Any]],
    environment: str,
    head: Commit,
    given: argparse.Namespace,
) -> dict[str, Any]:
    pattern = exactly((head.benchmark.removeprefix("suite."), ()))[1:]  # asv may put the module's name before
    questions, _, _ = ask(discovered, pattern, 60.0)
    (verdict,) = decide(stage, questions, Rule(budget_s=given.budget))
    plan = scout(stage, questions[0]).plan
    if plan is None or verdict.ratio is None:
        return {"refused": verdict.reason or verdict.word}
    if not head.half:  # equal code: what if the gate had raised a false alarm?
        verdict = _pretended(verdict)
    found, profiles = explain(
        stage,
        questions[0],
        plan,
        verdict,
        Manner(seconds=given.seconds),
        environment=environment,
        repository=Path(),
    )
    named = found.culprit.name if found.culprit is not None else ""
    return {
        "word": verdict.word,
        "clock": verdict.clock,
        "ratio": verdict.ratio,
        "low": verdict.low,
        "high": verdict.high,
        "named": named,
        "via": found.culprit.via if found.culprit is not None else "",
        "culprit": None if found.culprit is None else asdict(found.culprit),
        "reason": found.reason,
        "notes": found.notes,
        "order": [each.name for each in found.functions[:8]],
        "profiles": len(profiles),
        "stacks": sum(each.count for each in profiles),
        "overhead": sorted(each.facts.overhead for each in profiles),
        "delayed": max(each.facts.delayed for each in profiles),
    }


def _pretended(verdict: Verdict) -> Verdict:
    ratio = verdict.ratio or 1.0
    moved = _PRETENDED / ratio
    low, high = (verdict.low or ratio) * moved, (verdict.high or ratio) * moved
    return replace(verdict, ratio=_PRETENDED, low=low, high=high)


def _rows(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for path in files:
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                yield json.loads(line)


def _tables(given: argparse.Namespace) -> None:
    rows = list(_rows(given.files))
    injected = [row for row in rows if row["half"]]
    _say("| half | size | injections | refused | first | among three | named | named rightly |")
    _say("|---|---|---:|---:|---:|---:|---:|---:|")
    for half in sorted({row["half"] for row in injected}):
        for label, low, high in (("2-5%", _SMALL, _LARGE), ("5% and more", _LARGE, 1e9)):
            chosen = [row for row in injected if row["half"] == half and low <= _size(row) < high]
            if chosen:
                _say(f"| {half} | {label} | {_counts(chosen)} |")
    _say("")
    _say("| injection | kind | benchmark | true | gate | named | rank | stacks |")
    _say("|---|---|---|---:|---:|---|---:|---:|")
    for row in injected:
        _say(_line(row))
    equal = [row for row in rows if not row["half"]]
    if equal:
        named = sum(bool(row.get("named")) for row in equal)
        refused = sum("refused" in row for row in equal)
        _say(f"\nEqual code, {len(equal)} comparisons ({refused} refused): {named} named somebody.")
    watched = [each for row in rows for each in row.get("overhead", ())]
    if watched:
        watched.sort()
        _say(f"Overhead of {len(watched)} profiles: median {watched[len(watched) // 2]:+.1%}.")


def _size(row: dict[str, Any]) -> float:
    """Percent that the benchmark became slower: as calibrated, or as the gate found it."""
    measured = row.get("measured")
    return float(measured[0]) if measured else 100 * (row.get("ratio", 1.0) - 1)


def _counts(rows: Sequence[dict[str, Any]]) -> str:
    counts: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        right, order = set(row["right"]), row.get("order", [])
        counts["refused"] += "refused" in row
        counts["first"] += bool(right & set(order[:1]))
        counts["three"] += bool(right & set(order[:3]))
        counts["named"] += bool(row.get("named"))
        counts["rightly"] += row.get("named") in right
    names = ("refused", "first", "three", "named", "rightly")
    return " | ".join(str(each) for each in (len(rows), *(counts[name] for name in names)))


def _line(row: dict[str, Any]) -> str:
    right, order = set(row["right"]), row.get("order", [])
    rank = next((place + 1 for place, name in enumerate(order) if name in right), "")
    named = row.get("named") or "nobody"
    gate = f"{100 * (row['ratio'] - 1):+.1f}%" if row.get("ratio") else row.get("refused", "")[:40]
    cells = (row["name"], row["kind"], row["benchmark"], f"{_size(row):+.1f}%", gate, named, rank)
    return "| " + " | ".join(map(str, (*cells, row.get("stacks", "")))) + " |"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
