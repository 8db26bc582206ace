#!/usr/bin/env python3
"""The git repository that the search for culprits is judged on: a base, and a commit for each slowdown.

    scripts/culprit_project.py --folder DIR make
    scripts/culprit_project.py --folder DIR calibrate --python PYTHON     # one with numpy and torch
    scripts/culprit_project.py --folder DIR table

The slowdowns, and how to write more of them, are in ``culprit_injections``. ``calibrate`` measures how much
slower each makes its benchmark, without profiling: base and head in turn, several processes a side, on one
processor; processor time, and wall time where a benchmark waits. ``DIR/commits.json`` keeps all.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from culprit_injections import BASE, HALVES, NONE, Injection, head_files, injections, unchanged

_DRIVER = Path(__file__).parent / "culprit_injections" / "driver.py"
_WAITING = ("suite.Series.time_series",)
_DATE = "2026-01-01T00:00:00Z"
_FILE = "commits.json"
_ROUND_S = 0.05


@dataclass(frozen=True)
class Commit:
    """A commit of the repository, and what is known about it.

    Parameters
    ----------
    commit : str
        Its hash.
    half : str
        The module of its injection; empty for the base and for commits that hold decoys alone.
    kind : str
        The kind of its injection; "base"; "none" for decoys alone.
    benchmark : str
        The benchmark that becomes slower.
    right : tuple of str
        The functions that may be named, as ``module:qualname``; empty where none may be.
    size : (float, float), percent
        How much slower the benchmark was meant to become.
    measured : (float, float, float) or None, percent
        How much slower it became, with its interval.
    digest : str
        Of its files: a commit of the same is kept.
    """

    commit: str
    half: str
    kind: str
    benchmark: str
    right: tuple[str, ...]
    size: tuple[float, float]
    measured: tuple[float, float, float] | None
    digest: str

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """Return what a file held."""
        return cls(
            **{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
        )

    @property
    def in_range(self) -> bool:
        """Whether the benchmark became as much slower as was meant; within a percent for decoys."""
        low, high = (-1.0, 1.0) if self.size == NONE else self.size
        return self.measured is not None and low <= self.measured[0] < high


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True, help="where the repository is made, and kept")
    commands = parser.add_subparsers(required=True)
    commands.add_parser("make", help="make what is missing").set_defaults(run=_make)
    commands.add_parser("table", help="show what was measured").set_defaults(run=_table)
    measure = commands.add_parser("calibrate", help="measure what was not measured")
    measure.add_argument("--python", default=sys.executable, help="a Python with numpy and torch")
    measure.add_argument("--only", nargs="*", default=[], help="identifiers; they are measured again")
    measure.add_argument("--processes", type=int, default=6, help="for each side")
    measure.add_argument("--pairs", type=int, default=25, help="of rounds, for each process")
    measure.add_argument("--processor", type=int, default=max(os.sched_getaffinity(0)))
    measure.set_defaults(run=_calibrate)
    given = parser.parse_args()
    given.run(given)


# Making the repository


def make(folder: Path) -> dict[str, Commit]:
    """Make the repository, or what it lacks.

    Parameters
    ----------
    folder : Path
        Of the repository; made where it is missing.

    Returns
    -------
    dict of str to Commit
        The commits by the identifiers of their injections, and "base".
    """
    known = read(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".git").exists():
        _git(folder, "init", "-q", "-b", "main", ".")
    found = {"base": _base(folder, known.get("base"))}
    for half in ("", *HALVES):
        for injection in injections(half) if half else unchanged():
            name = injection.identifier
            found[name] = _head(folder, found["base"], injection, half, known.get(name))
    _git(folder, "checkout", "-q", "-f", "main")
    write(folder, found)
    return found


def read(folder: Path) -> dict[str, Commit]:
    """Return the commits that a folder keeps."""
    path = folder / _FILE
    given = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: Commit.of(each) for name, each in given.items()}


def write(folder: Path, commits: Mapping[str, Commit]) -> None:
    """Keep the commits."""
    text = json.dumps({name: asdict(commit) for name, commit in commits.items()}, indent=1)
    (folder / _FILE).write_text(text, encoding="utf-8")


def _base(folder: Path, known: Commit | None) -> Commit:
    digest = _digest(BASE)
    if known is not None and known.digest == digest:
        return known
    ignored = {".gitignore": f".asv\n.trees\n{_FILE}\n__pycache__\n"}
    return Commit(_commit(folder, BASE | ignored, "base"), "", "base", "", (), NONE, None, digest)


def _head(folder: Path, base: Commit, injection: Injection, half: str, known: Commit | None) -> Commit:
    """Make the commit of an injection on top of the base, on a branch of its own."""
    files = head_files(injection)
    facts = (half, injection.kind, injection.benchmark, injection.right, injection.size)
    if known is not None and known.digest == _digest(files):
        return Commit(known.commit, *facts, known.measured, known.digest)
    _git(folder, "checkout", "-q", "-f", "--detach", base.commit)
    commit = _commit(folder, files, injection.identifier)
    _git(folder, "branch", "-f", f"heads/{injection.identifier}", commit)
    return Commit(commit, *facts, None, _digest(files))


def _digest(files: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(files.items())).encode()).hexdigest()


def _commit(folder: Path, files: Mapping[str, str], message: str) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return _git(folder, "rev-parse", "HEAD").strip()


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=machmeter", "-c", "user.email=machmeter@example.org"]
    dates = {"GIT_AUTHOR_DATE": _DATE, "GIT_COMMITTER_DATE": _DATE}
    command = ["git", *identity, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | dates, check=True, capture_output=True, text=True
    )
    return done.stdout


def _make(given: argparse.Namespace) -> None:
    found = make(given.folder)
    _say(f"{len(found)} commits in {given.folder}.")


# Measuring them


def _calibrate(given: argparse.Namespace) -> None:
    """Measure each commit that was not measured; keep each result at once."""
    commits = make(given.folder)
    for name, commit in commits.items():
        wanted = name in given.only if given.only else commit.measured is None
        if name == "base" or not wanted:
            continue
        ratios = list(_ratios(given, commits["base"], commit))
        commits[name] = replace(commit, measured=_interval(ratios))
        write(given.folder, commits)
        _say(_line(name, commits[name]))


def _ratios(given: argparse.Namespace, base: Commit, head: Commit) -> Iterator[float]:
    """Yield the time of a head over that of the base, of pairs of rounds."""
    trees = [_tree(given, commit.commit) for commit in (base, head)]
    clock = 1 if head.benchmark in _WAITING else 0
    for _ in range(given.processes):
        with ExitStack() as stack:
            sides = [stack.enter_context(_side(given, tree, head.benchmark)) for tree in trees]
            warm = [_ask(side, 3)[clock] for side in (*sides, *sides)]
            # A process of its own for each import is a round already.
            count = 1 if ".timeraw_" in head.benchmark else max(1, round(3 * _ROUND_S / warm[-1]))
            for turn in range(given.pairs):
                order = sides if turn % 2 else sides[::-1]
                taken = {side.pid: _ask(side, count)[clock] for side in order}
                yield taken[sides[1].pid] / taken[sides[0].pid]


@contextmanager
def _side(given: argparse.Namespace, tree: Path, benchmark: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process that runs a benchmark of a commit; end it afterwards."""
    command = ["taskset", "-c", str(given.processor), given.python, str(_DRIVER), str(tree), benchmark]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as side:
        yield side


