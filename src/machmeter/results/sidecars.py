"""Reading sidecars: JSON lines, one a sample, written by the benchmark processes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from machmeter.model import Pressure, Sample

#: Version of the line format; `machmeter.probe.sidecar` writes it.
SCHEMA = 1

_FIELDS = {field.name for field in fields(Sample)} - {"pressure", "params"}
_QUANTITIES = ("items", "wall_s", "bytes", "cpu_s", "run_delay_s", "gpu_s", "peak_rss_bytes")
_TEXTS = ("started_at", "benchmark", "commit", "environment", "tag", "node", "run")
_LEAST, _MOST = 1e-18, 1e18
_PRESSURE = {field.name for field in fields(Pressure)}


@dataclass(frozen=True, slots=True)
class Sidecars:
    """All readable samples of a folder, and what could not be read.

    Parameters
    ----------
    samples : tuple of Sample
        In the order of the file names, then of the lines.
    problems : tuple of str
        One sentence for every line or file that was left out, naming it.
    """

    samples: tuple[Sample, ...]
    problems: tuple[str, ...]


def read(folder: Path) -> Sidecars:
    """Read every ``*.jsonl`` below a folder; a missing folder holds no samples.

    Parameters
    ----------
    folder : Path
        One machine's sample folder, or the folder above for all machines.

    Returns
    -------
    Sidecars
        A half-written or foreign line is reported and left alone; it never hides its neighbours.
    """
    samples: list[Sample] = []
    problems: list[str] = []
    for path in sorted(folder.rglob("*.jsonl")):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{path} cannot be read: {error}")
            continue
        for number, line in _lines(text):
            try:
                samples.append(_sample(json.loads(line)))
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
                problems.append(f"{path}:{number} is not a sample: {_first_line(error)}")
    return Sidecars(tuple(samples), tuple(problems))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def _sample(row: Mapping[str, Any]) -> Sample:
    if row["schema"] != SCHEMA:
        msg = f"its schema is {row['schema']!r}, this machmeter reads {SCHEMA}"
        raise ValueError(msg)
    pressure = Pressure(**{key: row["pressure"].get(key) for key in _PRESSURE})
    known = {key: value for key, value in row.items() if key in _FIELDS}
    sample = Sample(params=tuple(row["params"]), pressure=pressure, **known)
    _check_types(sample)
    if not (sample.wall_s >= 0 and sample.items > 0):
        msg = f"wall_s {sample.wall_s!r} and items {sample.items!r} must be positive"
        raise ValueError(msg)
    return sample


def _check_types(sample: Sample) -> None:
    """Refuse values of other types than the model's: lines may come from anybody's program."""
    quantities = [getattr(sample, name) for name in _QUANTITIES]
    quantities += [getattr(sample.pressure, name) for name in _PRESSURE]
    wrong = [value for value in quantities if value is not None and not _is_quantity(value)]
    texts = [getattr(sample, name) for name in _TEXTS] + list(sample.params)
    wrong += [value for value in texts if not isinstance(value, str)]
    wrong += [value for value in (sample.round, sample.index) if type(value) is not int]
    wrong += [value for value in _optional_texts(sample) if not isinstance(value, str | None)]
    wrong += _wrong_amounts(sample.path)
    if wrong or None in (sample.wall_s, sample.items):
        msg = f"impossible value {(wrong or [None])[0]!r}"
        raise TypeError(msg)


def _optional_texts(sample: Sample) -> tuple[object, ...]:
    return sample.work, sample.health, sample.version, sample.conditions


def _wrong_amounts(path: object) -> list[object]:
    """Give what a path holds beside amounts above zero; most benchmarks have none."""
    if path is None:
        return []
    if not isinstance(path, Mapping):
        return [path]
    return [amount for amount in path.values() if not (_is_quantity(amount) and amount > 0)]


def _is_quantity(value: object) -> bool:
    """Whether a number is one, and so far from the limits that quotients are finite too."""
    # A bool is an int to Python, and no quantity.
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return value == 0 or _LEAST < value < _MOST


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
