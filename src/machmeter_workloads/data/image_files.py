"""Which files of a folder are images."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def images_below(folder: Path, refused: Callable[[OSError], None]) -> Iterator[str]:
    """List the images of a folder and its subfolders, in torchvision's order; none of them is opened.

    Parameters
    ----------
    folder : Path
        Where to begin; links are followed.
    refused : callable
        Told of every folder that may not be listed. What it raises ends the listing.

    Yields
    ------
    str
        Path from ``folder`` on. Files whose names begin with a dot are left out, among which are those that
        are just being written.
    """
    start = len(str(folder)) + 1
    for place, _, names in sorted(os.walk(folder, onerror=refused, followlinks=True)):
        below = f"{place[start:]}/" if len(place) > start else ""
        yield from (below + name for name in sorted(names) if _is_image(name))


def _is_image(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")
