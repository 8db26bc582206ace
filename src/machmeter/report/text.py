"""The summary in a terminal, and as JSON lines for programs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import IO, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from machmeter.report import labels
from machmeter.report.summary import Row

#: Wide enough for any row: nothing is cut or wrapped where no person looks.
_PIPED_WIDTH = 100_000

_WARNINGS = ("works differ", "work changed", "all contended")


def console(stream: IO[str] | None = None) -> Console:
    """Make a console with colours and the terminal's width on a terminal, plain and unlimited elsewhere."""
    on_terminal = Console(file=stream)
    if on_terminal.is_terminal:
        return on_terminal
    return Console(file=stream, width=_PIPED_WIDTH, color_system=None)


def show(
    rows: Sequence[Row], on: Console, parameter_names: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Print the tables of `tables`, a blank line after each."""
    for table in tables(rows, parameter_names):
        on.print(table)
        on.print()


def tables(
    rows: Sequence[Row], parameter_names: Mapping[str, Sequence[str]] | None = None
) -> Iterator[Table]:
    """Lay out rows as one table a machine and environment: other hardware never stands in the same table.

    Parameters
    ----------
    rows : sequence of Row
        In the order they are to appear in.
    parameter_names : mapping of str to sequence of str, optional
        Names of a benchmark's parameters.
    """
    names = parameter_names or {}
    ordered = sorted(rows, key=_place)
    for (machine, environment), members in groupby(ordered, key=_place):
        table = _empty_table(machine, environment)
        for row in members:
            table.add_row(*_cells(row, names.get(row.series.benchmark, ())))
        yield table


def json_lines(rows: Sequence[Row]) -> str:
    """Spell rows as JSON, one object a line; seconds are per item."""
    return "".join(json.dumps(record(row), allow_nan=False) + "\n" for row in rows)


def record(row: Row) -> dict[str, Any]:
    """Turn a row into JSON's types, the derived figures included."""
    fields = asdict(row)
    del fields["series"]
    return {
        **row.series._asdict(),
        **fields,
        "items_per_s": row.items_per_s,
        "decided_by_contended": row.decided_by_contended,
        "works_differ": row.works_differ,
    }


def _place(row: Row) -> tuple[str, str]:
    return row.series.machine, row.series.environment


def _empty_table(machine: str, environment: str) -> Table:
    title = Text(labels.printable(f"{machine}, {environment}"), style="bold")
    # Without a second blank between columns, and with these least widths, 80 columns hold every word uncut.
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0)
    )
    table.add_column("benchmark", overflow="fold", min_width=10)
    table.add_column("params", overflow="fold", min_width=6)
    table.add_column("commit", no_wrap=True)
    for heading in ("s/item", "CPU s/item", "items/s", "n"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("marks", overflow="fold", min_width=len("contended"))
    return table


def _cells(row: Row, parameter_names: Sequence[str]) -> list[Text]:
    found = labels.marks(row)
    return [
        _text(row.series.benchmark),
        _text(labels.parameters(row.series.params, parameter_names)),
        _text(labels.short_commit(row.commit)),
        _text(labels.seconds(row.wall.median)),
        _text(labels.seconds(row.cpu.median) if row.cpu else labels.NOTHING),
        _text(labels.rate(row.items_per_s)),
        _text(str(row.samples)),
        Text(", ".join(found), style="yellow" if any(mark in _WARNINGS for mark in found) else ""),
    ]


def _text(content: str) -> Text:
    # A Text is never read as rich's markup: names come from other people's repositories.
    return Text(labels.printable(content))
