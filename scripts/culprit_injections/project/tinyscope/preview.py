"""Small coloured pictures of frames."""

from functools import lru_cache

import numpy as np

from .filters import halve
from .lookups import GAMMA, PALETTES


@lru_cache(maxsize=8)
def colours(name: str) -> np.ndarray:
    """Return the red, green and blue of 256 levels."""
    return np.array(PALETTES[name], np.uint8)


@lru_cache(maxsize=4)
def brightness(exponent: float) -> np.ndarray:
    """Return the level of 4096 values."""
    return (np.array(GAMMA[exponent]) >> 4).astype(np.uint8)


def stretch(image: np.ndarray) -> np.ndarray:
    """Return values from 0 to 4095, the same range for every image."""
    low, high = float(image.min()), float(image.max())
    return ((image - np.float32(low)) * np.float32(4095 / max(high - low, 1e-6))).astype(np.intp)


def preview(image: np.ndarray, palette: str = "fire", exponent: float = 0.8) -> np.ndarray:
    """Return half the image in colours."""
    return colours(palette)[brightness(exponent)[stretch(halve(image))]]
