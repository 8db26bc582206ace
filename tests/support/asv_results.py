"""asv's result files as asv writes them: a test names only what it is about."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any

COLUMNS = ["result", "params", "version", "started_at", "duration"]
DAY_MS = 86_400_000
FIRST_DAY_MS = 1_767_225_600_000  # 2026-01-01


def commit_of(number: int) -> str:
    """A full hash for a number."""
    return sha1(str(number).encode(), usedforsecurity=False).hexdigest()


def row(result: Sequence[float | None] | None, *params: Sequence[str], version: str = "v1") -> list[Any]:
    """One benchmark's columns."""
    return [None if result is None else list(result), [list(each) for each in params], version, 0, 1.0]


def write_result(
    results_dir: Path,
    number: int,
    results: Mapping[str, Any],
    *,
    machine: str = "box",
    environment: str = "py3.11",
    **changes: Any,
) -> Path:
    """Write the file of a commit: the numbers are days."""
    commit = commit_of(number)
    content = {
        "commit_hash": commit,
        "env_name": environment,
        "date": FIRST_DAY_MS + number * DAY_MS,
        "params": {"machine": machine, "os": "Linux"},
        "result_columns": COLUMNS,
        "results": dict(results),
        "durations": {},
        "version": 2,
    }
    folder = results_dir / machine
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{commit[:8]}-{environment}.json"
    path.write_text(json.dumps(content | changes))
    return path


def write_history(
    results_dir: Path, values: Sequence[float], benchmark: str = "time_x", **named: Any
) -> None:
    """Write one result a commit."""
    version = named.pop("version", "v1")
    for number, value in enumerate(values):
        write_result(results_dir, number, {benchmark: row([value], version=version)}, **named)


def write_suite(results_dir: Path, **benchmarks: Mapping[str, Any]) -> None:
    """Write ``benchmarks.json``."""
    results_dir.mkdir(parents=True, exist_ok=True)
    (results_dir / "benchmarks.json").write_text(json.dumps({**benchmarks, "version": 2}))


def steps(*levels: float, each: int = 20, scatter: float = 0.004) -> list[float]:
    """Make levels with a little scatter that is the same every time."""
    return [
        level * (1 + scatter * (((7 * number) % 11) - 5) / 5)
        for place, level in enumerate(levels)
        for number in range(place * each, (place + 1) * each)
    ]
