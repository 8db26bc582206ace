"""Where made data are kept on this computer."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from machmeter_workloads.errors import UnwritableError


def data_directory() -> Path:
    """Give the folder for made data, created and checked to be writable.

    It is ``$MACHMETER_DATA``, else ``$XDG_CACHE_HOME/machmeter``, else ``~/.cache/machmeter``.

    Returns
    -------
    Path
        Absolute.

    Raises
    ------
    UnwritableError
        The folder cannot be made, or no file can be made in it.
    """
    directory = _configured().expanduser().absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # Trying is the only honest check: permission bits say nothing for root or on a read-only file system.
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise UnwritableError.of(directory, error) from error
    return directory


def _configured() -> Path:
    if chosen := os.environ.get("MACHMETER_DATA"):
        return Path(chosen)
    if cache := os.environ.get("XDG_CACHE_HOME"):
        return Path(cache) / "machmeter"
    return Path.home() / ".cache" / "machmeter"
