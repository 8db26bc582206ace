"""A node's health and limits in a terminal, and as JSON for programs."""

import json
from dataclasses import asdict
from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

from machmeter.model import Health, HealthRecord, KernelRate, Limit, LimitsRecord
from machmeter.report import labels

#: Rates are kept in GB/s and GFLOP/s; shown is what one says.
_SCALES: Final = {"GB/s": (1e9, "B/s"), "GFLOP/s": (1e9, "FLOP/s"), "iterations/s": (1.0, "it/s")}
_STYLES: Final = {"healthy": "green", "slow": "red", "unknown": "yellow"}


def health_table(record: HealthRecord) -> Table:
    """Lay out an observation: a row a kernel, the verdict as the title."""
    title = Text.assemble(
        (_plain(f"{record.tag} on {record.node}: "), "bold"),
        (_plain(record.health.text), f"bold {_STYLES.get(record.health.verdict, '')}"),
    )
    table = _table(title, ("kernel", "sustained", "undisturbed", "n", "remark"))
    for rate in record.rates:
        table.add_row(
            _text(rate.name),
            _rate(rate.sustained, rate.unit),
            _rate(rate.undisturbed, rate.unit),
            Text(str(rate.repetitions)),
            _text(_remark(rate, record.health)),
        )
    return table


def limits_table(record: LimitsRecord) -> Table:
    """Lay out a node's limits: a row a limit, with its interval."""
    title = Text(_plain(f"{record.tag} on {record.node}: limits"), style="bold")
    table = _table(title, ("limit", "median", "95% from", "to", "n", "remark"))
    for limit in record.limits:
        rates = [_rate(value, limit.unit) for value in (limit.median, limit.low, limit.high)]
        table.add_row(_text(limit.name), *rates, Text(str(limit.repetitions)), _text(_note(limit)))
    return table


def advice(health: Health) -> str:
    """Say what to do about a verdict; nothing for a healthy node."""
    if health.verdict == "healthy":
        return ""
    if health.verdict == "unknown":
        return "Not judged: " + "; ".join(map(_plain, health.unknown)) + "."
    interrupted = [each.kernel for each in health.slow if each.interrupted]
    slower = [each.kernel for each in health.slow if not each.interrupted]
    parts = []
    if interrupted:
        parts.append(
            f"{', '.join(interrupted)}: as fast as ever in between, so other processes or a CPU quota take "
            'the core ("machmeter doctor" names them).'
        )
    if slower:
        parts.append(
            f"{', '.join(slower)}: slower in every repetition, so look at clocks, governor, memory, storage, "
            'and work on sibling threads ("machmeter doctor").'
        )
    return " ".join(parts)


def spelled(value: float, unit: str) -> str:
    """Spell a rate of a kernel, for instance "20.2 GB/s"."""
    factor, short = _SCALES.get(unit, (1.0, unit))
    return labels.rate(value * factor, short)


def to_json(record: HealthRecord | LimitsRecord) -> str:
    """Spell a record as one JSON object on one line."""
    return json.dumps(asdict(record), allow_nan=False) + "\n"


def _table(title: Text, headings: tuple[str, ...]) -> Table:
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0)
    )
    for heading in headings:
        is_name = heading in {"kernel", "limit", "remark"}
        table.add_column(
            heading, overflow="fold", justify="left" if is_name else "right", no_wrap=not is_name
        )
    return table


def _remark(rate: KernelRate, health: Health) -> str:
    """Say what is wrong with a kernel, else under which conditions its rate holds."""
    slow = next((each for each in health.slow if each.kernel == rate.name), None)
    if slow is not None:
        return f"{slow.by:.0%} slower than usual" + (", interrupted" if slow.interrupted else "")
    return rate.unavailable or rate.conditions


def _note(limit: Limit) -> str:
    return limit.unavailable or limit.conditions


def _rate(value: float, unit: str) -> Text:
    return Text(spelled(value, unit) if unit else labels.NOTHING)


def _plain(content: str) -> str:
    return labels.printable(content)


def _text(content: str) -> Text:
    return Text(_plain(content))
