"""Writes files whole: temporary name, flush, rename."""

import contextlib
import os
import secrets
from pathlib import Path

from machmeter.errors import UnwritableError


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write a file so that its name never stands for half of it.

    Parameters
    ----------
    path : Path
        Its folder is made where it is missing.
    text : str
        Written as UTF-8.
    durable : bool
        Whether the bytes are on the disk before the name is: needed for what cannot be made again.

    Raises
    ------
    UnwritableError
        If the disk is full or the folder cannot be written; an earlier file is left as it was.
    """
    # A lone surrogate, from a file name that is not UTF-8, is written as a character reference.
    write_bytes(path, text.encode("utf-8", errors="xmlcharrefreplace"), durable=durable)


def write_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file of bytes; otherwise as `write_text`."""
    # Containers that share a folder often have equal pids: the name must be random.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        raise UnwritableError(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
