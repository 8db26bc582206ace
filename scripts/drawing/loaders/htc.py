"""HTC's bars: the seconds of an epoch by strategy and I/O speed, beside those that HTC published."""

from collections.abc import Mapping, Sequence
from statistics import median
from types import MappingProxyType

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from drawing import style
from drawing.loaders.rows import (
    HTC,
    OURS,
    UNLIMITED,
    Row,
    Setting,
    by_name,
    machs,
    rates,
    spelled,
    strategies,
)

#: HTC's epoch: so many cubes of so many values.
CUBES, VALUES = 740, 480 * 640 * 100

#: Their poster at the PyTorch Conference 2023: a U-Net trained on an RTX 4090, seconds an epoch.
PUBLISHED: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        UNLIMITED: dict(zip(HTC, (58.5, 55.8, 49.9, 30.6, 24.3), strict=True)),
        "1000mb": dict(zip(HTC, (92.7, 72.7, 50.3, 31.3, 26.0), strict=True)),
    }
)

_WIDTH = 0.38


def draw(setting: Setting, rows: Sequence[Row]) -> Figure | None:
    """Draw a panel for each I/O speed; None where there is no strategy of HTC's or ours.

    Ours is loading alone, scaled to HTC's epoch by the number of values; theirs is training. The other
    projects' loaders are left to the figure of CPU time.
    """
    shown = [row for row in strategies(rows) if row["name"] in (*HTC, *OURS)]
    if not shown:
        return None
    speeds = sorted({row.get("io_speed", UNLIMITED) for row in shown}, key=lambda name: name != UNLIMITED)
    names = [name for name in (*HTC, *OURS) if name in by_name(shown)]
    figure = Figure(figsize=(2.0 + 4.2 * len(speeds), 1.4 + 0.38 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(speeds), squeeze=False, sharex=True, sharey=True)[0]
    for axes, speed in zip(panels, speeds, strict=True):
        axes.set_title(f"I/O speed: {style.plain(speed)}")
        published = PUBLISHED.get(speed, {})
        # Where there is nothing beside it, a bar stands in the middle.
        places = {name: place - _WIDTH / 2 * (name in published) for place, name in enumerate(names)}
        _measured(axes, places, strategies(shown, speed), rates(rows))
        _published(axes, {name: places[name] + _WIDTH for name in names if name in published}, published)
        axes.set_xlabel("s an epoch")
        style.frame(axes, across="x")
    panels[0].set_yticks(range(len(names)), names)
    panels[0].invert_yaxis()
    # Room for what stands behind the longest bar.
    panels[0].margins(x=0.3, y=0.02)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=3, fontsize="small")
    style.title(
        figure,
        f"Seconds an epoch of {CUBES} cubes of 480x640x100",
        f"measured: loading alone, not augmented, scaled from {setting.text}",
    )
    return figure


def scaled(row: Row) -> float:
    """Turn wall seconds a cube into seconds of HTC's epoch: as many cubes, as many values in each."""
    height, width, bands = map(int, row["size"].split("x"))
    return float(row["wall_s"] * CUBES * VALUES / (height * width * bands))


def _measured(
    axes: Axes, all_places: Mapping[str, float], rows: Sequence[Row], known: Mapping[str, float]
) -> None:
    groups = by_name(rows)
    places = {name: place for name, place in all_places.items() if name in groups}
    seconds = {name: [scaled(row) for row in groups[name]] for name in places}
    medians = [median(seconds[name]) for name in places]
    axes.barh([*places.values()], medians, _WIDTH, color=style.BLUE, alpha=0.7, label="measured")
    dots = [(value, places[name]) for name in places for value in seconds[name]]
    axes.plot(*zip(*dots, strict=True), ".", color=style.BLACK, markersize=3, label="repetition")
    for (name, place), middle in zip(places.items(), medians, strict=True):
        mach = spelled(machs(groups[name], known).wall)
        text = f"{middle:.3g}, Mach {mach}" if mach else f"{middle:.3g}"
        _write(axes, max(seconds[name]), place, text, style.BLACK)


def _published(axes: Axes, places: Mapping[str, float], published: Mapping[str, float]) -> None:
    values = [published[name] for name in places]
    outlines = axes.barh([*places.values()], values, _WIDTH, facecolor="none", edgecolor=style.ORANGE)
    if places:
        outlines.set_label("HTC, training on an RTX 4090")
    for place, value in zip(places.values(), values, strict=True):
        _write(axes, value, place, f"{value:.3g}", style.ORANGE)


def _write(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    """Write behind the end of a bar."""
    axes.annotate(
        text,
        (x, y),
        (4, 0),
        textcoords="offset points",
        va="center",
        fontsize="x-small",
        color=colour,
    )
