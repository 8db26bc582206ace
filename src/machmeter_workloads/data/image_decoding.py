"""Opening encoded images, with one kind of error for all that can be wrong with them."""

from __future__ import annotations

from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

# What Pillow's decoders raise for contents that they cannot make sense of, beside ValueError.
UNDECODABLE = (OSError, SyntaxError, EOFError, IndexError, Image.DecompressionBombError)


@contextmanager
def opened(content: bytes | bytearray) -> Iterator[Image.Image]:
    """Open an image; its pixels are decoded when they are first asked for, inside the ``with``.

    Parameters
    ----------
    content : bytes
        Of the file.

    Yields
    ------
    Image
        Closed at the end.

    Raises
    ------
    ValueError
        It is empty, no image, or cut off: says which, without a full stop.
    """
    if not content:
        raise ValueError("it is empty")
    try:
        with Image.open(BytesIO(content)) as image:
            yield image
    except UnidentifiedImageError as error:
        raise ValueError("it is no image that Pillow knows") from error
    except UNDECODABLE as error:
        raise ValueError(str(error).rstrip(".") or type(error).__name__) from error
