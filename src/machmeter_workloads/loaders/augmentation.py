"""HTC's augmentation and random windows, with every choice decided by seed, epoch and index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from kornia.geometry.transform import get_affine_matrix2d, hflip, vflip, warp_affine

from machmeter_workloads.errors import UnfitSizeError

if TYPE_CHECKING:
    from collections.abc import Sequence

PROBABILITY = 0.5
TRANSLATION = 0.0625
SCALE = (0.9, 1.1)
ANGLE_DEG = 45.0


@dataclass(frozen=True)
class Augmentation:
    """What is done to one cube and its mask.

    Source: the configuration of HTC's benchmark (IMSY-DKFZ/htc): affine transformation, horizontal and
    vertical flip, each with probability 0.5.

    Parameters
    ----------
    affine : bool
        Whether the affine transformation is done.
    translation : tuple of float
        Fractions of width and height, within 0.0625.
    scale : float
        0.9 to 1.1.
    angle : float
        Degrees, within 45.
    horizontal_flip, vertical_flip : bool
        Done after the affine transformation.
    """

    affine: bool
    translation: tuple[float, float]
    scale: float
    angle: float
    horizontal_flip: bool
    vertical_flip: bool


def draw_augmentation(seed: int, epoch: int, index: int) -> Augmentation:
    """Decide how a cube is augmented, without any global random state.

    Parameters
    ----------
    seed, epoch, index : int
        Not negative; the same three give the same answer in every process.

    Returns
    -------
    Augmentation
    """
    rng = np.random.default_rng((seed, epoch, index))
    affine, horizontal_flip, vertical_flip = (rng.random(3) < PROBABILITY).tolist()
    x, y = rng.uniform(-TRANSLATION, TRANSLATION, 2).tolist()
    scale, angle = float(rng.uniform(*SCALE)), float(rng.uniform(-ANGLE_DEG, ANGLE_DEG))
    return Augmentation(affine, (x, y), scale, angle, horizontal_flip, vertical_flip)


def draw_window(
    seed: int, epoch: int, index: int, size: tuple[int, int], crop: tuple[int, int]
) -> tuple[int, int]:
    """Decide where a window is cut out of a cube, independently of how it is augmented.

    Parameters
    ----------
    seed, epoch, index : int
        Not negative; the same three give the same answer in every process.
    size : tuple of int
        Height and width of the cube.
    crop : tuple of int
        Height and width of the window.

    Returns
    -------
    top, left : int

    Raises
    ------
    UnfitSizeError
        The window is empty, or larger than the cube.
    """
    if not all(1 <= length <= limit for length, limit in zip(crop, size, strict=True)):
        raise UnfitSizeError(
            f"A window of {crop[0]}x{crop[1]} pixels cannot be cut out of {size[0]}x{size[1]}.",
            "Cubes are never enlarged or repeated to fill it.",
            "Ask for a crop within the cubes' size, or for larger cubes.",
        )
    # The last number keeps this apart from what decides the augmentation.
    rng = np.random.default_rng((seed, epoch, index, 1))
    top, left = rng.integers(
        0, [limit - length + 1 for length, limit in zip(crop, size, strict=True)]
    ).tolist()
    return top, left


def augment(
    augmentation: Augmentation, cube: torch.Tensor, mask: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Augment one cube and its mask alike; what leaves the frame is filled by reflection.

    Parameters
    ----------
    augmentation : Augmentation
        What to do.
    cube : Tensor, shape (bands, H, W), float32
        Interpolated bilinearly.
    mask : Tensor, shape (H, W), int64
        The nearest label is taken.

    Returns
    -------
    cube : Tensor, shape (bands, H, W), float32
    mask : Tensor, shape (H, W), int64
    """
    cubes, masks = cube[None], mask[None, None]
    if augmentation.affine:
        matrix = _affine_matrix(augmentation, *mask.shape)
        cubes = _warp(cubes, matrix, "bilinear")
        masks = _warp(masks.float(), matrix, "nearest").to(mask.dtype)
    if augmentation.horizontal_flip:
        cubes, masks = hflip(cubes), hflip(masks)
    if augmentation.vertical_flip:
        cubes, masks = vflip(cubes), vflip(masks)
    return cubes[0], masks[0, 0]


def augment_batch(
    augmentations: Sequence[Augmentation], cubes: torch.Tensor, masks: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Augment a batch where it lies; only the cubes that ask for a step take part in it.

    Parameters
    ----------
    augmentations : sequence of Augmentation
        One a cube.
    cubes : Tensor, shape (B, bands, H, W), float32
        On any device, with any strides; overwritten.
    masks : Tensor, shape (B, H, W), int64
        On the same device; overwritten.

    Returns
    -------
    cubes, masks : Tensor
        The given ones. On the CPU their values are, bit by bit, those of ``augment`` cube by cube.
    """
    affine = [place for place, each in enumerate(augmentations) if each.affine]
    if affine:
        size = masks.shape[1], masks.shape[2]
        matrices = torch.cat([_affine_matrix(augmentations[place], *size) for place in affine])
        matrices = matrices.to(cubes.device)
        cubes[affine] = _warp(cubes[affine], matrices, "bilinear")
        masks[affine] = _warp(masks[affine, None].float(), matrices, "nearest")[:, 0].to(masks.dtype)
    for axes, flipped in _flips(augmentations).items():
        cubes[flipped] = cubes[flipped].flip(axes)
        masks[flipped] = masks[flipped].flip(axes)
    return cubes, masks


def _flips(augmentations: Sequence[Augmentation]) -> dict[tuple[int, ...], list[int]]:
    """Give, for each combination of axes, the cubes flipped along them, so that each is moved once."""
    flips: dict[tuple[int, ...], list[int]] = {}
    for place, each in enumerate(augmentations):
        axes = (-2,) * each.vertical_flip + (-1,) * each.horizontal_flip
        if axes:
            flips.setdefault(axes, []).append(place)
    return flips


def _affine_matrix(augmentation: Augmentation, height: int, width: int) -> torch.Tensor:
    x, y = augmentation.translation
    return get_affine_matrix2d(
        translations=torch.tensor([[x * width, y * height]], dtype=torch.float32),
        center=torch.tensor([[(width - 1) / 2, (height - 1) / 2]]),
        scale=torch.full((1, 2), augmentation.scale, dtype=torch.float32),
        angle=torch.tensor([augmentation.angle], dtype=torch.float32),
    )[:, :2]


def _warp(images: torch.Tensor, matrix: torch.Tensor, mode: str) -> torch.Tensor:
    size = (images.shape[-2], images.shape[-1])
    return warp_affine(images, matrix, size, mode=mode, padding_mode="reflection", align_corners=False)
