"""How long a strategy takes for a cube, measured with a few of them."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from machmeter_workloads.data.cube_set import CubeSet
from machmeter_workloads.loaders.thread_loader import ThreadLoader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from machmeter_workloads.loaders.contract import Batch, LoaderSettings
    from machmeter_workloads.loaders.thread_loader import ThreadStrategy

# More than can be loaded in the time that is given.
ENDLESS = 1 << 16
# A batch comes early or late by a part of itself, whichever cubes the threads finish first.
FEWEST_BATCHES = 4


@dataclass(frozen=True)
class RepeatedCubes(CubeSet):
    """The first cubes of a series, again and again.

    Parameters
    ----------
    distinct : int
        How many of them.
    """

    distinct: int = 1

    @classmethod
    def of(cls, cubes: CubeSet, distinct: int) -> RepeatedCubes:
        """Repeat a series.

        Parameters
        ----------
        cubes : CubeSet
            The series.
        distinct : int
            How many of its cubes are used.

        Returns
        -------
        RepeatedCubes
            An endless one.
        """
        return cls(cubes.spec, ENDLESS, cubes.folder, min(distinct, cubes.count))

    def cube_path(self, format_name: str, index: int) -> Path:
        """Give the file of one cube."""
        return super().cube_path(format_name, index % self.distinct)

    def mask_path(self, index: int) -> Path:
        """Give the file of one mask."""
        return super().mask_path(index % self.distinct)

    def require(self, format_name: str) -> None:
        """Check the distinct ones."""
        CubeSet(self.spec, self.distinct, self.folder).require(format_name)


class Timing(NamedTuple):
    """What a cube took."""

    wall_s: float
    cpu_s: float


def time_steadily(
    cubes: CubeSet, strategy: ThreadStrategy, settings: LoaderSettings, slots: int, seconds: float
) -> Timing:
    """Load until the time is over, and leave out the beginning.

    Parameters
    ----------
    cubes : CubeSet
        An endless series; its first cubes make the page cache warm.
    strategy : ThreadStrategy
        What loads.
    settings : LoaderSettings
        How it is loaded.
    slots : int
        Batches in the ring.
    seconds : float
        How long; a few batches are loaded, however long they take.

    Returns
    -------
    Timing
    """
    with closing(ThreadLoader(cubes, strategy, settings, slots)) as loader:
        epoch = loader.epoch(0)
        # Every slot's memory is touched once, and the threads are then as far ahead as at the end.
        for _ in range(slots):
            next(epoch)
        return _timed(epoch, seconds)


def time_once(cubes: CubeSet, strategy: ThreadStrategy, settings: LoaderSettings, slots: int) -> Timing:
    """Load a series once, from its beginning to its end.

    Parameters
    ----------
    cubes : CubeSet
        A few cubes, in the page cache or not.
    strategy : ThreadStrategy
        What loads.
    settings : LoaderSettings
        How it is loaded.
    slots : int
        Batches in the ring.

    Returns
    -------
    Timing
    """
    with closing(ThreadLoader(cubes, strategy, settings, slots)) as loader:
        return _timed(loader.epoch(0), float("inf"))


def _timed(epoch: Iterator[Batch], seconds: float) -> Timing:
    count, wall, cpu = 0, time.perf_counter(), time.process_time()
    for number, batch in enumerate(epoch, 1):
        count += len(batch.indices)
        if number >= FEWEST_BATCHES and time.perf_counter() - wall >= seconds:
            break
    return Timing((time.perf_counter() - wall) / count, (time.process_time() - cpu) / count)
