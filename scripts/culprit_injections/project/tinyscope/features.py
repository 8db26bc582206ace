"""Numbers that describe a cell."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from .cache import memoize
from .lookups import DISCS
from .stats import quantile


@dataclass(frozen=True)
class Cell:
    """A cell cut out of its image."""

    number: int
    y: int
    x: int
    pixels: np.ndarray
    mask: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """Intensities inside the cell."""
        return self.pixels[self.mask]


Measure = Callable[[Cell], dict[str, float]]
MEASURES: list[Measure] = []


def measure(function: Measure) -> Measure:
    """Add a function to those that describe a cell."""
    MEASURES.append(function)
    return function


def boxes(labels: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Return the first and last rows and columns of each number."""
    y, x = np.nonzero(labels)
    numbers = labels[y, x]
    count = int(numbers.max(initial=0)) + 1
    low = np.full((2, count), max(labels.shape))
    high = np.zeros((2, count), int)
    for axis, places in enumerate((y, x)):
        np.minimum.at(low[axis], numbers, places)
        np.maximum.at(high[axis], numbers, places)
    return list(zip(*low.tolist(), *high.tolist(), strict=True))[1:]


def cells(image: np.ndarray, labels: np.ndarray) -> Iterator[Cell]:
    """Cut every cell out, with a margin of a pixel."""
    for number, (top, left, bottom, right) in enumerate(boxes(labels), 1):
        rows, columns = slice(max(top - 1, 0), bottom + 2), slice(max(left - 1, 0), right + 2)
        yield Cell(number, rows.start, columns.start, image[rows, columns], labels[rows, columns] == number)


def moments(cell: Cell) -> tuple[float, float, float, float, float]:
    """Return the centre and the second moments of a cell's outline."""
    y, x = np.nonzero(cell.mask)
    mean_y, mean_x = y.mean(), x.mean()
    dy, dx = y - mean_y, x - mean_x
    count = len(y)
    return (
        float(mean_y),
        float(mean_x),
        float(dy @ dy / count),
        float(dx @ dx / count),
        float(dy @ dx / count),
    )


@measure
def shape(cell: Cell) -> dict[str, float]:
    """Return area, place and elongation."""
    y, x, yy, xx, yx = moments(cell)
    common = math.hypot(yy - xx, 2 * yx)
    longest, shortest = (yy + xx + common) / 2, max((yy + xx - common) / 2, 1e-9)
    return {
        "area": float(np.count_nonzero(cell.mask)),
        "y": cell.y + y,
        "x": cell.x + x,
        "elongation": math.sqrt(longest / shortest),
        "angle": math.degrees(math.atan2(2 * yx, yy - xx) / 2),
    }


@measure
def outline(cell: Cell) -> dict[str, float]:
    """Return how long and how even the outline is."""
    inside = cell.mask.astype(np.int8)
    across = int(np.count_nonzero(inside[:, 1:] != inside[:, :-1]))
    down = int(np.count_nonzero(inside[1:] != inside[:-1]))
    length = (across + down) * math.pi / 4
    return {"outline": length, "roundness": 4 * math.pi * int(inside.sum()) / max(length, 1) ** 2}


@measure
def intensity(cell: Cell) -> dict[str, float]:
    """Return the distribution of intensities."""
    values = np.sort(cell.values).tolist()
    quartiles = {f"q{percent}": quantile(values, percent / 100) for percent in (5, 25, 50, 75, 95)}
    return {"mean": sum(values) / len(values)} | quartiles


def quantise(cell: Cell, levels: int) -> np.ndarray:
    """Return a few levels of intensity, from the cell's darkest to its brightest."""
    low, high = float(cell.pixels.min()), float(cell.pixels.max())
    scale = np.float32((levels - 1) / max(high - low, 1e-6))
    return ((cell.pixels - np.float32(low)) * scale).astype(np.intp)


def neighbours(levels: np.ndarray, count: int) -> np.ndarray:
    """Return how often each pair of levels stands side by side (Haralick, 1973)."""
    pairs = levels[:, :-1] * count + levels[:, 1:]
    table = np.bincount(pairs.ravel(), minlength=count * count).reshape(count, count)
    return table / table.sum()


@memoize(4)
def level_distances(count: int) -> np.ndarray:
    """Return the squared difference of each pair of levels."""
    steps = np.arange(count)
    return (steps[:, None] - steps[None, :]) ** 2


@measure
def texture(cell: Cell) -> dict[str, float]:
    """Return contrast and evenness of the texture."""
    levels = 8
    table = neighbours(quantise(cell, levels), levels)
    distances = level_distances(levels)
    return {
        "contrast": float((table * distances).sum()),
        "homogeneity": float((table / (1 + distances)).sum()),
        "energy": float((table * table).sum()),
    }


@memoize(512)
def rings(height: int, width: int) -> np.ndarray:
    """Return the distance of each pixel of a box from its middle, in whole pixels."""
    y, x = np.mgrid[:height, :width]
    return np.hypot(y - (height - 1) / 2, x - (width - 1) / 2).astype(np.intp)


@measure
def profile(cell: Cell) -> dict[str, float]:
    """Return the mean intensity at some distances from the middle."""
    distances = rings(*cell.mask.shape)[cell.mask]
    sums = np.bincount(distances, cell.values, minlength=4)
    counts = np.bincount(distances, minlength=4)
    return {f"ring{ring}": float(sums[ring] / max(counts[ring], 1)) for ring in range(4)}


def brightest_around(pixels: np.ndarray, y: int, x: int, radius: int) -> float:
    """Return the highest intensity within a radius."""
    height, width = pixels.shape
    return max(
        pixels.item(y + dy, x + dx)
        for dy, dx in DISCS[radius]
        if 0 <= y + dy < height and 0 <= x + dx < width
    )


@measure
def spots(cell: Cell) -> dict[str, float]:
    """Count the pixels that stand out from those around."""
    limit = float(cell.pixels.mean()) * 1.2
    places = np.argwhere((cell.pixels > limit) & cell.mask)[::7].tolist()
    found = [y for y, x in places if cell.pixels.item(y, x) >= brightest_around(cell.pixels, y, x, 2)]
    return {"spots": float(len(found))}


def describe(cell: Cell) -> dict[str, float]:
    """Return all that is measured of a cell."""
    row = {"cell": float(cell.number)}
    for function in MEASURES:
        row |= function(cell)
    return row
