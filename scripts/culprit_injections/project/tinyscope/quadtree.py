"""The background of an image from a tree of squares."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .config import Settings
from .filters import box_sums


@dataclass(frozen=True, slots=True)
class Square:
    """A square of an image, its spread and its low level."""

    y: int
    x: int
    size: int
    level: float


def spread(pixels: np.ndarray) -> float:
    """Return the mean distance from the mean."""
    return float(np.abs(pixels - pixels.mean()).mean())


def low_level(pixels: np.ndarray) -> float:
    """Return the lower quartile."""
    flat = pixels.ravel()
    rank = flat.size // 4
    return float(np.partition(flat, rank)[rank])


def squares(image: np.ndarray, y: int, x: int, size: int, settings: Settings) -> Iterator[Square]:
    """Split a square until it is even, or small; yield what is left."""
    pixels = image[y : y + size, x : x + size]
    if pixels.size == 0:
        return
    half = size // 2
    if half < settings.tile or spread(pixels) < settings.tolerance:
        yield Square(y, x, size, low_level(pixels))
        return
    for dy in (0, half):
        for dx in (0, half):
            yield from squares(image, y + dy, x + dx, half, settings)


def paint(shape: tuple[int, int], found: list[Square]) -> np.ndarray:
    """Return an image of the squares' levels."""
    painted = np.zeros(shape, np.float32)
    for square in found:
        painted[square.y : square.y + square.size, square.x : square.x + square.size] = square.level
    return painted


def smallest_power(length: int) -> int:
    """Return the next power of two."""
    return 1 << (length - 1).bit_length()


def background(image: np.ndarray, settings: Settings) -> np.ndarray:
    """Estimate the background."""
    size = smallest_power(max(image.shape))
    found = list(squares(image, 0, 0, size, settings))
    radius = settings.tile // 2
    return box_sums(paint(image.shape, found), radius) / (2 * radius + 1) ** 2
