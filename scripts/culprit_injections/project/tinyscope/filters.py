"""Filters of images."""

from collections.abc import Iterator

import numpy as np

from .cache import memoize


@memoize(16)
def gaussian_kernel(sigma: float) -> tuple[float, ...]:
    """Return weights that sum to one, out to three deviations."""
    radius = max(1, round(3 * sigma))
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    return tuple((weights / weights.sum()).tolist())


def gaussian_blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Blur along both axes."""
    kernel = gaussian_kernel(sigma)
    return convolve_rows(convolve_rows(image, kernel).T, kernel).T


def convolve_rows(image: np.ndarray, kernel: tuple[float, ...]) -> np.ndarray:
    """Convolve each row, edges repeated."""
    radius = len(kernel) // 2
    padded = np.pad(image, ((0, 0), (radius, radius)), mode="edge")
    width = image.shape[1]
    total = np.zeros_like(image)
    for shift, weight in enumerate(kernel):
        total += padded[:, shift : shift + width] * np.float32(weight)
    return total


def box_sums(image: np.ndarray, radius: int) -> np.ndarray:
    """Return the sums over squares of ``2 radius + 1`` pixels, edges repeated."""
    size = 2 * radius + 1
    padded = np.pad(image, ((radius + 1, radius), (radius + 1, radius)), mode="edge")
    sums = padded.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    squares = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    return squares.astype(np.float32)


def local_contrast(image: np.ndarray, radius: int) -> np.ndarray:
    """Return each pixel's distance from the mean of its surroundings, in their deviations."""
    count = (2 * radius + 1) ** 2
    mean = box_sums(image, radius) / count
    square = box_sums(image * image, radius) / count
    deviation = np.sqrt(np.maximum(square - mean * mean, np.float32(1e-6)))
    return (image - mean) / deviation


def gradient(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return central differences along y and x."""
    down, right = np.zeros_like(image), np.zeros_like(image)
    down[1:-1] = image[2:] - image[:-2]
    right[:, 1:-1] = image[:, 2:] - image[:, :-2]
    return down, right


def halve(image: np.ndarray) -> np.ndarray:
    """Return means of two by two pixels."""
    height, width = (length // 2 * 2 for length in image.shape)
    even = image[:height, :width]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def pyramid(image: np.ndarray, levels: int) -> Iterator[np.ndarray]:
    """Yield an image at one resolution after the other."""
    for _ in range(levels):
        yield image
        image = halve(image)


def sharpness(image: np.ndarray, levels: int) -> list[float]:
    """Return the mean gradient at each resolution."""
    found = []
    for level in pyramid(image, levels):
        down, right = gradient(level)
        found.append(float(np.hypot(down, right).mean()))
    return found
