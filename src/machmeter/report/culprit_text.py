"""What a difference of profiles says about the cause: one sentence, and the functions that changed most."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from machmeter.profiles import Change, Difference, FunctionChange
from machmeter.report import labels
from machmeter.report.frame_names import shown
from machmeter.report.markdown import code, plain

HEADINGS: Final = ("function", "before", "after", "change", "95% interval", "remarks")

_CODE: Final = {True: "code changed", False: "code unchanged", None: ""}


def sentence(difference: Difference, quote: Callable[[str], str] = str) -> str:
    """Name the function that did it, or say why none can be named.

    Parameters
    ----------
    difference : Difference
        Its interval is the culprit's.
    quote : callable, optional
        Applied to the names of functions, such as `machmeter.report.markdown.code`.
    """
    culprit = difference.culprit
    if culprit is None:
        reason = labels.printable(difference.reason).rstrip(". ")
        return f"Cannot name a function: {reason}." if reason else "Cannot name a function."
    told = (
        f"{quote(shown(culprit.name))} explains {percent(culprit.share)} of {percent(difference.ratio - 1)} "
        f"(95%: {interval(culprit.low, culprit.high)})"
    )
    if culprit.commit:
        told += f"; changed in {labels.printable(labels.short_commit(culprit.commit))}"
    return f"{told}; the time is spent in {quote(shown(culprit.via))}" if culprit.via else told


def lines(difference: Difference, most: int = 5) -> list[str]:
    """Lay out the first functions for a terminal, one a line below a heading; empty if there are none."""
    rows = _rows(difference, most)
    if not rows:
        return []
    table = [HEADINGS, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [_line(row, widths) for row in table]


def markdown(difference: Difference, most: int = 5) -> str:
    """Lay out the sentence and the first functions for an issue or a pull request."""
    told = sentence(difference, quote=code) if difference.culprit else plain(sentence(difference))
    rows = _rows(difference, most)
    if not rows:
        return told + "\n"
    cells = [(code(name), *map(plain, others)) for name, *others in rows]
    table = [HEADINGS, ("---", "---:", "---:", "---:", "---", "---"), *cells]
    return "\n".join([told, "", *("| " + " | ".join(row) + " |" for row in table)]) + "\n"


def ordered(functions: Sequence[FunctionChange]) -> list[FunctionChange]:
    """Put the significant ones first; the order is kept otherwise."""
    return sorted(functions, key=lambda function: not function.own.significant)


def whole(difference: Difference) -> float:
    """Add up what an iteration takes at the base, in seconds: shares refer to it."""
    costs = (node.total.base_s for node in difference.nodes if len(node.stack) == 1)
    return sum(cost for cost in costs if math.isfinite(cost))


def share(change: Change, base_s: float) -> str:
    """Spell a change as a share of the base's whole."""
    return percent(change.delta_s / base_s) if base_s > 0 else labels.NOTHING


def share_interval(change: Change, base_s: float) -> str:
    """Spell the interval of a change as shares of the base's whole, in percent."""
    return interval(change.low_s / base_s, change.high_s / base_s) if base_s > 0 else labels.NOTHING


def duration(seconds: float) -> str:
    """Spell seconds an iteration; a function that was not seen took none."""
    return labels.seconds(seconds) if math.isfinite(seconds) and seconds > 0 else labels.NOTHING


def percent(value: float) -> str:
    """Spell a share with its sign, "+5.9%": two decimals below 1%, none from 100% on."""
    return f"{value * 100:+.{_decimals(value)}f}%" if math.isfinite(value) else labels.NOTHING


def interval(low: float, high: float) -> str:
    """Spell an interval of shares in percent: "5.1-6.6" with an en dash, and with signs "-0.3 to +1.2"."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "no interval"
    decimals = _decimals(max(abs(low), abs(high)))
    if low >= 0:
        return f"{low * 100:.{decimals}f}\N{EN DASH}{high * 100:.{decimals}f}"
    return f"{low * 100:+.{decimals}f} to {high * 100:+.{decimals}f}"


def _decimals(value: float) -> int:
    """Choose decimals so that two or three digits remain."""
    return sum(abs(value) < bound for bound in (0.00995, 0.9995))


def _rows(difference: Difference, most: int) -> list[tuple[str, ...]]:
    base_s = whole(difference)
    return [_cells(function, base_s) for function in ordered(difference.functions)[:most]]


def _cells(function: FunctionChange, base_s: float) -> tuple[str, ...]:
    own = function.own
    remarks = ("significant" if own.significant else "", _CODE[function.edited], function.status)
    return (
        shown(function.name),
        duration(own.base_s),
        duration(own.head_s),
        share(own, base_s),
        share_interval(own, base_s),
        ", ".join(map(shown, filter(None, remarks))),
    )


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.rjust(width) if heading in {"before", "after", "change"} else cell.ljust(width)
        for cell, width, heading in zip(row, widths, HEADINGS, strict=True)
    ]
    return "  ".join(padded).rstrip()
