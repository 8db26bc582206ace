"""One of asv's result files, of any project: decoded quickly, and in full where it is unusual."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

#: asv's version of the format; it has been the same since 2021 ("asv update" rewrites older files).
FORMAT: Final = 2

#: Milliseconds since 1970 of the last date that can be spelled.
_LAST_DATE: Final = 253_402_300_799_000

_LEADING_COLUMNS: Final = ["result", "params", "version"]
_NOT_JSON: Final = re.compile(rb"-?Infinity|NaN")


class Slot(NamedTuple):
    """Where a benchmark's values stand in a file.

    Parameters
    ----------
    benchmark : str
        asv's name.
    params : str
        JSON of the lists of its parameters' representations, for instance ``[["'a'","'b'"],["1"]]``.
    version : str or None
        asv's version of the benchmark: a digest of its code.
    """

    benchmark: str
    params: str
    version: str | None


@dataclass(frozen=True, slots=True, eq=False)
class ResultFile:
    """What a file says about one commit in one environment.

    Parameters
    ----------
    commit, environment : str
        Full hash, asv's name of the environment.
    date : int or None, milliseconds since 1970
        Of the commit.
    facts : str
        JSON of what asv knows of the machine.
    layout : tuple of Slot
        The benchmarks in the file's order.
    values : list of float
        Of all benchmarks, one after the other, the last parameter varying fastest; not a number where a
        benchmark failed or was skipped.
    problems : tuple of str
        Why some benchmark was left out.
    """

    commit: str
    environment: str
    date: int | None
    facts: str
    layout: tuple[Slot, ...]
    values: list[float | None]
    problems: tuple[str, ...] = ()


class _Row(msgspec.Struct, array_like=True, gc=False):
    result: list[float | None] | None
    params: msgspec.Raw = msgspec.Raw(b"[]")
    version: str | None = None


class _Content(msgspec.Struct, gc=False):
    commit_hash: str
    env_name: str
    version: int
    result_columns: list[str]
    results: dict[str, _Row]
    params: msgspec.Raw
    date: int | None = None


_DECODER: Final = msgspec.json.Decoder(_Content)


def decode(content: bytes) -> ResultFile:
    """Decode a file.

    Parameters
    ----------
    content : bytes
        The whole file.

    Raises
    ------
    ValueError
        If it is not complete JSON, or JSON that no asv has written; the message says which.
    """
    return _quickly(content) or _in_full(content)


@lru_cache(maxsize=4096)
def combinations(params: str) -> int:
    """Count the combinations of parameters.

    Raises
    ------
    ValueError
        If it is no list of lists.
    """
    return math.prod(len(values) for values in choices(params))


@lru_cache(maxsize=4096)
def choices(params: str) -> tuple[tuple[str, ...], ...]:
    """Decode the parameters of a `Slot`: the representations that each parameter takes."""
    found = json.loads(params)
    if not isinstance(found, list) or not all(isinstance(values, list) for values in found):
        msg = "its params are no list of lists"
        raise ValueError(msg)
    return tuple(tuple(map(str, values)) for values in found)


def _quickly(content: bytes) -> ResultFile | None:
    """Decode what asv usually writes; None for anything else.

    asv spells skipped results as NaN, which is no JSON: it becomes null, unless that may have changed a name.
    """
    spelled = _NOT_JSON.sub(b"null", content) if b"Infinity" in content else content.replace(b"NaN", b"null")
    try:
        found = _DECODER.decode(spelled)
        layout, values = _flat(found.results)
    except (ValueError, TypeError):  # msgspec's errors are ValueErrors
        return None
    if found.version != FORMAT or found.result_columns[:3] != _LEADING_COLUMNS or not _possible(found.date):
        return None
    facts = bytes(found.params).decode()
    if spelled is not content and _may_be_renamed(found, facts, layout):
        return None
    return ResultFile(found.commit_hash, found.env_name, found.date, facts, layout, values)


def _flat(results: Mapping[str, _Row]) -> tuple[tuple[Slot, ...], list[float | None]]:
    slots: list[Slot] = []
    values: list[float | None] = []
    for benchmark, row in results.items():
        params = str(row.params, "utf-8")
        expected = combinations(params)
        if row.result is None:
            values += [None] * expected
        elif len(row.result) == expected:
            values += row.result
        else:
            msg = f"{benchmark} has {len(row.result)} results for {expected} combinations of parameters"
            raise ValueError(msg)
        slots.append(Slot(benchmark, params, row.version))
    return tuple(slots), values


def _may_be_renamed(found: _Content, facts: str, layout: tuple[Slot, ...]) -> bool:
    texts = (found.commit_hash, found.env_name, facts)
    return any("null" in text for text in texts) or _has_null(layout)


@lru_cache(maxsize=256)
def _has_null(layout: tuple[Slot, ...]) -> bool:
    return any("null" in text for slot in layout for text in slot if text)


def _in_full(content: bytes) -> ResultFile:
    """Decode anything that may be asv's, benchmark by benchmark."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        msg = f"it is not complete JSON ({error})"
        raise ValueError(msg) from error
    if not isinstance(found, dict) or not {"commit_hash", "results"} <= set(found):
        msg = "it is no result file of asv"
        raise ValueError(msg)
    if found.get("version") != FORMAT:
        msg = f'its format is {found.get("version")!r}, not {FORMAT}; "asv update" rewrites old files'
        raise ValueError(msg)
    try:
        return _from_parts(found)
    except (KeyError, TypeError, AttributeError) as error:
        msg = f"it is no result file of asv ({type(error).__name__}: {error})"
        raise ValueError(msg) from error


def _from_parts(found: Mapping[str, Any]) -> ResultFile:
    columns = list(found["result_columns"])
    slots: list[Slot] = []
    values: list[float | None] = []
    problems: list[str] = []
    for benchmark, row in found["results"].items():
        try:
            slot, numbers = _parts(benchmark, dict(zip(columns, row, strict=False)))
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            problems.append(f"{benchmark}: {error}")
            continue
        slots.append(slot)
        values += numbers
    date, commit, environment = found.get("date"), found["commit_hash"], found["env_name"]
    if not (isinstance(commit, str) and isinstance(environment, str) and commit and _possible(date)):
        msg = "its commit, environment or date is impossible"
        raise TypeError(msg)
    facts = _spelled(dict(found.get("params") or {}))
    return ResultFile(commit, environment, date, facts, tuple(slots), values, tuple(problems))


def _possible(date: object) -> bool:
    return date is None or (isinstance(date, int) and 0 <= date <= _LAST_DATE)


def _parts(benchmark: str, cells: Mapping[str, Any]) -> tuple[Slot, list[float | None]]:
    params = _spelled([[str(value) for value in values] for values in cells.get("params") or []])
    version, result, expected = cells.get("version"), cells["result"], combinations(params)
    if result is None:
        result = [None] * expected
    if not isinstance(result, list) or len(result) != expected:
        msg = f"its result is not one number for each of {expected} combinations of parameters"
        raise ValueError(msg)
    if not all(isinstance(value, int | float | None) for value in result):
        msg = "a result is no number"
        raise TypeError(msg)
    numbers = [None if value is None else float(value) for value in result]
    return Slot(benchmark, params, None if version is None else str(version)), numbers


def _spelled(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
