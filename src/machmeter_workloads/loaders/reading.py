"""One epoch of loading alone, without a network."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from machmeter_workloads.work import Work, rounded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machmeter_workloads.loaders.contract import Batch, Loader

NO_PATH: Mapping[str, float] = MappingProxyType({})


def read_epoch(loader: Loader, number: int = 0, path: Mapping[str, float] = NO_PATH) -> Work:
    """Load one epoch and drop every batch.

    Parameters
    ----------
    loader : Loader
        Any strategy.
    number : int
        Which epoch. A benchmark repeats the same one: how many cubes are to be warped differs between epochs.
    path : mapping of str to float
        What a cube needs at least, see ``paths.path_of``; handed on.

    Returns
    -------
    Work
        Items are cubes; bytes are those of the delivered cubes and masks; the result holds, for each batch,
        the indices, and reflectance and label of every central pixel.
    """
    items = payload = 0
    seen = []
    for batch in loader.epoch(number):
        items += len(batch.indices)
        payload += batch.cubes.nbytes + batch.masks.nbytes
        seen.append(_glance(batch))
    return Work(items, payload, tuple(seen), path)


def _glance(batch: Batch) -> tuple[tuple[int, ...], tuple[float, ...], tuple[int, ...]]:
    _, bands, height, width = batch.cubes.shape
    values = batch.cubes[:, bands // 2, height // 2, width // 2].tolist()
    labels = batch.masks[:, height // 2, width // 2].tolist()
    return tuple(batch.indices.tolist()), rounded(values), tuple(labels)
