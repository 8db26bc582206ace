"""How busy the GPU was while a strategy fed it, sampled as HTC did."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from drawing import style
from drawing.loaders.rows import HTC, UNLIMITED, Row, Setting, by_name, strategies

#: HTC's means, unlimited I/O.
PUBLISHED: Mapping[str, float] = MappingProxyType(dict(zip(HTC, (37, 39, 40, 75, 94), strict=True)))


def draw(setting: Setting, rows: Sequence[Row]) -> Figure | None:
    """Draw a panel for each strategy, a line for each repetition; None where no row has a curve.

    A row has one as ``utilisation``: {"every_s": seconds between samples, "percent": [...]}.
    """
    groups = by_name(row for row in strategies(rows, UNLIMITED) if row.get("utilisation"))
    if not groups:
        return None
    figure = Figure(figsize=(7.0, 0.9 + 1.1 * len(groups)), layout="constrained")
    panels = figure.subplots(len(groups), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
    for axes, (name, members) in zip(panels, groups.items(), strict=True):
        _panel(axes, name, [row["utilisation"] for row in members])
    panels[-1].set_xlabel("s")
    style.title(figure, "GPU utilisation", setting.text)
    return figure


def _panel(axes: Axes, name: str, curves: Sequence[Mapping[str, object]]) -> None:
    values = [np.asarray(curve["percent"], float) for curve in curves]
    for curve, percent in zip(curves, values, strict=True):
        seconds = np.arange(percent.size) * float(str(curve["every_s"]))
        axes.plot(seconds, percent, color=style.BLUE, linewidth=0.8, alpha=0.7)
    mean = float(np.mean(np.concatenate(values)))
    published = f", HTC's {PUBLISHED[name]:.0f}%" if name in PUBLISHED else ""
    axes.set_title(style.plain(f"{name}: mean {mean:.0f}%{published}"), fontsize="small")
    axes.set_ylim(0, 105)
    axes.set_ylabel("%")
    style.frame(axes, across="y")
