"""Records of the health of nodes and of their limits: one file a run, so that no writer loses another's."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from machmeter.files import write_text
from machmeter.model import HealthRecord, KernelRate, Limit, LimitsRecord
from machmeter.results import typed
from machmeter.results.layout import companion_dir

SCHEMA = 1

_FOLDERS = {HealthRecord: "health", LimitsRecord: "limits"}

_Record = TypeVar("_Record", HealthRecord, LimitsRecord)


def folder(results_dir: Path, kind: type[HealthRecord | LimitsRecord], tag: str) -> Path:
    """Folder of one machine's records of a kind."""
    return companion_dir(results_dir) / _FOLDERS[kind] / tag


def write(results_dir: Path, record: HealthRecord | LimitsRecord) -> Path:
    """Keep a record; writing that of the same run again replaces it.

    Returns
    -------
    Path
        Its file.

    Raises
    ------
    UnwritableError
        If the folder cannot be written or the disk is full.
    """
    path = folder(results_dir, type(record), record.tag) / f"{record.run}.json"
    write_text(path, json.dumps({"schema": SCHEMA, **asdict(record)}, indent=1, allow_nan=False) + "\n")
    return path


def read(results_dir: Path, tag: str) -> tuple[tuple[HealthRecord, ...], tuple[str, ...]]:
    """Read all observations of a machine's health, on any node.

    Returns
    -------
    records : tuple of HealthRecord
        In the order of their start.
    problems : tuple of str
        One sentence for every file that is no record; it is left alone.
    """
    return _read(results_dir, HealthRecord, tag)


def read_limits(results_dir: Path, tag: str) -> tuple[tuple[LimitsRecord, ...], tuple[str, ...]]:
    """Read all limits of a machine's nodes; as `read`."""
    return _read(results_dir, LimitsRecord, tag)


def _read(results_dir: Path, kind: type[_Record], tag: str) -> tuple[tuple[_Record, ...], tuple[str, ...]]:
    records: list[_Record] = []
    problems: list[str] = []
    for path in sorted(folder(results_dir, kind, tag).glob("*.json")):
        try:
            records.append(_record(kind, json.loads(path.read_bytes()), tag))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            problems.append(f"{path} is not a {kind.__name__}: {type(error).__name__}: {error}")
    return tuple(sorted(records, key=lambda record: (record.started_at, record.run))), tuple(problems)


def _record(kind: type[_Record], row: Any, tag: str) -> _Record:  # noqa: ANN401 - any JSON
    record = typed.build(kind, row)
    if row.get("schema") != SCHEMA:
        msg = f"its schema is {row.get('schema')!r}, this machmeter reads {SCHEMA}"
        raise ValueError(msg)
    if record.tag != tag:
        msg = f"it speaks for {record.tag}"
        raise ValueError(msg)
    parts = record.rates if isinstance(record, HealthRecord) else record.limits
    wrong = [part.name for part in parts if part.unavailable is None and not _positive(part)]
    if wrong:
        msg = f"a rate of {wrong[0]} is not above zero"
        raise ValueError(msg)
    return record


def _positive(part: KernelRate | Limit) -> bool:
    if isinstance(part, KernelRate):
        return min(part.sustained, part.undisturbed) > 0
    return 0 < part.low <= part.median <= part.high
