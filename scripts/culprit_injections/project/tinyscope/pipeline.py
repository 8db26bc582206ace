"""Whole analyses."""

from collections.abc import Sequence

import numpy as np

from .config import parse_settings
from .disk import BackgroundWriter, Disk
from .features import cells, describe
from .filters import sharpness
from .progress import Progress
from .quadtree import background
from .readers import Frame, StackReader
from .segmentation import segment
from .stats import Summary
from .tables import (
    Row,
    Table,
    correlations,
    from_csv,
    size_class,
    spreads,
    summarise_groups,
    to_csv,
)


def load_stack(buffer: bytes) -> list[Frame]:
    """Read all frames of a container."""
    reader = StackReader(buffer)
    progress = Progress(len(reader))
    return list(progress.over(reader.read_all()))


def analyse_frame(image: np.ndarray, settings_text: str) -> list[dict[str, float]]:
    """Find and describe the cells of an image."""
    settings = parse_settings(settings_text)
    flat = image - background(image, settings)
    labels = segment(flat, settings)
    focus = sharpness(flat, 3)
    return [describe(cell) | {"focus": focus[-1]} for cell in cells(flat, labels)]


def tabulate(rows: Sequence[Row], conditions: Sequence[Row]) -> tuple[str, dict[str, Summary]]:
    """Write a table of cells, read it back, and describe it by classes."""
    table = Table.from_rows(rows).join(Table.from_rows(conditions), "frame")
    table.derive("class", size_class, "area", "elongation")
    text = to_csv(table.sorted_by("condition", "area"))
    again = from_csv(text)
    found = summarise_groups(again, "class", "area") | summarise_groups(again, "condition", "mean")
    spreads(again, 16)
    correlations(again, ("area", "mean", "elongation"))
    return text, found


def load_series(disk: Disk, names: Sequence[str]) -> list[str]:
    """Read small stacks from a disk; write the number of notes beside each."""
    lines = []
    with BackgroundWriter(disk) as writer:
        for name in names:
            line = inspect(disk.read(name))
            writer.put(f"{name}.txt", line.encode())
            lines.append(line)
    return lines


def inspect(buffer: bytes) -> str:
    """Return a line on a stack."""
    frames = load_stack(buffer)
    notes = sum(len(frame.notes) for frame in frames)
    brightest = max(float(frame.image.max()) for frame in frames)
    return f"{len(frames)} frames, {notes} notes, brightest {brightest:.1f}"
