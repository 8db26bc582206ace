"""What a folder of images holds: formats, sizes, bytes, and the quality that JPEG files were saved with."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from machmeter_workloads.data.image_facts import ImageFacts, image_facts
from machmeter_workloads.data.image_files import SUFFIXES, images_below
from machmeter_workloads.errors import MissingDataError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# As many files at a time as keep all threads busy: a folder may hold a million.
CHUNK = 1000


@dataclass(frozen=True)
class Refusal:
    """A file that could not be looked at.

    Parameters
    ----------
    path : str
        The file, or a folder that may not be listed.
    reason : str
        What is wrong with it.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class Spread:
    """How a quantity spreads over the images.

    Parameters
    ----------
    min, p10, p50, p90, p99, max, mean : float
        In the quantity's own unit; percentiles are interpolated linearly.
    """

    min: float
    p10: float
    p50: float
    p90: float
    p99: float
    max: float
    mean: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Compute it.

        Parameters
        ----------
        values : sequence of float
            One for each image, at least one.

        Returns
        -------
        Spread
        """
        low, p10, p50, p90, p99, high = np.quantile(values, (0, 0.1, 0.5, 0.9, 0.99, 1)).tolist()
        return cls(low, p10, p50, p90, p99, high, float(np.mean(values)))


@dataclass(frozen=True)
class ImageSetStatistics:
    """What a folder of images holds.

    Parameters
    ----------
    folder : str
        Looked at with all its subfolders.
    images : int
        Those that could be decoded; formats, bytes and spreads are about them alone.
    bytes : int
        Of their files together.
    formats : dict of str to int
        Images of each format, the commonest first.
    spreads : dict of str to Spread
        Of ``width`` and ``height`` (pixels), ``file`` (bytes), ``bits_per_pixel``, and ``jpeg_quality`` if
        there is a JPEG file; empty without images.
    damaged, unreadable : tuple of Refusal
        What could not be decoded, and what the operating system refused.
    """

    folder: str
    images: int
    bytes: int
    formats: dict[str, int]
    spreads: dict[str, Spread]
    damaged: tuple[Refusal, ...]
    unreadable: tuple[Refusal, ...]


def image_statistics(folder: Path) -> ImageSetStatistics:
    """Look at every image of a folder. Each is decoded, which alone shows whether it is cut off.

    After (DL)²'s analysis of image data sets (lbhm/dl2), which asks ImageMagick.

    Parameters
    ----------
    folder : Path
        Looked at with all its subfolders.

    Returns
    -------
    ImageSetStatistics

    Raises
    ------
    MissingDataError
        It is not there, or holds no file with the name of an image.
    UnreadableError
        It may not be listed, or is no folder.
    """
    refused: list[OSError] = []
    paths = [folder / name for name in images_below(folder, refused.append)]
    if not paths:
        raise _nothing_found(folder, refused)
    images, damaged, unreadable = [], [], [_refusal(error) for error in refused]
    for path, found in _looked_at(paths):
        if isinstance(found, ImageFacts):
            images.append(found)
        elif isinstance(found, OSError):
            unreadable.append(Refusal(str(path), found.strerror or str(found)))
        else:
            damaged.append(Refusal(str(path), str(found)))
    return ImageSetStatistics(
        folder=str(folder),
        images=len(images),
        bytes=sum(image.bytes for image in images),
        formats=dict(Counter(image.format for image in images).most_common()),
        spreads=_spreads(images),
        damaged=tuple(damaged),
        unreadable=tuple(unreadable),
    )


def _looked_at(paths: Sequence[Path]) -> Iterator[tuple[Path, ImageFacts | OSError | ValueError]]:
    # Pillow decodes without holding the interpreter's lock, so that threads are enough.
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for start in range(0, len(paths), CHUNK):
            chunk = paths[start : start + CHUNK]
            yield from zip(chunk, pool.map(_facts_or_error, chunk), strict=True)


def _facts_or_error(path: Path) -> ImageFacts | OSError | ValueError:
    try:
        return image_facts(path.read_bytes())
    except (OSError, ValueError) as error:
        return error


def _spreads(images: Sequence[ImageFacts]) -> dict[str, Spread]:
    if not images:
        return {}
    values: dict[str, Sequence[float]] = {
        "width": [image.width for image in images],
        "height": [image.height for image in images],
        "file": [image.bytes for image in images],
        "bits_per_pixel": [8 * image.bytes / (image.width * image.height) for image in images],
        "jpeg_quality": [image.quality for image in images if image.quality is not None],
    }
    return {name: Spread.of(each) for name, each in values.items() if each}


def _refusal(error: OSError) -> Refusal:
    return Refusal(str(error.filename), error.strerror or str(error))


def _nothing_found(folder: Path, refused: Sequence[OSError]) -> MissingDataError | UnreadableError:
    for error in refused:
        if Path(error.filename) == folder and not isinstance(error, FileNotFoundError):
            return UnreadableError.of(folder, error)
    return MissingDataError(
        f"{folder} has no images." if folder.exists() else f"{folder} does not exist.",
        f"Images are files ending in {' '.join(SUFFIXES)}, in the folder or below it.",
        f'See what there is ("ls -R {folder}"), or name another folder.',
    )
