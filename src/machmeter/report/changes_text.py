"""Changes in a terminal, as markdown for issues, and as JSON lines for programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from machmeter.report import changes_labels, labels
from machmeter.report.markdown import code
from machmeter.results.change import CONFIRMED, REFUTED, REGRESSION, STANDS, SUSPECTED, Change

_STYLES: Final = {CONFIRMED: "bold red", REFUTED: "dim", SUSPECTED: ""}
#: Columns of a terminal with no room for a second blank between columns.
_NARROW: Final = 100

_HEADINGS: Final = ("Change", "95% interval", "Benchmark", "Commits", "Date", "Now", "Status", "Id")


def show(changes: Sequence[Change], on: Console) -> None:
    """Print one table a machine and environment: other hardware never stands in the same table.

    Parameters
    ----------
    changes : sequence of Change
        In the order they are to appear in.
    on : Console
        As `machmeter.report.text.console` makes it.
    """
    for (machine, environment), members in _by_place(changes):
        table = _empty_table(f"{machine}, {environment}", narrow=on.width < _NARROW)
        for change in members:
            table.add_row(*_cells(change))
        on.print(table)
        on.print()


def markdown(changes: Sequence[Change]) -> str:
    """Spell changes as tables of GitHub's markdown; names stay text whatever they hold."""
    return "\n".join(_markdown_table(*place) for place in _by_place(changes))


def json_lines(changes: Sequence[Change]) -> str:
    """Spell one JSON object a line."""
    return "".join(json.dumps(record(change), allow_nan=False) + "\n" for change in changes)


def record(change: Change) -> dict[str, Any]:
    """Turn a change into JSON's types; the keys stay."""
    fields = asdict(change)
    series = fields.pop("series")
    del fields["index"]
    known = {name: series[place] for place, name in enumerate(change.series._fields)}
    return {"id": fields.pop("identifier"), **known, **fields, "status": change.status}


def summary(shown: Sequence[Change], chosen: Sequence[Change], series: int) -> str:
    """Say in a sentence or two what there is."""
    regressions = [change for change in chosen if change.kind == REGRESSION]
    stand = sum(change.standing == STANDS for change in regressions)
    improvements = len(chosen) - len(regressions)
    found = f"{_count(len(regressions), 'regression')} in {series:,} series, {stand:,} still there"
    also = f"; {_count(improvements, 'improvement')}" if improvements else ""
    rest = len(chosen) - len(shown)
    more = f' The newest {len(shown):,} are shown; "--most 0" shows all.' if rest else ""
    return f"{found}{also}.{more}"


def _by_place(changes: Sequence[Change]) -> Iterator[tuple[tuple[str, str], list[Change]]]:
    def place(change: Change) -> tuple[str, str]:
        return change.series.machine, change.series.environment

    for where, members in groupby(sorted(changes, key=place), key=place):
        yield where, list(members)


def _empty_table(title: str, *, narrow: bool) -> Table:
    table = Table(
        title=Text(labels.printable(title), style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 0 if narrow else 1, 0, 0),
    )
    # With these least widths 80 columns hold commits and ids uncut.
    table.add_column("change", no_wrap=True, justify="right")
    table.add_column("benchmark", overflow="fold", min_width=18)
    table.add_column("commits", no_wrap=True)
    table.add_column("date, id", no_wrap=True)
    table.add_column("now", min_width=len("in 0123abcd"))
    return table


def _cells(change: Change) -> list[Text]:
    possible = changes_labels.possible_commits(change)
    name = _text(change.series.benchmark)
    if change.series.params:
        name += Text("\n") + _text(changes_labels.params(change))
    for cause in change.causes:
        name += Text("\n") + Text(labels.printable(f"also: {cause}"), style="yellow")
    colour = "red" if change.kind == REGRESSION else "green"
    return [
        Text(changes_labels.size(change) + "\n", style=colour).append(
            changes_labels.interval(change), style="dim"
        ),
        name,
        _text(changes_labels.commits(change)) + _below(f"or {possible}" if possible else ""),
        _text(changes_labels.date(change)) + _below(change.identifier),
        _text(changes_labels.standing(change))
        + _below(changes_labels.status(change), _STYLES[change.status]),
    ]


def _markdown_table(place: tuple[str, str], changes: Sequence[Change]) -> str:
    head = [f"**{code(place[0])}**, {code(place[1])}", "", _row(_HEADINGS), _row(["---"] * len(_HEADINGS))]
    return "\n".join([*head, *(_row(_markdown_cells(change)) for change in changes), ""])


def _markdown_cells(change: Change) -> list[str]:
    params = f"({changes_labels.params(change)})" if change.series.params else ""
    causes = [f"also {code(cause)}" for cause in change.causes]
    possible = changes_labels.possible_commits(change)
    return [
        changes_labels.size(change),
        changes_labels.interval(change) or labels.NOTHING,
        "<br>".join([code(change.series.benchmark + params), *causes]),
        changes_labels.commits(change) + (f"<br>or {possible}" if possible else ""),
        changes_labels.date(change),
        changes_labels.standing(change),
        changes_labels.status(change),
        f"`{change.identifier}`",
    ]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _below(text: str, style: str = "dim") -> Text:
    return Text("\n" + labels.printable(text), style=style) if text else Text()


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _text(content: str) -> Text:
    # A Text is never read as rich's markup: names come from other people's repositories.
    return Text(labels.printable(content))
