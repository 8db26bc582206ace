"""Images to learn from."""

from collections.abc import Iterator, Sequence

import numpy as np

from .augment import Compose, Crop, Flip, Jitter, Normalise, Rotate
from .filters import gradient
from .readers import StackReader

Batch = tuple[np.ndarray, np.ndarray]


class StackDataset:
    """The frames of a stack with the number of their cells; what a torch DataLoader asks for."""

    def __init__(self, buffer: bytes, crop: int, seed: int = 0) -> None:
        self.reader = StackReader(buffer)
        self.seed = seed
        self.change = Compose((Crop(crop), Flip(), Rotate(20), Jitter(0.1, 2), Normalise()))

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, number: int) -> tuple[np.ndarray, int]:
        frame = self.reader.frame(number)
        rng = np.random.default_rng((self.seed, number))
        return self.change(frame.image, rng), self.target(number)

    def target(self, number: int) -> int:
        """Return how many cells were noted as sharp."""
        return sum("sharp" in note.tags for note in self.reader.notes(number))


def collate(samples: Sequence[tuple[np.ndarray, int]]) -> Batch:
    """Stack samples into a batch."""
    images, targets = zip(*samples, strict=True)
    return np.stack(images), np.array(targets)


class Patches:
    """Small images of classes, described by numbers."""

    def __init__(self, images: np.ndarray, targets: np.ndarray, crop: int) -> None:
        self.images = images
        self.targets = targets
        self.change = Compose((Crop(crop), Flip(), Rotate(15), Jitter(0.2, 0.05), Normalise()))

    def sample(self, number: int, rng: np.random.Generator) -> np.ndarray:
        """Return the changed and described image."""
        return descriptor(self.change(self.images[number], rng))

    def batches(self, size: int, seed: int) -> Iterator[Batch]:
        """Yield all samples in random order."""
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(self.targets))
        for first in range(0, len(order), size):
            chosen = order[first : first + size]
            samples = [(self.sample(number, rng), self.targets[number]) for number in chosen]
            yield collate(samples)


def orientations(image: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the direction, as a bin, and the strength of each pixel's gradient."""
    down, right = gradient(image)
    angle = np.arctan2(down, right) * np.float32(bins / (2 * np.pi)) + np.float32(bins / 2)
    return np.minimum(angle.astype(np.intp), bins - 1), np.hypot(down, right)


def tiles(image: np.ndarray, count: int) -> Iterator[tuple[slice, slice]]:
    """Yield equal parts of an image."""
    height, width = (length // count for length in image.shape)
    for row in range(count):
        for column in range(count):
            yield slice(row * height, (row + 1) * height), slice(column * width, (column + 1) * width)


def descriptor(image: np.ndarray, count: int = 3, bins: int = 8) -> np.ndarray:
    """Return normalised histograms of gradients (Dalal and Triggs, 2005)."""
    direction, strength = orientations(image, bins)
    parts = [
        np.bincount(direction[tile].ravel(), strength[tile].ravel(), minlength=bins)
        for tile in tiles(image, count)
    ]
    return normalised(np.concatenate(parts).astype(np.float32))


def normalised(vector: np.ndarray) -> np.ndarray:
    """Return a vector of length one."""
    return vector / max(float(np.sqrt(vector @ vector)), 1e-6)
