"""How a photograph becomes the bytes of a file: JPEG and WebP at any quality, and two without loss."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Self

import PIL
from PIL import Image, features

from machmeter_workloads.errors import UnknownNameError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOSSY = re.compile(r"(jpeg|webp)([1-9]\d?|100)")


@dataclass(frozen=True)
class Encoding:
    """An image format with its settings.

    Parameters
    ----------
    name : str
        ``"jpeg<quality>"`` or ``"webp<quality>"`` with a quality from 1 to 100, ``"webp-lossless"`` or
        ``"png"``.
    format : str
        As Pillow names it.
    suffix : str
        Of the files' names, with the dot.
    library : str
        What Pillow's ``features`` calls the encoder.
    options : dict
        What Pillow is told beside the format.
    """

    name: str
    format: str
    suffix: str
    library: str
    options: dict[str, int | bool] = field(hash=False)

    @classmethod
    def named(cls, name: str) -> Self:
        """Find an encoding.

        Parameters
        ----------
        name : str
            As the parameter ``name`` of the class.

        Returns
        -------
        Encoding

        Raises
        ------
        UnknownNameError
            There is no such encoding.
        """
        if name == "png":
            return cls(name, "PNG", ".png", "zlib", {"compress_level": 6})
        if name == "webp-lossless":
            return cls(name, "WEBP", ".webp", "webp", {"lossless": True, "quality": 75, "method": 4})
        if match := LOSSY.fullmatch(name):
            quality = int(match[2])
            if match[1] == "jpeg":
                return cls(name, "JPEG", ".jpg", "libjpeg_turbo", {"quality": quality, "subsampling": 2})
            return cls(name, "WEBP", ".webp", "webp", {"quality": quality, "method": 4})
        known = ("jpeg1 … jpeg100", "webp1 … webp100", "webp-lossless", "png")
        raise UnknownNameError.of("image encoding", name, known)

    @property
    def encoder(self) -> str:
        """Which programs decide the bytes, with their versions."""
        version = features.version(self.library) or "of unknown version"
        return f"Pillow {PIL.__version__}, {self.library} {version}"

    def encode(self, photo: NDArray[np.uint8]) -> bytes:
        """Encode one photograph.

        Parameters
        ----------
        photo : ndarray, shape (H, W, 3), uint8
            Any size.

        Returns
        -------
        bytes
            What the file holds.
        """
        file = BytesIO()
        Image.fromarray(photo).save(file, self.format, **self.options)
        return file.getvalue()
