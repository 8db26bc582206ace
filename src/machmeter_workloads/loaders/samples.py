"""A torch DataLoader over single cubes, which the strategies of this family share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from machmeter_workloads.loaders.augmentation import augment, draw_augmentation
from machmeter_workloads.loaders.contract import Batch, LoaderSettings
from machmeter_workloads.storage.blosc_file import read_blosc

if TYPE_CHECKING:
    from machmeter_workloads.data.cube_set import CubeSet

ReadCube = Callable[[Path], NDArray[np.generic]]
Sample = tuple[torch.Tensor, torch.Tensor, int]


class CubeSamples(Dataset):
    """Reads, converts and augments one cube at a time.

    Parameters
    ----------
    cubes : CubeSet
        Where the files lie.
    format_name : str
        Which of its formats is read.
    read : callable
        Takes a path, gives a cube, ndarray, shape (H, W, bands), float16 or float32.
    settings : LoaderSettings
        Seed, and whether to augment.
    """

    def __init__(self, cubes: CubeSet, format_name: str, read: ReadCube, settings: LoaderSettings) -> None:
        self._cubes = cubes
        self._format_name = format_name
        self._read = read
        self._settings = settings

    def __len__(self) -> int:
        return self._cubes.count

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        epoch, index = key
        cube = _channels_first(self._read(self._cubes.cube_path(self._format_name, index)))
        mask = torch.from_numpy(read_blosc(self._cubes.mask_path(index))).long()
        if self._settings.augment:
            cube, mask = augment(draw_augmentation(self._settings.seed, epoch, index), cube, mask)
        return cube, mask, index


class EpochSampler(Sampler):
    """Shuffles the cubes anew in every epoch, and hands the epoch's number to the workers with each index.

    Persistent workers keep a copy of the data set from before the first epoch, so the index is the only way
    to tell them.

    Parameters
    ----------
    count : int
        Cubes in the series.
    seed : int
        Not negative.
    """

    def __init__(self, count: int, seed: int) -> None:
        self._count = count
        self._seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[int, int]]:
        epoch = self.epoch
        order = np.random.default_rng((self._seed, epoch)).permutation(self._count)
        return ((epoch, index) for index in order.tolist())


class SampleLoader:
    """A loader in which torch's DataLoader collects single samples; a ``Loader`` of the contract.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded.
    format_name : str
        Which of its formats is read.
    read : callable
        Takes a path, gives a cube, ndarray, shape (H, W, bands), float16 or float32.
    settings : LoaderSettings
        How it is loaded.

    Raises
    ------
    MissingDataError
        A file of the series is not there.
    """

    def __init__(self, cubes: CubeSet, format_name: str, read: ReadCube, settings: LoaderSettings) -> None:
        cubes.require(format_name)
        parallel = settings.workers > 0
        self._sampler = EpochSampler(cubes.count, settings.seed)
        self._loader = DataLoader(
            CubeSamples(cubes, format_name, read, settings),
            batch_size=settings.batch_size,
            sampler=self._sampler,
            num_workers=settings.workers,
            prefetch_factor=settings.prefetch if parallel else None,
            persistent_workers=parallel,
            worker_init_fn=_use_one_thread,
            # Said explicitly: newer versions of Python start each worker anew, which imports torch again.
            multiprocessing_context="fork" if parallel else None,
            # The DataLoader draws its workers' seeds from this instead of the global generator.
            generator=torch.Generator().manual_seed(settings.seed),
        )

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self._loader)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Deliver one epoch; one at a time.

        Parameters
        ----------
        number : int
            Which epoch, from 0.

        Yields
        ------
        Batch
            Belongs to the caller.

        Raises
        ------
        DamagedFileError
            Names a file that cannot be read.
        """
        self._sampler.epoch = number
        for tensors in self._loader:
            yield Batch(*tensors)

    def close(self) -> None:
        """End all worker processes; may be called more than once."""
        # torch has no public way: it waits for the garbage collector, which an unfinished epoch holds up.
        iterator, self._loader._iterator = self._loader._iterator, None  # noqa: SLF001
        if iterator is not None:
            iterator._shutdown_workers()  # noqa: SLF001


def _use_one_thread(worker: int) -> None:
    del worker
    torch.set_num_threads(1)


def _channels_first(cube: NDArray[np.generic]) -> torch.Tensor:
    height, width, bands = cube.shape
    # One pass that widens and transposes, whatever the file's precision.
    return torch.empty(bands, height, width).copy_(torch.from_numpy(cube).permute(2, 0, 1))