def _ask(side: subprocess.Popen[str], count: int) -> tuple[float, float]:
    """Let a process run a benchmark; return processor and wall time, in seconds."""
    if side.stdin is None or side.stdout is None:
        raise ValueError("The process has no pipes.")
    side.stdin.write(f"{count}\n")
    side.stdin.flush()
    cpu_s, wall_s = map(float, side.stdout.readline().split())
    return cpu_s, wall_s


def _tree(given: argparse.Namespace, commit: str) -> Path:
    """Return a folder with the files of a commit, compiled as an installed package is."""
    tree: Path = (given.folder / ".trees" / commit[:12]).absolute()
    if not tree.exists():
        _git(given.folder, "worktree", "prune")
        _git(given.folder, "worktree", "add", "-q", "--detach", str(tree), commit)
        subprocess.run([given.python, "-m", "compileall", "-q", str(tree)], check=True)
    return tree


def _interval(ratios: list[float]) -> tuple[float, float, float]:
    """Return the median with an interval, in percent (order statistics, about 95%)."""
    ordered = sorted((ratio - 1) * 100 for ratio in ratios)
    outside = max(0, int((len(ordered) - 1.96 * len(ordered) ** 0.5) / 2))
    return statistics.median(ordered), ordered[outside], ordered[-1 - outside]


# Showing them


def _table(given: argparse.Namespace) -> None:
    for name, commit in read(given.folder).items():
        if name != "base":
            _say(_line(name, commit))


def _line(name: str, commit: Commit) -> str:
    """Return a row of a Markdown table."""
    size = "{:g}-{:g}%".format(*commit.size)
    measured = "{:+.1f}% [{:.1f}, {:.1f}]".format(*commit.measured) if commit.measured else "not yet"
    word = "" if commit.in_range or not commit.measured else " (outside)"
    return f"| {name} | {commit.kind} | {commit.benchmark} | {size} | {measured}{word} |"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
