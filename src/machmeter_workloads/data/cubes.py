"""Realistic hyperspectral cubes with label masks, computed from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Raised whenever the same spec would give other values: the data of both versions then live side by side.
MAKER_VERSION = 1

MATERIALS = 5
# Electrons that a white reference gives at the brightest band. Chosen so that float16 cubes compress as those
# of HTC do, by about 1.7 (35.5 of 60 MiB a cube: IMSY-DKFZ/htc, htc/utils/blosc_compression.py).
WHITE_COUNTS = 1000
READ_NOISE = 3.0
TEXTURE_CONTRAST = 0.05
ABUNDANCE_CONTRAST = 3.0


@dataclass(frozen=True)
class CubeSpec:
    """What decides the values of a series of cubes.

    Parameters
    ----------
    height, width : int
        Pixels.
    bands : int
        Spectral bands, evenly spaced over 500 to 1000 nm.
    seed : int
        Not negative.
    """

    height: int
    width: int
    bands: int
    seed: int = 0

    @classmethod
    def from_size(cls, size: str, seed: int = 0) -> Self:
        """Read a size as the benchmarks write it.

        Parameters
        ----------
        size : str
            ``"HEIGHTxWIDTHxBANDS"``, for example ``"120x160x100"``.
        seed : int
            Not negative.

        Returns
        -------
        CubeSpec
        """
        height, width, bands = (int(part) for part in size.split("x"))
        return cls(height, width, bands, seed)

    @property
    def identifier(self) -> str:
        """Name of the folder that holds these cubes; the same on every computer."""
        return f"cubes-{self.height}x{self.width}x{self.bands}-seed{self.seed}-v{MAKER_VERSION}"


def make_cube(spec: CubeSpec, index: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Compute one cube and its mask.

    A mixture of a few smooth spectra, whose abundances have the 1/f spectrum of natural images, under a lamp
    that is dim at both ends; shot noise and read noise are added, the counts are rounded, and the result is
    divided by the white reference, as the camera's own software does.

    Parameters
    ----------
    spec : CubeSpec
        Size and seed; all cubes of a spec share their materials' spectra.
    index : int
        Which cube of the series; a cube does not depend on how many there are.

    Returns
    -------
    cube : ndarray, shape (H, W, bands), float32
        Reflectance, about 0.1 to 1.2.
    mask : ndarray, shape (H, W), uint8
        The material with the largest abundance, 0 to 4.
    """
    rng = np.random.default_rng((spec.seed, 1, index))
    abundances = np.exp(ABUNDANCE_CONTRAST * _noise_field(rng, MATERIALS, spec, exponent=1.0))
    abundances /= abundances.sum(axis=0)
    texture = 1 + TEXTURE_CONTRAST * _noise_field(rng, 1, spec, exponent=0.5)[0]
    pixels = abundances.reshape(MATERIALS, -1).T @ _material_spectra(spec)
    reflectance = pixels.reshape(spec.height, spec.width, spec.bands) * texture.clip(0.2, 2)[..., None]
    cube = _photographed(rng, reflectance.astype(np.float32))
    return cube, abundances.argmax(axis=0).astype(np.uint8)


def _material_spectra(spec: CubeSpec) -> NDArray[np.float32]:
    rng = np.random.default_rng((spec.seed, 0))
    wavelength = np.linspace(0, 1, spec.bands)
    center = rng.uniform(0, 1, (MATERIALS, 3, 1))
    width = rng.uniform(0.08, 0.3, (MATERIALS, 3, 1))
    height = rng.uniform(-0.25, 0.35, (MATERIALS, 3, 1))
    bumps = (height * np.exp(-(((wavelength - center) / width) ** 2))).sum(axis=1)
    return (0.4 + 0.2 * wavelength + bumps).clip(0.05, 0.95).astype(np.float32)


def _noise_field(
    rng: np.random.Generator, count: int, spec: CubeSpec, exponent: float
) -> NDArray[np.float32]:
    """Draw fields whose amplitude falls as frequency**-exponent; mean 0 and variance 1 each."""
    frequency = np.hypot(np.fft.fftfreq(spec.height)[:, None], np.fft.rfftfreq(spec.width))
    frequency[0, 0] = np.inf
    white = rng.standard_normal((count, spec.height, spec.width))
    field = np.fft.irfft2(np.fft.rfft2(white) * frequency**-exponent, s=white.shape[1:])
    return (field / field.std(axis=(1, 2), keepdims=True)).astype(np.float32)


def _photographed(rng: np.random.Generator, reflectance: NDArray[np.float32]) -> NDArray[np.float32]:
    wavelength = np.linspace(0, 1, reflectance.shape[-1], dtype=np.float32)
    white = WHITE_COUNTS * (0.35 + 0.65 * np.exp(-(((wavelength - 0.45) / 0.27) ** 2)))
    electrons = reflectance * white.astype(np.float32)
    noise = rng.standard_normal(electrons.shape, dtype=np.float32)
    # At these counts the Poisson distribution is a normal one with the same variance, and ten times as quick.
    electrons += noise * np.sqrt(electrons + np.float32(READ_NOISE**2))
    counts = np.rint(electrons).clip(0)
    return counts / white.astype(np.float32)
