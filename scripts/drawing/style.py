"""How all figures look, and how they are written."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Colours of Okabe and Ito, which everybody can tell apart; markers differ, too.
BLUE, ORANGE, GREEN, GREY, BLACK = "#0072B2", "#D55E00", "#009E73", "#767676", "#000000"
LINES = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")

#: For ``matplotlib.rc_context``, around drawing and saving.
SETTINGS: Mapping[Any, Any] = MappingProxyType(
    {
        "axes.axisbelow": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlesize": "medium",
        "font.size": 9.0,
        "grid.color": "#dddddd",
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "savefig.dpi": 160,
        # Text stays text: it can be searched, and read aloud.
        "svg.fonttype": "none",
        "svg.hashsalt": "machmeter",
        "xtick.major.size": 0,
        "ytick.major.size": 0,
    }
)


def plain(text: str) -> str:
    """Keep a name's dollar signs from being read as formulas."""
    return text.replace("$", r"\$")


def title(figure: Figure, *lines: str) -> None:
    """Say at the top left what is drawn, and of what."""
    figure.suptitle(plain("\n".join(filter(None, lines))), fontsize="medium", x=0.01, ha="left")


def frame(axes: Axes, across: str) -> None:
    """Leave the lines that values are read by: across "x" or across "y"."""
    axes.grid(visible=True, axis="x" if across == "x" else "y")


def save(figure: Figure, folder: Path, stem: str) -> list[Path]:
    """Write a figure as PNG and SVG; the same rows give the same bytes.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{stem}.png", folder / f"{stem}.svg"]
    for path, metadata in zip(written, ({"Software": None}, {"Date": None}), strict=True):
        figure.savefig(path, metadata=metadata)
    return written
