"""Result files side by side: one row a benchmark and set of parameters, one column a file."""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from machmeter.results.machine_files import File
from machmeter.results.result_file import Slot, choices, combinations

#: Benchmark and parameters.
Key = tuple[str, tuple[str, ...]]


def side_by_side(files: Sequence[File]) -> tuple[list[Key], NDArray[np.float64], NDArray[np.int32]]:
    """Lay files out side by side.

    Parameters
    ----------
    files : sequence of File
        Of one machine and environment, in the order of their commits.

    Returns
    -------
    keys : list of (benchmark, params), length k
        Of the rows.
    values : ndarray, shape (k, files), float64
        Not a number where a file has no result.
    versions : ndarray, shape (k, files), int32
        Numbers of the benchmarks' versions; -1 where unknown.
    """
    rows: dict[Key, int] = {}
    numbers: dict[str | None, int] = {None: -1}
    places = {
        layout: (_rows_of(layout, rows), _versions_of(layout, numbers))
        for layout in dict.fromkeys(file.layout for file in files)
    }
    values = np.full((len(files), len(rows)), np.nan)
    versions = np.full(values.shape, -1, np.int32)
    for column, file in enumerate(files):
        where, version = places[file.layout]
        values[column, where] = file.values
        versions[column, where] = version
    return list(rows), np.ascontiguousarray(values.T), np.ascontiguousarray(versions.T)


def _rows_of(layout: Sequence[Slot], rows: dict[Key, int]) -> NDArray[np.int64]:
    """Find the row of every value of a layout; new ones are added."""
    keys = ((slot.benchmark, params) for slot in layout for params in _distinct(slot.params))
    return np.array([rows.setdefault(key, len(rows)) for key in keys], np.int64)


def _versions_of(layout: Sequence[Slot], numbers: dict[str | None, int]) -> NDArray[np.int32]:
    """Give the number of the version of every value of a layout; None is -1."""
    each = [numbers.setdefault(slot.version, len(numbers) - 1) for slot in layout]
    return np.repeat(np.array(each, np.int32), [combinations(slot.params) for slot in layout])


def _distinct(params: str) -> Iterator[tuple[str, ...]]:
    """List the combinations; equal representations of different parameters are numbered."""
    seen: dict[tuple[str, ...], int] = {}
    for combination in product(*choices(params)):
        seen[combination] = nth = seen.get(combination, 0) + 1
        yield combination if nth == 1 else (*combination[:-1], f"{combination[-1]} ({nth})")
