"""Images that look like cells, of known content."""

from collections.abc import Iterator

import numpy as np

from .formats import Note, write_stack


def blobs(size: int, count: int, rng: np.random.Generator) -> Iterator[tuple[float, float, float, float]]:
    """Yield place, radius and brightness of some cells."""
    for _ in range(count):
        y, x = rng.uniform(6, size - 6, 2)
        yield y, x, rng.uniform(3, 7), rng.uniform(200, 900)


def make_frame(size: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, list[Note]]:
    """Return raw counts, a mask and notes."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    image = 100 + 60 * (y + x) / size
    mask = np.zeros((size, size), bool)
    notes = []
    for number, (cy, cx, radius, bright) in enumerate(blobs(size, count, rng)):
        distance = np.hypot(y - cy, x - cx) / radius
        image += bright * np.exp(-(distance**4))
        mask |= distance < 1
        tags = tuple(rng.choice(("sharp", "round", "dividing", "edge"), 2, replace=False).tolist())
        notes.append(Note(f"cell-{number}", cy, cx, float(rng.random()), tags))
    return rng.poisson(image).astype(np.uint16), mask, notes


def make_stack(frames: int, size: int, count: int, seed: int = 0) -> bytes:
    """Return a container of frames."""
    metadata = {
        "exposure": "20 ms",
        "pixel": "0.65 um",
        "vignetting": "0.2",
        "objective": "20x air",
        "binning": "1",
        "gain": "1.5",
        "stage x": "120.5 um",
        "stage y": "-37 um",
        "operator": "A. Abbe",
        "date": "2024-05-17T10:30",
        "camera": "CMOS 2048",
        "camera temperature": "-10.2",
        "filter": "525/50 nm",
        "excitation": "488 nm",
        "emission": "525 nm",
        "power": "0.35",
        "medium": "DMEM",
        "temperature": "37.0",
        "carbon dioxide": "5.0",
        "passage": "12",
        "plate": "P-0042",
        "well": "C07",
        "site": "4",
        "interval": "30 s",
        "comment": "after change of medium",
    }
    return write_stack([make_frame(size, count, seed + number) for number in range(frames)], metadata)


def make_patches(count: int, size: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return stripes whose direction is their class."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    targets = rng.integers(classes, size=count)
    angles = targets * np.pi / classes
    phase = y * np.sin(angles)[:, None, None] + x * np.cos(angles)[:, None, None]
    noise = rng.standard_normal(phase.shape) * 0.3
    return (np.sin(phase) + noise).astype(np.float32), targets


def make_rows(count: int, frames: int, seed: int = 0) -> tuple[list[dict], list[dict]]:
    """Return rows on cells, and the condition of each frame."""
    rng = np.random.default_rng(seed)
    rows = [
        {
            "frame": f"frame-{number % frames}",
            "cell": float(number),
            "area": float(rng.gamma(4, 20)),
            "mean": float(rng.normal(300, 60)),
            "elongation": float(rng.gamma(20, 0.06)),
            "contrast": float(rng.random()),
            "note": "bright, near edge" if number % 9 == 0 else "none",
        }
        for number in range(count)
    ]
    conditions = [
        {"frame": f"frame-{number}", "condition": ("control", "drug", "heat")[number % 3], "dose": number / 2}
        for number in range(frames)
    ]
    return rows, conditions
