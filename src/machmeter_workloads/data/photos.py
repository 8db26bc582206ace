"""Photographs computed from a few that come inside installed packages, so that nothing is downloaded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from machmeter_workloads.errors import MissingDataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

# Raised whenever the same spec would give other pixels: the files of both versions then live side by side.
MAKER_VERSION = 1

# Public domain or CC0, as the packages' own documentation says (skimage.data, plenoptic.data.macaque). Large
# ones in colour alone: what is enlarged has no fine detail, and would compress better than photographs do.
BUNDLED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "astronaut": ("skimage", "data/astronaut.png"),
        "cat": ("skimage", "data/chelsea.png"),
        "coffee": ("skimage", "data/coffee.png"),
        "galaxies": ("skimage", "data/hubble_deep_field.jpg"),
        "macaque": ("plenoptic", "data/macaca_nigra_self-portrait.jpg"),
        "retina": ("skimage", "data/retina.jpg"),
        "rocket": ("skimage", "data/rocket.jpg"),
    }
)
CLASSES = tuple(BUNDLED)

PORTRAITS = 0.25
SMALLEST_AREA = 0.35
COLOUR_MIXING = 0.08
GAIN = (0.8, 1.2)
# Grey values. With it, files of JPEG quality 95 have 4 bits a pixel, not far below ImageNet's.
GRAIN = (3.0, 8.0)


@dataclass(frozen=True)
class PhotoSpec:
    """What decides the pixels of a series of photographs.

    Parameters
    ----------
    width, height : int
        Pixels of a landscape; one in four is a portrait, whose sides are swapped. ImageNet's commonest size
        is 500 by 375.
    seed : int
        Not negative.
    """

    width: int = 500
    height: int = 375
    seed: int = 0


class PhotoMaker:
    """Computes photographs one by one, and keeps the bundled ones that it has needed.

    Parameters
    ----------
    spec : PhotoSpec
        Size and seed.
    """

    def __init__(self, spec: PhotoSpec) -> None:
        self._spec = spec
        self._bundled: dict[str, Image.Image] = {}

    @cached_property
    def sources_digest(self) -> str:
        """Tell whether two computers start from the same bundled files: sha256, hexadecimal."""
        digest = hashlib.sha256()
        for name in CLASSES:
            digest.update(hashlib.sha256(_bundled_bytes(name)).digest())
        return digest.hexdigest()

    def make(self, index: int) -> NDArray[np.uint8]:
        """Compute one photograph.

        A window of a bundled photograph at a place, size, mirroring, gain and mixture of the colours that are
        drawn for it, resized, with the grain of a film. Its class is ``class_of(index)``.

        Parameters
        ----------
        index : int
            Which photograph of the series; it does not depend on how many there are.

        Returns
        -------
        ndarray, shape (H, W, 3), uint8

        Raises
        ------
        MissingDataError
            The package with the bundled photograph is not installed.
        """
        rng = np.random.default_rng((self._spec.seed, index))
        width, height = self._spec.width, self._spec.height
        if rng.random() < PORTRAITS:
            width, height = height, width
        bundled = self._open(class_of(index))
        window = _draw_window(rng, bundled.size, (width, height))
        photo = np.asarray(bundled.resize((width, height), Image.Resampling.BICUBIC, box=window))
        if rng.random() < 0.5:  # noqa: PLR2004 - half of them
            photo = photo[:, ::-1]
        return _developed(rng, photo)

    def _open(self, name: str) -> Image.Image:
        if name not in self._bundled:
            with Image.open(BytesIO(_bundled_bytes(name))) as image:
                self._bundled[name] = image.convert("RGB")
        return self._bundled[name]


def class_of(index: int) -> str:
    """Give the class of a photograph of a series: the bundled photograph it is made from.

    Parameters
    ----------
    index : int
        From 0.

    Returns
    -------
    str
        One of ``CLASSES``; all are equally frequent.
    """
    return CLASSES[index % len(CLASSES)]


def _bundled_bytes(name: str) -> bytes:
    package, place = BUNDLED[name]
    # The package itself is not imported: that takes seconds, and only a file of it is wanted.
    spec = find_spec(package)
    folders = (spec and spec.submodule_search_locations) or []
    for folder in folders:
        path = Path(folder) / place
        if path.is_file():
            return path.read_bytes()
    raise MissingDataError(
        f'The photograph "{name}" ({package}/{place}) is not installed.',
        "The image folders are made from photographs that come inside packages.",
        'Install them ("pip install plenoptic scikit-image"; both belong to machmeter[workloads]).',
    )


def _draw_window(
    rng: np.random.Generator, bundled: tuple[int, int], wanted: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Draw the left, upper, right and lower edge of a window with the proportions of what is wanted."""
    largest = min(bundled[0] / wanted[0], bundled[1] / wanted[1])
    scale = largest * np.sqrt(rng.uniform(SMALLEST_AREA, 1))
    width, height = scale * wanted[0], scale * wanted[1]
    left, upper = rng.uniform(0, bundled[0] - width), rng.uniform(0, bundled[1] - height)
    return float(left), float(upper), float(left + width), float(upper + height)


def _developed(rng: np.random.Generator, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    mixing = np.eye(3) + COLOUR_MIXING * rng.standard_normal((3, 3))
    mixing *= rng.uniform(*GAIN) / mixing.sum(axis=0)
    grain = rng.standard_normal(photo.shape, dtype=np.float32) * np.float32(rng.uniform(*GRAIN))
    # Summed by hand: a matrix product rounds differently on different processors, and the files would differ.
    red, green, blue = (photo[..., colour, None] * mixing[colour].astype(np.float32) for colour in range(3))
    return np.rint(red + green + blue + grain).clip(0, 255).astype(np.uint8)
