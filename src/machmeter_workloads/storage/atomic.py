"""Files that are either complete under their name or not there at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from typing import TYPE_CHECKING

from machmeter_workloads.errors import UnwritableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PART_SUFFIX = ".part"
ABANDONED_AFTER_S = 24 * 3600


def write_atomically(path: Path, parts: Sequence[bytes | memoryview]) -> None:
    """Write a file under a temporary name in its own folder, flush it to the disk, and rename it.

    Parameters
    ----------
    path : Path
        The final name; an existing file is replaced.
    parts : sequence of bytes or memoryview
        Contents, written one after the other.

    Raises
    ------
    UnwritableError
        The disk is full, or the folder may not be written. Nothing is left behind.
    """
    # A name of its own for every writer: two makers of the same file must not write into each other's.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{PART_SUFFIX}")
    try:
        with temporary.open("xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise UnwritableError.of(path, error) from error
        raise


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files of writers that were killed more than a day ago.

    Parameters
    ----------
    folder : Path
        Looked at without its subfolders.
    """
    oldest = time.time() - ABANDONED_AFTER_S
    for part in folder.glob(f".*{PART_SUFFIX}"):
        # Another maker may clean up at the same moment.
        with contextlib.suppress(FileNotFoundError):
            if part.stat().st_mtime < oldest:
                part.unlink()
