"""The window, the mirroring and the normalisation of a training image, decided by seed, epoch and index."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from machmeter_workloads.photos.contract import MEAN, STD, MemoryFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

ATTEMPTS = 10
AREA = (0.08, 1.0)
RATIO = (3 / 4, 4 / 3)
MEMORY_FORMATS = {"nchw": torch.contiguous_format, "nhwc": torch.channels_last}


@dataclass(frozen=True)
class Draw:
    """All random choices for one image; they do not depend on its size, which is not known yet.

    Parameters
    ----------
    areas : ndarray, shape (10,), float64
        Fractions of the image's area, one for each attempt to fit a window into the image.
    ratios : ndarray, shape (10,), float64
        Width over height, one for each attempt.
    place : tuple of float
        From the top and from the left, as fractions of the room there is.
    mirrored : bool
        Whether left and right are exchanged.
    """

    areas: NDArray[np.float64]
    ratios: NDArray[np.float64]
    place: tuple[float, float]
    mirrored: bool


@dataclass(frozen=True)
class Window:
    """A part of an image, pixels.

    Parameters
    ----------
    top, left, height, width : int
        Within the image.
    """

    top: int
    left: int
    height: int
    width: int


def draw(seed: int, epoch: int, index: int) -> Draw:
    """Decide how an image is cropped and mirrored, without any global random state.

    Parameters
    ----------
    seed, epoch, index : int
        Not negative; the same three give the same answer in every process.

    Returns
    -------
    Draw
    """
    rng = np.random.default_rng((seed, epoch, index))
    areas = rng.uniform(*AREA, ATTEMPTS)
    ratios = np.exp(rng.uniform(math.log(RATIO[0]), math.log(RATIO[1]), ATTEMPTS))
    top, left, coin = rng.random(3).tolist()
    return Draw(areas, ratios, (top, left), coin < 0.5)  # noqa: PLR2004 - half of them


def window(choice: Draw, height: int, width: int) -> Window:
    """Fit the window that was drawn into an image.

    The first of ten attempts that fits, else the largest allowed window in the middle: ``RandomResizedCrop``
    as torchvision documents it, which is what (DL)² uses. Areas are 8 to 100%, ratios 3:4 to 4:3.

    Parameters
    ----------
    choice : Draw
        What was drawn.
    height, width : int
        Of the image, pixels.

    Returns
    -------
    Window
    """
    for area, ratio in zip(choice.areas.tolist(), choice.ratios.tolist(), strict=True):
        wide = math.floor(math.sqrt(area * height * width * ratio) + 0.5)
        high = math.floor(math.sqrt(area * height * width / ratio) + 0.5)
        if 0 < wide <= width and 0 < high <= height:
            top = math.floor(choice.place[0] * (height - high + 1))
            left = math.floor(choice.place[1] * (width - wide + 1))
            return Window(top, left, high, wide)
    high = min(height, math.floor(width / RATIO[0] + 0.5))
    wide = min(width, math.floor(height * RATIO[1] + 0.5))
    return Window((height - high) // 2, (width - wide) // 2, high, wide)


def cropped(image: Image.Image, choice: Draw, size: int) -> NDArray[np.uint8]:
    """Cut the window out of an image, resize it, and mirror it if that was drawn.

    Parameters
    ----------
    image : Image
        Three colours.
    choice : Draw
        What was drawn for it.
    size : int
        Height and width of the result, pixels.

    Returns
    -------
    ndarray, shape (size, size, 3), uint8
        Resized bilinearly, with a triangle that is wider where the image gets smaller.
    """
    part = window(choice, image.height, image.width)
    box = (part.left, part.top, part.left + part.width, part.top + part.height)
    pixels = np.asarray(image.crop(box).resize((size, size), Image.Resampling.BILINEAR))
    return pixels[:, ::-1] if choice.mirrored else pixels


def normalised(images: torch.Tensor, memory_format: MemoryFormat) -> torch.Tensor:
    """Take away ImageNet's mean, and divide by its deviation.

    Parameters
    ----------
    images : Tensor, shape (B, 3, H, W), uint8
        On any device.
    memory_format : {"nchw", "nhwc"}
        Of the result.

    Returns
    -------
    Tensor, shape (B, 3, H, W), float32
        On the same device.
    """
    mean = torch.tensor(MEAN, device=images.device).view(1, 3, 1, 1)
    deviation = torch.tensor(STD, device=images.device).view(1, 3, 1, 1)
    values = images.to(torch.float32, memory_format=MEMORY_FORMATS[memory_format])
    return values.sub_(mean).div_(deviation)
