"""What one encoded image is: its format, size, bytes and quality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from machmeter_workloads.data.image_decoding import opened
from machmeter_workloads.data.jpeg_quality import estimate_quality

if TYPE_CHECKING:
    from PIL import Image

RIFF_HEADER = 12


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What is known about one image.

    Parameters
    ----------
    format : str
        ``"JPEG"``, ``"PNG"``, ``"WEBP"``, ``"WEBP lossless"`` …: as Pillow names it.
    width, height : int
        Pixels.
    bytes : int
        Of the file.
    quality : int, optional
        Of a JPEG file, 1 to 100; no other format keeps it.
    """

    format: str
    width: int
    height: int
    bytes: int
    quality: int | None


def image_facts(content: bytes) -> ImageFacts:
    """Decode one image and say what it is.

    Parameters
    ----------
    content : bytes
        Of the file.

    Returns
    -------
    ImageFacts

    Raises
    ------
    ValueError
        It is empty, no image, or cut off.
    """
    with opened(content) as image:
        image.load()
        width, height = image.size
        return ImageFacts(_format(image, content), width, height, len(content), _quality(image))


def _quality(image: Image.Image) -> int | None:
    tables: dict[int, list[int]] = getattr(image, "quantization", {})
    return estimate_quality(tables[0]) if 0 in tables else None


def _format(image: Image.Image, content: bytes) -> str:
    lossless = image.format == "WEBP" and b"VP8L" in _chunk_names(content)
    return f"{image.format}{' lossless' if lossless else ''}"


def _chunk_names(content: bytes) -> list[bytes]:
    """List the parts of a RIFF file, which is what holds a WebP image."""
    names, place = [], RIFF_HEADER
    while place + 8 <= len(content):
        names.append(content[place : place + 4])
        size = int.from_bytes(content[place + 4 : place + 8], "little")
        # Parts begin at even places.
        place += 8 + size + size % 2
    return names
