"""HTC's bars: the seconds of an epoch by strategy and I/O speed, beside those that HTC published."""

from collections.abc import Mapping, Sequence
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
    median,
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
    figure = Figure(figsize=(max(5.5, 0.8 * len(names)), 3.3 * len(speeds) + 0.7), layout="constrained")
    panels = figure.subplots(len(speeds), 1, squeeze=False)[:, 0]
    for axes, speed in zip(panels, speeds, strict=True):
        of_speed = strategies(shown, speed)
        _bars(axes, names, of_speed, PUBLISHED.get(speed, {}))
        axes.set_title(f"I/O speed: {style.plain(speed)}")
        axes.set_xticks(range(len(names)), _ticks(names, of_speed, rates(rows)), rotation=30, ha="right")
    panels[0].legend(loc="upper right", ncols=3, fontsize="small")
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


def _bars(axes: Axes, names: Sequence[str], rows: Sequence[Row], published: Mapping[str, float]) -> None:
    groups = by_name({**row, "epoch_s": scaled(row)} for row in rows)
    places = {name: place - _WIDTH / 2 for place, name in enumerate(names) if name in groups}
    medians = [median(groups[name], "epoch_s") for name in places]
    bars = axes.bar([*places.values()], medians, _WIDTH, color=style.BLUE, alpha=0.7, label="measured")
    axes.bar_label(bars, fmt="{:.3g}", padding=5, fontsize="x-small")
    dots = [(places[name], row["epoch_s"]) for name in places for row in groups[name]]
    axes.plot(*zip(*dots, strict=True), ".", color=style.BLACK, markersize=4, label="repetition")
    theirs = {name: place + _WIDTH / 2 for place, name in enumerate(names) if name in published}
    if theirs:
        heights = [published[name] for name in theirs]
        outlines = axes.bar([*theirs.values()], heights, _WIDTH, facecolor="none", edgecolor=style.ORANGE)
        outlines.set_label("HTC, training on an RTX 4090")
        axes.bar_label(outlines, fmt="{:.3g}", padding=2, fontsize="x-small", color=style.ORANGE)
    axes.set_ylabel("s an epoch")
    axes.margins(y=0.2)
    style.frame(axes, across="y")


def _ticks(names: Sequence[str], rows: Sequence[Row], known: Mapping[str, float]) -> list[str]:
    """Write below each name how near it comes to the node's limit at this I/O speed."""
    groups = by_name(rows)
    found = {name: spelled(machs(groups[name], known).wall) for name in names if name in groups}
    return [style.plain(f"{name}\nMach {found[name]}" if found.get(name) else name) for name in names]
