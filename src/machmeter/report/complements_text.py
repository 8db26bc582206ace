"""Differences of memory and of torch's operators: in a terminal, and as JSON."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from machmeter.profiling.complements import Amount, Complement, Row
from machmeter.report import labels
from machmeter.report.frame_names import shown

_Spell = Callable[[float], str]
_Column = tuple[str, Callable[[Row], str]]

#: Call paths are told apart by their inner end; a deep one begins with an ellipsis.
_FRAMES: Final = 4
_NAME: Final = 120
_BINARY: Final = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
_LEFT: Final = frozenset({"status", "what", "call path", "name"})
_THINGS: Final = {"memory": "call paths", "torch": "operators and kernels"}


def lines(found: Complement, most: int = 12) -> list[str]:
    """Lay out a complement for a terminal: the whole, the rows that changed, and how many did not.

    Parameters
    ----------
    found : Complement
        Of one benchmark.
    most : int
        Rows that are shown; the others are counted.
    """
    changed = [row for row in found.rows if row.status]
    told = [_headline(found)]
    if changed:
        told += _table(_columns(found), changed[:most])
    left, same = len(changed) - most, len(found.rows) - len(changed)
    if left > 0:
        told.append(f"  {left} more {_THINGS[found.subject]} changed; --json lists them")
    if same:
        things = f"{same} of {len(found.rows)} {_THINGS[found.subject]}"
        told.append(f"  unchanged, within the spread or by less than 0.1%: {things}")
    return told


def document(base: str, head: str, found: Iterable[Complement]) -> str:
    """Everything, as one JSON object.

    Parameters
    ----------
    base, head : str
        Full hashes.
    found : iterable of Complement
        All of them.
    """
    rows = [_plain(each) for each in found]
    return json.dumps({"base": base, "head": head, "complements": rows}, indent=1) + "\n"


def size(value: float) -> str:
    """Spell bytes, "1.25 MiB"."""
    factor, unit = next((known for known in _BINARY if abs(value) >= known[0]), (1, "B"))
    # Whole digits are kept, "1016 KiB", and bytes have no others.
    digits = ".0f" if factor == 1 or abs(value) >= 99.95 * factor else ".3g"
    return f"{value / factor:{digits}} {unit}"


def duration(value: float) -> str:
    """Spell seconds; none at all are 0."""
    return labels.seconds(value) if value > 0 else "0"


def _headline(found: Complement) -> str:
    name = f"{found.benchmark}({', '.join(found.params)})" if found.params else found.benchmark
    if found.subject == "memory":
        told = [_total("peak memory", found.totals["bytes"], size)]
    else:
        told = [_total("operators' CPU time of an iteration", found.totals["cpu_s"], duration)]
        if _is_used(found.totals["device_s"]):
            told.append(_total("kernels' time on the GPU", found.totals["device_s"], duration))
    return f"{labels.printable(name)}: {'; '.join(told)}"


def _total(label: str, amount: Amount, spell: _Spell) -> str:
    verdict = "" if amount.changed else ", no change"
    return (
        f"{label} {spell(amount.before)}, then {spell(amount.after)} "
        f"({_signed(amount.delta, spell)}, spread {spell(amount.spread)}{verdict})"
    )


def _columns(found: Complement) -> list[_Column]:
    if found.subject == "memory":
        return [
            ("status", lambda row: row.status),
            *_amount("", "bytes", size),
            ("allocations", lambda row: _numbers(row.amounts["allocations"])),
            ("call path", _path),
        ]
    on_device = any(_is_used(row.amounts["device_s"]) for row in found.rows)
    return [
        ("status", lambda row: row.status),
        ("what", lambda row: row.what),
        ("calls", lambda row: _numbers(row.amounts["calls"])),
        *_amount("CPU ", "cpu_s", duration),
        *(_amount("GPU ", "device_s", duration) if on_device else ()),
        ("name", lambda row: shown(row.name[-1], _NAME)),
    ]


def _amount(title: str, measure: str, spell: _Spell) -> list[_Column]:
    return [
        (f"{title}before", lambda row: spell(row.amounts[measure].before)),
        (f"{title}after", lambda row: spell(row.amounts[measure].after)),
        (f"{title}change", lambda row: _signed(row.amounts[measure].delta, spell)),
        (f"{title}spread", lambda row: spell(row.amounts[measure].spread)),
    ]


def _table(columns: Sequence[_Column], rows: Sequence[Row]) -> list[str]:
    headings = [heading for heading, _ in columns]
    cells = [headings, *([cell(row) for _, cell in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [_line(row, headings, widths) for row in cells]


def _line(row: Sequence[str], headings: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.ljust(width) if heading in _LEFT else cell.rjust(width)
        for cell, heading, width in zip(row, headings, widths, strict=True)
    ]
    return ("  " + "  ".join(padded)).rstrip()


def _path(row: Row) -> str:
    role, *frames = row.name
    told = [shown(frame, _NAME) for frame in frames[-_FRAMES:]] or ["outside the project"]
    above = ["…"] if len(frames) > _FRAMES else []
    return " > ".join([*([] if role == "main" else [role]), *above, *told])


def _signed(value: float, spell: _Spell) -> str:
    return f"{'-' if value < 0 else '+'}{spell(abs(value))}" if value else "0"


def _numbers(amount: Amount) -> str:
    before, after = f"{amount.before:g}", f"{amount.after:g}"
    return after if before == after else f"{before} to {after}"


def _is_used(amount: Amount) -> bool:
    return any((*amount.base, *amount.head))


def _plain(found: Complement) -> dict[str, Any]:
    return {
        "subject": found.subject,
        "benchmark": found.benchmark,
        "params": found.params,
        "totals": _plain_amounts(found.totals),
        "rows": [
            {
                "what": row.what,
                "name": row.name,
                "status": row.status,
                "amounts": _plain_amounts(row.amounts),
            }
            for row in found.rows
        ],
    }


def _plain_amounts(amounts: Mapping[str, Amount]) -> dict[str, Any]:
    return {
        measure: {
            "base": amount.base,
            "head": amount.head,
            "delta": amount.delta,
            "spread": amount.spread,
            "changed": amount.changed,
        }
        for measure, amount in amounts.items()
    }
