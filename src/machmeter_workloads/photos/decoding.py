"""From a file to an image, with the file's name in whatever goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machmeter_workloads.data.image_decoding import opened
from machmeter_workloads.errors import DamagedFileError, MissingDataError, UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image


def read_file(path: Path) -> bytes:
    """Read an encoded image.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bytes

    Raises
    ------
    MissingDataError, UnreadableError
        It is not there any more, or may not be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise MissingDataError(
            f"{path} does not exist.",
            "It was there when the folder was listed, at the loader's opening.",
            "Open the loader again when nobody changes the folder.",
        ) from error
    except OSError as error:
        raise UnreadableError.of(path, error) from error


def decoded(path: Path, content: bytes | bytearray) -> Image.Image:
    """Decode an image.

    Parameters
    ----------
    path : Path
        The file, for its name.
    content : bytes
        What it holds.

    Returns
    -------
    Image
        With the three colours red, green and blue.

    Raises
    ------
    DamagedFileError
        It is empty, no image, or cut off.
    """
    try:
        with opened(content) as image:
            return image.convert("RGB")
    except ValueError as error:
        raise DamagedFileError.of(path, str(error)) from error
