"""The table of the functions that changed; ``flamegraph.js`` sorts it."""

import math
from collections.abc import Iterable
from typing import Final

from machmeter.profiles import Difference, FunctionChange
from machmeter.report import culprit_text
from machmeter.report.frame_names import shown
from machmeter.report.markup import Markup, element, join

#: Bytes of rows; functions that find no room are counted.
ROOM: Final = 120_000

#: Functions named as callers.
_CALLERS: Final = 2

_HEADINGS: Final = ("Function", "Before", "After", "Change", "Significant", "Code edited", "Status")
_NUMBERS: Final = {"Before", "After", "Change"}
_WORDS: Final = {True: "yes", False: "no", None: "unknown"}


def render(difference: Difference) -> Markup:
    """Lay out the functions, significant ones first, with a note on those without room."""
    if not difference.functions:
        return element("p", "No function of the project was seen.", class_="note")
    base_s = culprit_text.whole(difference)
    rows = list(_fitting(_row(each, base_s) for each in culprit_text.ordered(difference.functions)))
    head = element("tr", *map(_heading, _HEADINGS))
    table = element("table", element("thead", head), element("tbody", *rows), id="functions")
    scrolled = element(
        "div", table, class_="scroll", tabindex="0", role="region", aria_label="Functions that changed"
    )
    rest = len(difference.functions) - len(rows)
    more = element("p", f"{rest:,} more functions have no room here.", class_="note") if rest else ""
    return join(scrolled, more)


def _fitting(rows: Iterable[Markup]) -> Iterable[Markup]:
    left = ROOM
    for row in rows:
        left -= len(row.encode())
        if left < 0:
            return
        yield row


def _heading(title: str) -> Markup:
    kind = "number" if title in _NUMBERS else ""
    return element("th", element("button", title, type="button"), scope="col", class_=kind)


def _row(function: FunctionChange, base_s: float) -> Markup:
    own = function.own
    spread = element("small", culprit_text.share_interval(own, base_s))
    change = join(_arrow(function), culprit_text.share(own, base_s), spread)
    cells = (
        element("td", *_name(function), data_value=shown(function.name), class_="wide"),
        _number(culprit_text.duration(own.base_s), own.base_s),
        _number(culprit_text.duration(own.head_s), own.head_s),
        _number(change, own.delta_s, _kind(function)),
        element("td", _WORDS[own.significant]),
        element("td", _WORDS[function.edited]),
        element("td", shown(function.status)),
    )
    return element("tr", *cells)


def _name(function: FunctionChange) -> tuple[Markup, ...]:
    button = element("button", element("bdi", shown(function.name)), type="button", data_find="")
    callers = ", ".join(shown(caller) for caller in function.callers[:_CALLERS])
    return (button, element("small", "called from ", element("bdi", callers))) if callers else (button,)


def _number(text: str, value: float, kind: str = "") -> Markup:
    sortable = f"{value:.6g}" if math.isfinite(value) else "0"
    return element("td", text, data_value=sortable, class_=f"number {kind}".strip())


def _kind(function: FunctionChange) -> str:
    if not function.own.significant:
        return ""
    return "slower" if function.own.delta_s > 0 else "faster"


def _arrow(function: FunctionChange) -> str:
    return {"slower": "▲ ", "faster": "▼ ", "": ""}[_kind(function)]
