#!/usr/bin/env python3
"""Measures the gate: false alarms on equal commits, power on injected slowdowns, coverage of its intervals.

Makes a git repository whose commits differ by an exact share of work, measures live verdicts and writes a row
for each pair and each verdict as it goes, so that an interrupted run loses nothing and the next one goes on.

    scripts/measure_gate.py --folder DIR record --condition quiet --effects 0 1 --verdicts 25 --out FILE
    scripts/measure_gate.py --folder DIR load 12 -- COMMAND ...        # beside 12 busy processes
    scripts/measure_gate.py --folder DIR continuous --condition quiet --out FILE   # asv's own comparison
    scripts/gate_tables.py FILE ...                                     # the tables of recorded rows

Needs the driver's environment (.venv) and makes two environments with torch.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from asv.config import Config
from asv.plugin_manager import plugin_manager
from asv.repo import get_repo
from gate_project import CONFIGURATION, EFFECTS, PROJECT, PYPROJECT, SUITE
from gate_tables import rows

from machmeter.gate import environments, pair, scout
from machmeter.gate.gate import Observer, Rule, decide
from machmeter.gate.questions import Question, ask
from machmeter.gate.stage import Stage

if TYPE_CHECKING:
    from machmeter.pairs import Pair

_BUSY = "while True: sum(i * i for i in range(10000))"
_UNITS = 1000


def main() -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True, help="where the repository is made, and kept")
    commands = parser.add_subparsers(required=True)
    record = commands.add_parser("record", help="take live verdicts")
    record.add_argument("--condition", required=True)
    record.add_argument("--effects", nargs="+", choices=EFFECTS, default=["0"])
    record.add_argument("--benchmarks", default="", help="regular expression")
    record.add_argument("--verdicts", type=int, default=5, help="for each benchmark and effect")
    record.add_argument("--threshold", type=float, default=0.01)
    record.add_argument("--budget", type=float, default=40.0)
    record.add_argument("--least-pairs", type=int, default=0, help="go on to so many after the verdict")
    record.add_argument("--rebuild", type=int, default=5, help="install anew after so many rounds")
    record.add_argument("--out", type=Path, required=True)
    record.set_defaults(run=_record)
    load = commands.add_parser("load", help="run a command beside busy processes")
    load.add_argument("--together", action="store_true", help="in the session of the command")
    load.add_argument("processes", type=int)
    load.add_argument("command", nargs=argparse.REMAINDER)
    load.set_defaults(run=_load)
    continuous = commands.add_parser("continuous", help="the same commits by asv continuous")
    continuous.add_argument("--condition", required=True)
    continuous.add_argument("--effects", nargs="+", choices=EFFECTS, default=["0", "1", "5"])
    continuous.add_argument("--times", type=int, default=3)
    continuous.add_argument("--out", type=Path, required=True)
    continuous.set_defaults(run=_continuous)
    given = parser.parse_args()
    return int(given.run(given) or 0)


def _say(line: str, stream: TextIO = sys.stderr) -> None:
    stream.write(line + "\n")
    stream.flush()


# Making the repository


def _repository(folder: Path) -> dict[str, str]:
    """Make the repository once; return the commit of each effect, and that of the base."""
    marker = folder / "commits.json"
    if marker.exists():
        return dict(json.loads(marker.read_text(encoding="utf-8")))
    (folder / "benchmarks").mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "benchmarks" / "suite.py").write_text(SUITE, encoding="utf-8")
    (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (folder / "asv.conf.json").write_text(json.dumps(CONFIGURATION), encoding="utf-8")
    (folder / ".gitignore").write_text(".asv\ncommits.json\n__pycache__\n", encoding="utf-8")
    _git(folder, "init", "-q", ".")
    commits = {"base": _commit(folder, _UNITS, "base")}
    for effect in EFFECTS:
        commits[effect] = _commit(folder, round(_UNITS * (1 + float(effect) / 100)), f"{effect}% more work")
    marker.write_text(json.dumps(commits), encoding="utf-8")
    return commits


def _commit(folder: Path, units: int, message: str) -> str:
    (folder / "project.py").write_text(PROJECT.replace("{units}", str(units)), encoding="utf-8")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return _git(folder, "rev-parse", "HEAD").strip()


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=machmeter", "-c", "user.email=machmeter@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


# Recording


def _record(given: argparse.Namespace) -> None:
    commits = _repository(given.folder)
    done = _counts(given.out, given.condition, given.threshold)
    out = given.out.absolute()
    with contextlib.chdir(given.folder):
        conf = Config.load()
        plugin_manager.import_plugin("asv.plugins.git")
        repo = get_repo(conf)
        for number in range(given.verdicts):
            for effect in given.effects:
                _round(conf, repo, commits, effect, number, done, given, out)


def _round(  # noqa: PLR0913, PLR0917 - one round of the campaign
    conf: Any,  # noqa: ANN401 - asv's
    repo: Any,  # noqa: ANN401
    commits: Mapping[str, str],
    effect: str,
    number: int,
    done: dict[tuple[str, str], int],
    given: argparse.Namespace,
    out: Path,
) -> None:
    """Take one verdict of every benchmark at one effect, from new zygotes, and new environments at times."""
    if number and number % given.rebuild == 0:
        # In the other environments: each commit has been measured from either.
        environments.install(conf, repo, commits["5" if effect != "5" else "2"], commits["base"])
        environments.install(conf, repo, commits[effect], commits["5" if effect != "5" else "2"])
    setting, _ = environments.install(conf, repo, commits["base"], commits[effect])
    with Stage(setting) as stage:
        questions, _, _ = ask(stage.open(), given.benchmarks or None, 60.0)
        for question in questions:
            if done[question.benchmark, effect] > number:
                continue
            _verdict(stage, question, effect, given, out)
            done[question.benchmark, effect] += 1


def _verdict(stage: Stage, question: Question, effect: str, given: argparse.Namespace, out: Path) -> None:
    """Take a live verdict, and go on to the least number of pairs."""
    key = f"{question.benchmark}-{effect}-{given.condition}-{time.time_ns()}"
    taken: list[Pair] = []
    began = time.monotonic()
    rule = Rule(given.threshold, 0.01, given.budget)
    verdict = decide(stage, [question], rule, Observer(taken.append))[0]
    seconds = time.monotonic() - began
    if verdict.word == "failed":
        _say(f"{question.benchmark}: {verdict.reason} {verdict.output}")
    plan = scout.scout(stage, question).plan if len(taken) < given.least_pairs else None
    while plan is not None and len(taken) < given.least_pairs:
        stage.renew()
        taken.append(pair.take(stage.sides(), question, plan, len(taken), stage.generation, fork=True))
    shared = {
        "benchmark": question.benchmark,
        "effect": effect,
        "condition": given.condition,
        "threshold": given.threshold,
        "verdict_key": key,
        "load": os.getloadavg()[0],
        "runnable": _runnable(),
    }
    rows = [shared | {"pair": asdict(each)} for each in taken]
    rows.append(shared | {"verdict": asdict(verdict), "live_s": seconds})
    with out.open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    _say(
        f"{time.strftime('%H:%M:%S')} {given.condition} {effect}% {question.benchmark}: {verdict.word} "
        f"{verdict.ratio or 0:.4f} [{verdict.low or 0:.4f}, {verdict.high or 0:.4f}] {verdict.clock} "
        f"{verdict.pairs} pairs {seconds:.1f} s"
    )


def _counts(path: Path, condition: str, threshold: float) -> dict[tuple[str, str], int]:
    """How many verdicts a file holds already, by benchmark and effect."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows([path]) if path.exists() else ():
        if "verdict" in row and row["condition"] == condition and row["threshold"] == threshold:
            counts[row["benchmark"], row["effect"]] += 1
    return counts


