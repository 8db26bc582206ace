"""(DL)²'s throughput of image folders, by workers, storage and encoding."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from drawing import style
from drawing.loaders.rows import Row, median

_LIMIT, _WITHOUT_FILES = "decode", "synthetic"


class _Panel(NamedTuple):
    """What the rows of one panel share."""

    encoding: str
    storage: str

    @classmethod
    def of(cls, row: Row) -> "_Panel":
        cold = ", cold page cache" if row.get("cold") else ""
        return cls(row["encoding"], f"{row['storage']}{cold}")


def draw(machine: str, rows: Sequence[Row]) -> Figure:
    """Draw a panel for each encoding (downwards) and storage (across), a line for each loader."""
    panels = {_Panel.of(row): None for row in rows}
    encodings, storages = ([*dict.fromkeys(each)] for each in zip(*panels, strict=True))
    size = (1.6 + 3.0 * len(storages), 1.3 + 2.4 * len(encodings))
    figure = Figure(figsize=(max(size[0], 5.2), size[1]), layout="constrained")
    grid = figure.subplots(len(encodings), len(storages), squeeze=False, sharex=True, sharey=True)
    looks = _looks(rows)
    for line, encoding in zip(grid, encodings, strict=True):
        for axes, storage in zip(line, storages, strict=True):
            chosen = [row for row in rows if _Panel.of(row) == (encoding, storage)]
            if not chosen:
                axes.set_axis_off()
                continue
            axes.set_title(style.plain(f"{encoding}, storage {storage}"))
            _panel(axes, chosen, looks)
        line[0].set_ylabel("images/s")
    for axes in grid[-1]:
        axes.set_xlabel("workers")
        axes.set_xticks(sorted({row["workers"] for row in rows}))
    # Shared by all, and only now that the highest line is drawn.
    grid[0][0].set_ylim(bottom=0)
    handles = {
        label: handle
        for axes in grid.flat
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower left", ncols=4, fontsize="small")
    style.title(figure, *_title(machine, rows))
    return figure


def series(row: Row) -> str:
    """Name the line that a row belongs to."""
    cached = f", cache of {row['cache'] / 2**20:.0f} MiB" if row.get("cache") else ""
    return f"{row['name']}{cached}"


def _looks(rows: Sequence[Row]) -> Mapping[str, tuple[str, str]]:
    """Give each loader the same colour and marker in every panel."""
    named = dict.fromkeys(series(row) for row in rows if row["name"] not in (_LIMIT, _WITHOUT_FILES))
    count = len(style.LINES)
    return {
        name: (style.LINES[place % count], style.MARKERS[place % count]) for place, name in enumerate(named)
    }


def _panel(axes: Axes, rows: Sequence[Row], looks: Mapping[str, tuple[str, str]]) -> None:
    for name, (colour, marker) in looks.items():
        _line(axes, [row for row in rows if series(row) == name], style.plain(name), colour, marker)
    decoded = [row for row in rows if row["name"] == _LIMIT]
    _line(axes, decoded, "limit: the same threads decode and crop, from memory", style.BLACK, "", "--")
    style.frame(axes, across="y")


def _line(axes: Axes, rows: Sequence[Row], label: str, colour: str, marker: str, dashes: str = "-") -> None:
    if not rows:
        return
    workers = sorted({row["workers"] for row in rows})
    medians = [median([row for row in rows if row["workers"] == each], "images_per_s") for each in workers]
    axes.plot(workers, medians, dashes, color=colour, marker=marker, markersize=5, label=label)
    dots = [(row["workers"], row["images_per_s"]) for row in rows]
    axes.plot(*zip(*dots, strict=True), ".", color=colour, markersize=3, alpha=0.6)


def _title(machine: str, rows: Sequence[Row]) -> list[str]:
    """Say what has no line: without files there is no rate that the axis could hold."""
    without = [row for row in rows if row["name"] == _WITHOUT_FILES]
    rate = f"synthetic, without files and not drawn: {median(without, 'images_per_s'):,.0f} images/s"
    where = f", {machine}" if machine else ""
    return [f"Image folders: images a second{where}", rate if without else ""]
