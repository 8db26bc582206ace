"""Records of runs, and the events between them: what changed on the same hardware."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from machmeter.files import write_text
from machmeter.model import Event, RunRecord
from machmeter.results.layout import companion_dir

SCHEMA = 1

_FIELDS = {field.name for field in fields(RunRecord)}
_MISSING = "not on record"


def runs_dir(results_dir: Path, tag: str) -> Path:
    """Folder of one machine's run records."""
    return companion_dir(results_dir) / "runs" / tag


def write(results_dir: Path, record: RunRecord) -> None:
    """Keep the record of a run; writing it again replaces it.

    Raises
    ------
    UnwritableError
        If the folder cannot be written or the disk is full.
    """
    path = runs_dir(results_dir, record.tag) / f"{record.run}.json"
    write_text(path, json.dumps({"schema": SCHEMA, **asdict(record)}, indent=1) + "\n")


def read(results_dir: Path, tag: str) -> tuple[tuple[RunRecord, ...], tuple[str, ...]]:
    """Read all records of a machine.

    Returns
    -------
    records : tuple of RunRecord
        In the order of their start.
    problems : tuple of str
        One sentence for every file that is no record; it is left alone.
    """
    records: list[RunRecord] = []
    problems: list[str] = []
    for path in sorted(runs_dir(results_dir, tag).glob("*.json")):
        try:
            records.append(_record(json.loads(path.read_bytes())))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            problems.append(f"{path} is not the record of a run: {type(error).__name__}: {error}")
    return tuple(sorted(records, key=lambda record: (record.started_at, record.run))), tuple(problems)


def events(records: Iterable[RunRecord]) -> tuple[Event, ...]:
    """Find what changed from run to run on one tag.

    A run is compared with the one before it on the same node; the first run of a node with the last one
    of its twins, since a series goes on from one node to the other.

    Parameters
    ----------
    records : iterable of RunRecord
        Of one tag, in the order of their start.

    Returns
    -------
    tuple of Event
        One for every run that met another state, storage or thread setting.
    """
    return tuple(_events(records))


def _events(records: Iterable[RunRecord]) -> Iterator[Event]:
    latest: RunRecord | None = None
    by_node: dict[str, RunRecord] = {}
    for record in records:
        before = by_node.get(record.node, latest)
        changes = _changes(_facts(before), _facts(record)) if before is not None else {}
        if changes:
            yield Event(record.tag, record.node, record.run, record.started_at, changes)
        latest = by_node[record.node] = record


def _facts(record: RunRecord) -> dict[str, Any]:
    storage = {f"storage {name}": value for name, value in record.storage.items()}
    return {**record.state, **storage, **record.threads}


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = [*before, *(name for name in after if name not in before)]
    pairs = {name: (before.get(name, _MISSING), after.get(name, _MISSING)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _record(row: Mapping[str, Any]) -> RunRecord:
    if row["schema"] != SCHEMA:
        msg = f"its schema is {row['schema']!r}, this machmeter reads {SCHEMA}"
        raise ValueError(msg)
    record = RunRecord(**{name: value for name, value in row.items() if name in _FIELDS})
    texts = (record.run, record.tag, record.node, record.started_at, record.health)
    mappings = (record.state, record.storage, record.threads)
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(m, Mapping) for m in mappings):
        msg = "its fields are of other types"
        raise TypeError(msg)
    return record
