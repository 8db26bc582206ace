"""A node's resolution in a terminal: a sentence for each slowdown, and a table."""

from collections.abc import Iterator
from math import exp

from rich import box
from rich.console import Console
from rich.table import Table

from machmeter.report.labels import NOTHING, seconds
from machmeter.results.calibrations import Calibration, Rate, Resolution

_HEADINGS = ("slowdown", "measured", "found", "seconds", "pairs", "false alarms", "unchanged after", "runs")
#: A centre of identical copies this many standard errors from zero is no accident.
_ERRORS = 3.0
#: A larger share of disturbed pairs is worth a remark.
_BUSY = 0.1


def show(found: Calibration, on: Console) -> None:
    """Print what the node finds, how fast, and from what that is known."""
    for line in sentences(found):
        on.print(line, markup=False, highlight=False, soft_wrap=True)
    if not found.rows:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    for row in found.rows:
        table.add_row(*_cells(row))
    on.print(table)
    for line in _sources(found):
        on.print(line, markup=False, highlight=False, soft_wrap=True)


def sentences(found: Calibration) -> Iterator[str]:
    """Say for each slowdown whether the node finds it."""
    if found.ended:
        yield f"Ended early: {found.ended}; this is what is known so far."
    if not found.rows:
        yield "Nothing was measured."
    for row in found.rows:
        yield _sentence(row)


def _sentence(row: Resolution) -> str:
    size, alarms = f"{row.effect * 100:g}%", _rate(row.false_alarms)
    if row.lacking_s:
        return f"{size}: too few pairs to say; about {row.lacking_s:.0f} s more would do."
    if row.seconds_95 is not None:
        return f"This node finds {size} in {seconds(row.seconds_95)} (95% of runs) at {alarms} false alarms."
    share = _rate(row.found)
    return f"This node does not find {size} reliably: in {share} of runs, at {alarms} false alarms."


def _cells(row: Resolution) -> tuple[str, ...]:
    return (
        f"{row.effect * 100:g}%",
        _measured(row.seen, row.seen_error),
        NOTHING if row.lacking_s else _rate(row.found),
        NOTHING if row.seconds is None else f"{row.seconds:.1f}",
        NOTHING if row.pairs is None else f"{row.pairs:.0f}",
        NOTHING if row.lacking_s else _rate(row.false_alarms),
        NOTHING if row.seconds_unchanged is None else f"{row.seconds_unchanged:.1f}",
        f"{row.found.runs:.0f}",
    )


def _sources(found: Calibration) -> Iterator[str]:
    told = ", ".join(
        f"{each.name} {each.spread * 100:.2f}% ({each.pairs} pairs of {each.pair_s:.2f} s)"
        for each in found.kernels
    )
    yield f"SD of a pair: {told}."
    yield f"Identical copies differ by {_measured(found.null_seen, found.null_error)}.{_bias(found)}"
    contended = sum(each.contended for each in found.kernels) / sum(each.pairs for each in found.kernels)
    if contended > _BUSY:
        yield f"{contended:.0%} of the pairs were disturbed by other processes."
    yield (
        f"{found.tag}, {found.node}, {found.seconds:.0f} s of measuring. Seconds and pairs are medians. "
        "Verdicts are replayed on the measured pairs; ranges are 95% intervals for as many verdicts (runs) "
        "as these pairs give without using one twice: longer measuring (--seconds) makes them narrower."
    )


def _bias(found: Calibration) -> str:
    if found.null_seen is None or not found.null_error or abs(found.null_seen) <= _ERRORS * found.null_error:
        return ""
    return " That is no accident: expect false alarms below this size."


def _rate(rate: Rate) -> str:
    return f"{_percent(rate.share)}% ({_percent(rate.low)}-{_percent(rate.high)}%)"


def _percent(share: float) -> str:
    return f"{share * 100:.1f}".removesuffix(".0")


def _measured(ratio: float | None, error: float | None) -> str:
    if ratio is None or error is None:
        return NOTHING
    return f"{(exp(ratio) - 1) * 100:+.2f}% ± {error * 100:.2f}"
