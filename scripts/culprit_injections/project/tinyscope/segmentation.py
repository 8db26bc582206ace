"""Cells: connected bright pixels."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .config import Settings
from .filters import gaussian_blur, local_contrast


@dataclass(frozen=True, slots=True)
class Run:
    """Bright pixels of one row, from ``start`` to before ``stop``."""

    start: int
    stop: int
    label: int


class Forest:
    """Labels that turn out to mean the same cell."""

    def __init__(self) -> None:
        self.parents = [0]

    def add(self) -> int:
        """Return a new label."""
        self.parents.append(len(self.parents))
        return len(self.parents) - 1

    def find(self, label: int) -> int:
        """Return the label that stands for all that are the same."""
        while self.parents[label] != label:
            self.parents[label] = self.parents[self.parents[label]]
            label = self.parents[label]
        return label

    def unite(self, first: int, second: int) -> int:
        """Make two labels the same; return the lower one."""
        low, high = sorted((self.find(first), self.find(second)))
        self.parents[high] = low
        return low

    def numbering(self) -> np.ndarray:
        """Return consecutive numbers for the labels, 0 for the background."""
        numbers = np.zeros(len(self.parents), np.int32)
        count = 0
        for label in range(1, len(self.parents)):
            root = self.find(label)
            if root == label:
                count += 1
                numbers[label] = count
            else:
                numbers[label] = numbers[root]
        return numbers


def otsu(image: np.ndarray, bins: int) -> float:
    """Return the level that separates dark from bright best (Otsu, 1979)."""
    counts, edges = np.histogram(image[::2, ::2], bins)
    centres = (edges[:-1] + edges[1:]) / 2
    below = counts.cumsum()
    above = below[-1] - below
    moment = (counts * centres).cumsum()
    mean_below = moment / np.maximum(below, 1)
    mean_above = (moment[-1] - moment) / np.maximum(above, 1)
    return float(centres[np.argmax(below * above * (mean_below - mean_above) ** 2)])


def foreground(image: np.ndarray, settings: Settings) -> np.ndarray:
    """Return where an image is bright, and brighter than its surroundings."""
    smooth = gaussian_blur(image, settings.sigma)
    bright = smooth > otsu(smooth, settings.bins)
    return bright & (local_contrast(smooth, settings.tile) > 0)


def edges(mask: np.ndarray) -> list[list[int]]:
    """Return, for each row, where runs start and stop in turn."""
    padded = np.zeros((mask.shape[0], mask.shape[1] + 2), np.int8)
    padded[:, 1:-1] = mask
    rows, columns = np.nonzero(padded[:, 1:] != padded[:, :-1])
    bounds = np.searchsorted(rows, np.arange(mask.shape[0] + 1)).tolist()
    places = columns.tolist()
    return [places[first:last] for first, last in pairwise(bounds)]


def touching(start: int, stop: int, above: list[Run]) -> Iterator[int]:
    """Yield the labels of the runs above that touch a run, corners included."""
    for run in above:
        if run.start > stop:
            break
        if run.stop >= start:
            yield run.label


def join_row(places: list[int], above: list[Run], forest: Forest) -> list[Run]:
    """Label the runs of a row by those above."""
    runs = []
    for start, stop in zip(places[::2], places[1::2], strict=True):
        label = 0
        for other in touching(start, stop, above):
            label = forest.unite(label, other) if label else other
        runs.append(Run(start, stop, label or forest.add()))
    return runs


def label_cells(mask: np.ndarray) -> np.ndarray:
    """Return a mask whose connected parts are numbered from 1."""
    forest = Forest()
    rows: list[list[Run]] = []
    above: list[Run] = []
    for places in edges(mask):
        above = join_row(places, above, forest)
        rows.append(above)
    return fill(mask.shape, rows, forest.numbering())


def fill(shape: tuple[int, int], rows: list[list[Run]], numbers: np.ndarray) -> np.ndarray:
    """Return an image of the runs' numbers."""
    labels = np.zeros(shape, np.int32)
    lookup = numbers.tolist()
    for row, runs in zip(labels, rows, strict=True):
        for run in runs:
            row[run.start : run.stop] = lookup[run.label]
    return labels


def drop_small(labels: np.ndarray, smallest: int) -> np.ndarray:
    """Remove cells of few pixels; number the others anew."""
    sizes = np.bincount(labels.ravel())
    kept = sizes >= smallest
    kept[0] = False
    numbers = np.where(kept, kept.cumsum(), 0).astype(labels.dtype)
    return numbers[labels]


def segment(image: np.ndarray, settings: Settings) -> np.ndarray:
    """Return the number of the cell that each pixel belongs to, or 0."""
    return drop_small(label_cells(foreground(image, settings)), settings.smallest)
