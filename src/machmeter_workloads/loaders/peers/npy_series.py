"""A series of ``.npy`` files, for the libraries that leave the reading to their users."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from machmeter_workloads.loaders.order import epoch_batches, epoch_order
from machmeter_workloads.loaders.peers.batches import collect, cut
from machmeter_workloads.loaders.peers.formats import require_peer_format
from machmeter_workloads.storage.peer_formats.npy_files import NpyLayout, cube_file, mask_file
from machmeter_workloads.storage.peer_formats.series import HalfSample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Batch, LoaderSettings
    from machmeter_workloads.loaders.peers.room import Room


class NpySeries:
    """Opens cubes and makes batches of them.

    A file is mapped into memory and widened from there straight into the batch: one pass over the values and
    no copy in between, which releases Python's lock nearly all of the time. That is what suits threads.

    Parameters
    ----------
    cubes : CubeSet
        Its format "npy" of the peers must have been made.
    settings : LoaderSettings
        Seed, size of a batch, crop, and whether to augment.
    room : Room
        Gives the batches' memory.
    open_array : callable, optional
        Takes a path, gives the array in the file; by default the file is mapped, with its header known.

    Raises
    ------
    MissingDataError
        The format was not made.
    """

    def __init__(
        self,
        cubes: CubeSet,
        settings: LoaderSettings,
        room: Room,
        open_array: Callable[[Path], NDArray[np.generic]] | None = None,
    ) -> None:
        self._folder = require_peer_format("npy", cubes)
        self._count = cubes.count
        self._settings = settings
        self._room = room
        self._open_cube = open_array or NpyLayout.of(cube_file(self._folder, 0)).mapped
        self._open_mask = open_array or NpyLayout.of(mask_file(self._folder, 0)).mapped

    def __len__(self) -> int:
        """Batches in an epoch."""
        return math.ceil(self._count / self._settings.batch_size)

    def order(self, epoch: int) -> list[int]:
        """Give the epoch's cubes in their order.

        Parameters
        ----------
        epoch : int
            From 0.

        Returns
        -------
        list of int
        """
        return epoch_order(self._count, self._settings.seed, epoch)

    def batches(self, epoch: int) -> list[list[int]]:
        """Give the epoch's cubes, batch by batch.

        Parameters
        ----------
        epoch : int
            From 0.

        Returns
        -------
        list of list of int
        """
        return epoch_batches(self._count, self._settings.batch_size, self._settings.seed, epoch)

    def sample(self, epoch: int, index: int) -> HalfSample:
        """Open one cube and its mask, and look at the wanted part.

        Parameters
        ----------
        epoch, index : int
            From 0.

        Returns
        -------
        HalfSample
            Views of the mapped files.

        Raises
        ------
        DamagedFileError, MissingDataError, UnreadableError
            Names the file.
        """
        cube = self._open_cube(cube_file(self._folder, index))
        mask = self._open_mask(mask_file(self._folder, index))
        return cut(HalfSample(index, cube, mask), self._settings, epoch)

    def collect(self, epoch: int, samples: Sequence[HalfSample]) -> Batch:
        """Make a batch of opened cubes.

        Parameters
        ----------
        epoch : int
            From 0.
        samples : sequence of HalfSample
            At least one.

        Returns
        -------
        Batch
        """
        return collect(samples, len(samples), self._settings, epoch, self._room)

    def batch(self, epoch: int, indices: Sequence[int]) -> Batch:
        """Open cubes and make a batch of them.

        Parameters
        ----------
        epoch : int
            From 0.
        indices : sequence of int
            At least one.

        Returns
        -------
        Batch

        Raises
        ------
        DamagedFileError, MissingDataError, UnreadableError
            Names the file.
        """
        return self.collect(epoch, [self.sample(epoch, index) for index in indices])
