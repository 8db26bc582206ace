"""Raw counts into corrected intensities."""

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=4)
def flat_field(shape: tuple[int, int], fall_off: float) -> np.ndarray:
    """Return the relative illumination, darker towards the corners."""
    y, x = (np.linspace(-1, 1, length, dtype=np.float32) for length in shape)
    return 1 - np.float32(fall_off) * (y[:, None] ** 2 + x[None, :] ** 2) / 2


def dark_level(image: np.ndarray) -> float:
    """Estimate the counts without light from the darkest pixels of some rows."""
    return float(image[::8].min(axis=1).mean())


def correct(image: np.ndarray, exposure: float, fall_off: float) -> np.ndarray:
    """Return intensities for a unit of exposure."""
    corrected = image.astype(np.float32)
    corrected -= dark_level(image)
    corrected /= flat_field(image.shape, fall_off)
    corrected *= np.float32(0.01 / exposure)
    return repair(corrected)


def hot_pixels(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of pixels far brighter than those to their left and right."""
    middle = image[:, 1:-1]
    rows, columns = np.nonzero(middle > 3 * (image[:, :-2] + image[:, 2:]) + 50)
    return rows, columns + 1


def repair(image: np.ndarray) -> np.ndarray:
    """Replace hot pixels by the mean of those to their left and right."""
    rows, columns = hot_pixels(image)
    image[rows, columns] = (image[rows, columns - 1] + image[rows, columns + 1]) / 2
    return image
