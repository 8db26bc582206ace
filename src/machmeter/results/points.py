"""Change points of series; those of a series that has not changed are not searched again."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from hashlib import blake2b
from importlib import metadata, resources
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from machmeter.results import store
from machmeter.results.machine_files import kept_path

_SCHEMA: Final = 1
_DIGEST_BYTES: Final = 16

if TYPE_CHECKING:
    from machmeter.analysis.changepoints import ChangePoint

_Points = tuple["ChangePoint", ...]


def search(
    results_dir: Path,
    machine: str,
    series: Sequence[tuple[NDArray[np.float64], Sequence[int]]],
    *,
    every: bool,
) -> tuple[list[_Points], tuple[str, ...]]:
    """Search series of one machine for change points.

    Parameters
    ----------
    results_dir : Path
        asv's; what was found is kept beside it.
    machine : str
        Name of its folder.
    series : sequence of (ndarray, shape (n,), float64; sequence of int)
        Values, and the positions where another version or other work begins.
    every : bool
        Whether these are all series of the machine: what is kept of others is then forgotten.

    Returns
    -------
    points : list of tuple of ChangePoint
        In the order of the series.
    notes : tuple of str
        Why they could not be kept.
    """
    path = kept_path(results_dir, machine, "points")
    kept = _load(path)
    digests = [_digest(values, breaks) for values, breaks in series]
    find = _changepoints().change_points
    found = {
        digest: kept[digest] if digest in kept else find(values, breaks=breaks)
        for digest, (values, breaks) in zip(digests, series, strict=True)
    }
    remembered = found if every else {**kept, **found}
    failure = _save(path, remembered) if remembered.keys() != kept.keys() else None
    return [found[digest] for digest in digests], (f"{path} could not be kept: {failure}",) if failure else ()


@cache
def detector() -> str:
    """Name the detector by its own source and what it computes with: another one finds other points."""
    found = blake2b(digest_size=_DIGEST_BYTES)
    for source in sorted(resources.files("machmeter.analysis").iterdir(), key=lambda source: source.name):
        if source.name.endswith(".py"):
            found.update(source.read_bytes())
    for name in ("numpy", "scipy"):
        found.update(metadata.version(name).encode())
    return found.hexdigest()


def _changepoints() -> ModuleType:
    """Import the detector where it is used: scipy takes longer to import than all else of a command."""
    from machmeter.analysis import changepoints  # noqa: PLC0415 - see above

    return changepoints


@cache
def _kinds() -> list[type]:
    """List the types of a change point's numbers."""
    return [int if field.type in (int, "int") else float for field in fields(_changepoints().ChangePoint)]


def _digest(values: NDArray[np.float64], breaks: Sequence[int]) -> bytes:
    found = blake2b(values.tobytes(), digest_size=_DIGEST_BYTES)
    found.update(np.array(breaks, np.int64).tobytes())
    return found.digest()


def _save(path: Path, found: Mapping[bytes, _Points]) -> str | None:
    # Not dataclasses.astuple: it copies every number deeply, which took a fifth of the whole command.
    row = attrgetter(*(field.name for field in fields(_changepoints().ChangePoint)))
    rows = [row(point) for points in found.values() for point in points]
    arrays: dict[str, NDArray[Any]] = {
        "digests": np.frombuffer(b"".join(found), np.uint8),
        "counts": np.array([len(points) for points in found.values()], np.int64),
        "points": np.array(rows, np.float64).reshape(len(rows), len(_kinds())),
    }
    return store.save(path, {"schema": _SCHEMA, "detector": detector()}, arrays)


def _load(path: Path) -> dict[bytes, _Points]:
    loaded = store.load(path)
    if loaded is None or loaded[0] != {"schema": _SCHEMA, "detector": detector()}:
        return {}
    arrays = loaded[1]
    digests = arrays["digests"].tobytes()
    columns = zip(_kinds(), arrays["points"].T, strict=True)
    rows = list(map(_changepoints().ChangePoint, *(column.astype(kind).tolist() for kind, column in columns)))
    found: dict[bytes, _Points] = {}
    start = 0
    for number, count in enumerate(arrays["counts"].tolist()):
        digest = digests[number * _DIGEST_BYTES : (number + 1) * _DIGEST_BYTES]
        found[digest] = tuple(rows[start : start + count])
        start += count
    return found
