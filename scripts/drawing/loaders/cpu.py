"""CPU time a cube, strategy by strategy, with the limit on the path of each."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator

from drawing import style
from drawing.loaders.rows import (
    HTC,
    OURS,
    UNLIMITED,
    Row,
    Setting,
    by_name,
    is_limit,
    machs,
    median,
    rates,
    spelled,
    strategies,
)

_MS = 1e3


def draw(setting: Setting, rows: Sequence[Row]) -> Figure | None:
    """Draw a line of dots for each strategy, the quickest on top, and below them the measured limits.

    On the logarithmic axis, the way from a strategy to its limit is its Mach. None where no strategy was
    measured at full I/O speed.
    """
    groups = by_name(strategies(rows, UNLIMITED))
    if not groups:
        return None
    limits = by_name(row for row in rows if is_limit(row))
    names = sorted(groups, key=lambda name: median(groups[name], "cpu_s"))
    below = sorted(limits, key=lambda name: median(limits[name], "cpu_s"))
    figure = Figure(figsize=(7.0, 1.5 + 0.26 * (len(names) + len(below))), layout="constrained")
    axes = figure.subplots()
    known = rates(rows)
    for place, name in enumerate(names):
        _strategy(axes, place, groups[name], known)
    for place, name in enumerate(below, start=len(names)):
        _dots(axes, place, limits[name], style.BLACK, "D", filled=False)
    _frame(axes, [*names, *below], line_below=len(names))
    _legend(axes, names)
    style.title(figure, "CPU ms a cube", setting.text)
    return figure


def family(name: str) -> tuple[str, str, str]:
    """Give a strategy's family: colour, marker, and what the legend says."""
    if name in HTC:
        return style.ORANGE, "s", "HTC's"
    if name in OURS:
        return style.BLUE, "o", "ours"
    return style.GREY, "^", "other projects'"


def _strategy(axes: Axes, place: int, rows: Sequence[Row], known: Mapping[str, float]) -> None:
    colour, marker, _ = family(rows[0]["name"])
    found = machs(rows, known).cpu
    if found is not None:
        taken = _MS * median(rows, "cpu_s")
        least = taken * found.value
        axes.plot([least, taken], [place, place], color=colour, linewidth=1, alpha=0.5)
        axes.plot(least, place, "|", color=style.BLACK, markersize=11, markeredgewidth=1.6)
        text = f"Mach {spelled(found)}"
        # Beyond the axis, in the axes' own right margin: all of them in one column.
        axes.text(1.01, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize="x-small")
    _dots(axes, place, rows, colour, marker, filled=True)


def _dots(axes: Axes, place: int, rows: Sequence[Row], colour: str, marker: str, *, filled: bool) -> None:
    values = [_MS * row["cpu_s"] for row in rows]
    axes.plot(values, [place] * len(values), ".", color=colour, markersize=3, alpha=0.6)
    face = colour if filled else "white"
    axes.plot(_MS * median(rows, "cpu_s"), place, marker, color=colour, markerfacecolor=face, markersize=6)


def _frame(axes: Axes, names: Sequence[str], line_below: int) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.minorticks_off()
    axes.set_xlabel("CPU ms a cube, logarithmic")
    axes.set_yticks(range(len(names)), [style.plain(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.7)
    style.frame(axes, across="x")
    if line_below < len(names):
        axes.axhline(line_below - 0.5, color=style.GREY, linewidth=0.6)


def _legend(axes: Axes, names: Sequence[str]) -> None:
    families = dict.fromkeys(family(name) for name in names)
    keys = [
        Line2D([], [], color=colour, marker=marker, linestyle="", label=label)
        for colour, marker, label in families
    ]
    keys += [
        Line2D([], [], color=style.BLACK, marker="|", linestyle="", markersize=10, label="limit on its path"),
        Line2D(
            [],
            [],
            color=style.BLACK,
            marker="D",
            markerfacecolor="white",
            linestyle="",
            label="a limit alone",
        ),
        Line2D([], [], color=style.GREY, marker=".", linestyle="", markersize=4, label="repetition"),
    ]
    axes.legend(handles=keys, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(keys), fontsize="x-small")
