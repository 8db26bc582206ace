"""Tells what a folder of images holds: ``python -m machmeter_workloads.analyze FOLDER``."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, astuple
from pathlib import Path
from typing import TYPE_CHECKING

from machmeter_workloads.data.image_statistics import image_statistics
from machmeter_workloads.errors import WorkloadError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from machmeter_workloads.data.image_statistics import ImageSetStatistics, Refusal

ALL_GOOD, SOME_REFUSED, NOTHING_DONE = range(3)
TITLES = {
    "width": "width, pixels",
    "height": "height, pixels",
    "file": "file, bytes",
    "bits_per_pixel": "bits a pixel",
    "jpeg_quality": "JPEG quality",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Look at every image of a folder, and print the statistics.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line.

    Returns
    -------
    int
        0; 1 if a file is damaged or may not be read; 2 if nothing could be looked at.
    """
    parser = argparse.ArgumentParser(prog="python -m machmeter_workloads.analyze", description=__doc__)
    parser.add_argument("folder", type=Path, help="looked at with all its subfolders")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args(arguments)
    try:
        found = image_statistics(options.folder)
    except WorkloadError as error:
        sys.stderr.write(f"Error: {error}\n")
        return NOTHING_DONE
    text = json.dumps(asdict(found), indent=2) if options.json else table(found)
    sys.stdout.write(f"{text}\n")
    return SOME_REFUSED if found.damaged or found.unreadable else ALL_GOOD


def table(found: ImageSetStatistics) -> str:
    """Write the statistics for people.

    Parameters
    ----------
    found : ImageSetStatistics
        Of a folder.

    Returns
    -------
    str
        Several lines.
    """
    formats = ", ".join(f"{name} {count:,}" for name, count in found.formats.items())
    lines = [f"{found.folder}: {found.images:,} images, {found.bytes / 1e6:,.1f} MB ({formats or 'none'})"]
    if found.spreads:
        heads = ("min", "10%", "50%", "90%", "99%", "max", "mean")
        lines.append(f"{'':16}" + "".join(f"{head:>12}" for head in heads))
    for name, spread in found.spreads.items():
        digits = 2 if name == "bits_per_pixel" else 0
        lines.append(f"{TITLES[name]:16}" + "".join(f"{value:12,.{digits}f}" for value in astuple(spread)))
    lines += _refusals("damaged", found.damaged) + _refusals("unreadable", found.unreadable)
    return "\n".join(lines)


def _refusals(title: str, refusals: Sequence[Refusal]) -> list[str]:
    return [f"{title}: {refusal.path}: {refusal.reason}" for refusal in refusals]


if __name__ == "__main__":
    sys.exit(main())
