"""Random changes of images that leave their meaning."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Change(Protocol):
    """Changes an image."""

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image."""


@dataclass(frozen=True)
class Compose:
    """One change after the other."""

    changes: Sequence[Change]

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image."""
        for change in self.changes:
            image = change(image, rng)
        return image


@dataclass(frozen=True)
class Crop:
    """A square out of the image."""

    size: int

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image."""
        top = int(rng.integers(image.shape[0] - self.size + 1))
        left = int(rng.integers(image.shape[1] - self.size + 1))
        return image[top : top + self.size, left : left + self.size]


@dataclass(frozen=True)
class Flip:
    """Mirrored along either axis."""

    share: float = 0.5

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image."""
        upside_down, mirrored = rng.random(2) < self.share
        if upside_down:
            image = image[::-1]
        return image[:, ::-1] if mirrored else image


@dataclass(frozen=True)
class Rotate:
    """Turned by an angle up to ``degrees``, with nearest pixels."""

    degrees: float

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image."""
        angle = math.radians(rng.uniform(-self.degrees, self.degrees))
        return image[self.places(image.shape, angle)]

    @staticmethod
    def places(shape: tuple[int, int], angle: float) -> tuple[np.ndarray, np.ndarray]:
        """Return where each pixel comes from."""
        height, width = shape
        y = np.arange(height, dtype=np.float32)[:, None] - (height - 1) / 2
        x = np.arange(width, dtype=np.float32)[None, :] - (width - 1) / 2
        sine, cosine = np.float32(math.sin(angle)), np.float32(math.cos(angle))
        rows = np.rint(y * cosine + x * sine + (height - 1) / 2).astype(np.intp)
        columns = np.rint(x * cosine - y * sine + (width - 1) / 2).astype(np.intp)
        return np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)


@dataclass(frozen=True)
class Jitter:
    """Brighter or darker, with some noise."""

    gain: float
    noise: float

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image."""
        gain = np.float32(rng.uniform(1 - self.gain, 1 + self.gain))
        grain = rng.standard_normal(image.shape, dtype=np.float32)
        return image * gain + grain * np.float32(self.noise)


@dataclass(frozen=True)
class Normalise:
    """Between the darkest and the brightest percent, clipped."""

    percent: float = 1.0

    def __call__(self, image: np.ndarray, _rng: np.random.Generator) -> np.ndarray:
        """Return the changed image."""
        low, high = self.limits(image)
        scaled = (image - np.float32(low)) / np.float32(max(high - low, 1e-6))
        return np.clip(scaled, 0, 1)

    def limits(self, image: np.ndarray) -> tuple[float, float]:
        """Return the levels between which almost all pixels lie."""
        flat = image.ravel()
        outside = int(flat.size * self.percent / 100)
        ordered = np.partition(flat, (outside, flat.size - 1 - outside))
        return float(ordered[outside]), float(ordered[-1 - outside])
