"""Where made data are kept on this computer."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from machmeter_workloads.errors import MissingDataError, UnknownNameError, UnwritableError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_STORAGE = "default"
VARIABLE = "MACHMETER_DATA"
PREFIX = f"{VARIABLE}_"


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
    except OSError as error:
        raise UnwritableError.of(directory, error) from error
    return _writable(directory)


def storage_roots() -> Mapping[str, Path]:
    """Name the storages of this computer, so that the same data can be read from each of them.

    ``MACHMETER_DATA_HDD=/mnt/disk/data`` adds the storage ``hdd``, as (DL)² does with its folders on a disk
    and on an SSD (lbhm/dl2). The storages themselves are not looked at.

    Returns
    -------
    mapping of str to Path
        ``default`` first, which is the folder of ``data_directory``; then the others by name. Absolute.

    Raises
    ------
    UnknownNameError
        Two variables name the same storage.
    """
    roots = {DEFAULT_STORAGE: _configured().expanduser().absolute()}
    for variable in sorted(os.environ):
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or not name or not os.environ[variable]:
            continue
        if name in roots:
            raise UnknownNameError(
                f'{variable} names the storage "{name}" a second time.',
                f'"{DEFAULT_STORAGE}" is the folder of {VARIABLE}, and upper and lower case are the same.',
                f'Choose another name ("unset {variable}; export {PREFIX}<NAME>=<folder>").',
            )
        roots[name] = Path(os.environ[variable]).expanduser().absolute()
    return MappingProxyType(roots)


def storage_root(name: str) -> Path:
    """Give the folder of one storage, to read from.

    Parameters
    ----------
    name : str
        One of ``storage_roots``.

    Returns
    -------
    Path
        Absolute; it need not exist.

    Raises
    ------
    UnknownNameError
        There is no such storage; lists those there are.
    """
    roots = storage_roots()
    if name not in roots:
        raise UnknownNameError.of("storage", name, roots)
    return roots[name]


def writable_storage(name: str) -> Path:
    """Give the folder of one storage, checked to be there and writable.

    Parameters
    ----------
    name : str
        One of ``storage_roots``.

    Returns
    -------
    Path
        Absolute.

    Raises
    ------
    UnknownNameError
        There is no such storage; lists those there are.
    MissingDataError
        The folder of a storage other than ``default`` is not there. It is never made: under the mount point
        of a disk that is not mounted it would lie on another disk, and that one would be measured.
    UnwritableError
        No file can be made in it.
    """
    root = storage_root(name)
    if name == DEFAULT_STORAGE:
        return data_directory()
    if not root.is_dir():
        raise MissingDataError(
            f'The storage "{name}" is {root}, which is no folder.',
            "It is not made, because its disk may just not be mounted, and another would be measured.",
            f'Mount the disk, or make the folder ("mkdir -p {root}"), then run again.',
        )
    return _writable(root)


def _writable(directory: Path) -> Path:
    try:
        # Trying is the only honest check: permission bits say nothing for root or on a read-only file system.
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise UnwritableError.of(directory, error) from error
    return directory


def _configured() -> Path:
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    if cache := os.environ.get("XDG_CACHE_HOME"):
        return Path(cache) / "machmeter"
    return Path.home() / ".cache" / "machmeter"
