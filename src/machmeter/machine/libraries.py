"""The versions of installed distributions, from the names of their folders, without importing any."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_SUFFIX: Final = ".dist-info"
_SEPARATORS: Final = re.compile(r"[-_.]+")


def libraries(site_packages: Path, names: Iterable[str] | None = None) -> dict[str, str]:
    """Give the versions of what is installed in a folder.

    Parameters
    ----------
    site_packages : Path
        The ``site-packages`` of an environment.
    names : iterable of str, optional
        Only these distributions, in any spelling; all by default.

    Returns
    -------
    dict of str to str
        Normalised name (PEP 503) to version, in alphabetical order; what is not installed is missing. A name
        with the leftovers of another version has both, separated by a comma. Empty where nothing can be read.

    Notes
    -----
    A folder is named "name-version.dist-info" (Python packaging, "Recording installed projects").
    """
    wanted = None if names is None else {normalised(name) for name in names}
    versions: dict[str, set[str]] = {}
    for name, version in _installed(site_packages):
        if wanted is None or name in wanted:
            versions.setdefault(name, set()).add(version)
    return {name: ", ".join(sorted(found)) for name, found in sorted(versions.items())}


def normalised(name: str) -> str:
    """Spell a name as PEP 503 has it: "Foo.bar_baz" as "foo-bar-baz"."""
    return _SEPARATORS.sub("-", name.strip()).lower()


def _installed(folder: Path) -> Iterator[tuple[str, str]]:
    try:
        found = os.listdir(folder)  # noqa: PTH208  (a Path an entry costs more than all the rest)
    except (OSError, ValueError):
        return
    for entry in found:
        name, _, version = entry.removesuffix(_SUFFIX).rpartition("-")
        if entry.endswith(_SUFFIX) and name and version:
            yield normalised(name), version