def _runnable() -> int:
    return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].split("/")[0])


def _load(given: argparse.Namespace) -> int:
    """Run a command beside busy processes, by default in a session of theirs, as another user's work is.

    Where the scheduler shares by session first (``sched_autogroup_enabled``), that decides how long the
    command waits; with ``--together`` it is one of many equals.
    """
    command = [each for each in given.command if each != "--"]
    crowd = f"import os\nfor _ in range({given.processes - 1}):\n    if not os.fork(): break\n{_BUSY}"
    busy = subprocess.Popen([sys.executable, "-c", crowd], start_new_session=not given.together)
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        if given.together:
            subprocess.run(["pkill", "-P", str(busy.pid)], check=False)
            busy.kill()
        else:
            os.killpg(busy.pid, signal.SIGKILL)


def _continuous(given: argparse.Namespace) -> None:
    """Run asv's own comparison of two commits: what it finds, and how long it takes."""
    commits = _repository(given.folder)
    for _ in range(given.times):
        for effect in given.effects:
            began = time.monotonic()
            done = subprocess.run(
                [
                    str(Path(sys.executable).with_name("asv")),
                    "continuous",
                    "--factor",
                    "1.001",
                    commits["base"],
                    commits[effect],
                ],
                cwd=given.folder,
                env=os.environ | {"MACHMETER_HEALTH": "off", "OMP_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
            found = [
                line.split("|")[-2].strip()
                for line in done.stdout.splitlines()
                if line.startswith(("| +", "| -"))
            ]
            row = {
                "continuous": found,
                "effect": effect,
                "condition": given.condition,
                "seconds": time.monotonic() - began,
            }
            with given.out.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
            _say(str(row))


if __name__ == "__main__":
    sys.exit(main())
