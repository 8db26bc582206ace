# noqa: INP001 - a part of the script "figures", which has no suffix
"""The figures of loading strategies: HTC's epochs, CPU time with Mach, image folders, utilisation."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib as mpl
from drawing import style
from drawing.loaders import cpu, htc, photos, utilisation
from drawing.loaders.rows import Row, of_cubes, of_photos, read
from drawing.refusal import RefusedError
from matplotlib.figure import Figure


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what is drawn from where."""
    made_by = "what measure_loaders.py or measure_photos.py wrote"
    parser.add_argument("--rows", nargs="+", type=Path, required=True, metavar="FILE", help=made_by)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for PNG and SVG")


def run(given: argparse.Namespace) -> int:
    """Draw every figure that has rows, and name the files.

    Raises
    ------
    RefusedError
        There is nothing to draw.
    """
    rows = read(given.rows)
    with mpl.rc_context(dict(style.SETTINGS)):
        drawn = list(figures(rows))
        if not drawn:
            raise RefusedError(
                f"{', '.join(map(str, given.rows))}: no row of a loading strategy.",
                "Limits alone make no figure.",
                'Measure strategies: "scripts/measure_loaders.py run --out FILE".',
            )
        for stem, figure in drawn:
            for path in style.save(figure, given.out, stem):
                sys.stdout.write(f"{path}\n")
    return 0


def figures(rows: Sequence[Row]) -> Iterator[tuple[str, Figure]]:
    """Draw, machine by machine and setting by setting: other hardware is never in the same figure.

    Yields
    ------
    stem, figure
        Name of the file without its suffix, and what is in it.
    """
    for setting, members in of_cubes(rows).items():
        for name, module in (("epochs", htc), ("cpu", cpu), ("utilisation", utilisation)):
            figure = module.draw(setting, members)
            if figure is not None:
                yield f"loaders-{name}-{setting.stem}", figure
    for machine, members in of_photos(rows).items():
        yield "-".join(filter(None, ["loaders-photos", machine])), photos.draw(machine, members)
