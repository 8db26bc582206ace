"""A torch DataLoader over single cubes, which the strategies of this family share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from machmeter_workloads.errors import WorkerDiedError
from machmeter_workloads.loaders.augmentation import augment, draw_augmentation
from machmeter_workloads.loaders.contract import Batch, Lifetime, LoaderSettings
from machmeter_workloads.loaders.cube_files import CubeFiles
from machmeter_workloads.loaders.order import epoch_order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.cube_files import ReadCube

Sample = tuple[torch.Tensor, torch.Tensor, int]

#: Makes a batch of what the DataLoader collected: cubes, masks and indices, and the epoch's number.
Finish = Callable[[Sequence[torch.Tensor], int], Batch]


class CubeSamples(Dataset):
    """Reads, converts and augments one cube at a time.

    Parameters
    ----------
    files : CubeFiles
        Where cubes and masks lie.
    read : callable
        Takes a path and a source, gives a cube, ndarray, shape (H, W, bands), float16 or float32.
    settings : LoaderSettings
        Seed, and whether to augment.
    """

    def __init__(self, files: CubeFiles, read: ReadCube, settings: LoaderSettings) -> None:
        self._files = files
        self._read = read
        self._settings = settings

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        epoch, index = key
        cube = _channels_first(self._files.cube(self._read, epoch, index))
        mask = torch.from_numpy(self._files.mask(epoch, index)).long()
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
        return ((epoch, index) for index in epoch_order(self._count, self._seed, epoch))


class SampleLoader:
    """A loader in which torch's DataLoader collects single samples; a ``Loader`` of the contract.

    Parameters
    ----------
    samples : Dataset
        Takes (epoch, index) and gives a ``Sample``.
    count : int
        Cubes in the series.
    settings : LoaderSettings
        How it is loaded.
    finish : callable, optional
        Makes a batch on the device of what was collected; the collected tensors, moved there, if it is not
        given.
    """

    def __init__(
        self, samples: Dataset, count: int, settings: LoaderSettings, finish: Finish | None = None
    ) -> None:
        parallel = settings.workers > 0
        self._device = torch.device(settings.device)
        self._finish = finish or self._move
        self._sampler = EpochSampler(count, settings.seed)
        self._loader = DataLoader(
            samples,
            batch_size=settings.batch_size,
            sampler=self._sampler,
            num_workers=settings.workers,
            prefetch_factor=settings.prefetch if parallel else None,
            persistent_workers=parallel,
            pin_memory=self._device.type == "cuda",
            worker_init_fn=_use_one_thread,
            # Said explicitly: newer versions of Python start each worker anew, which imports torch again.
            multiprocessing_context="fork" if parallel else None,
            # The DataLoader draws its workers' seeds from this instead of the global generator.
            generator=torch.Generator().manual_seed(settings.seed),
        )

    @property
    def lifetime(self) -> Lifetime:
        """Batches belong to the caller."""
        return Lifetime.OWNED

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
        DamagedFileError, MissingDataError, UnreadableError
            Names a file that cannot be read.
        WorkerDiedError
            A worker process ended or was killed; the next epoch starts new ones.
        """
        self._sampler.epoch = number
        try:
            for tensors in self._loader:
                yield self._finish(tensors, number)
        except RuntimeError as error:
            self._explain(error)

    def close(self) -> None:
        """End all worker processes; may be called more than once."""
        # torch has no public way: it waits for the garbage collector, which an unfinished epoch holds up.
        iterator, self._loader._iterator = self._loader._iterator, None  # noqa: SLF001
        if iterator is not None:
            iterator._shutdown_workers()  # noqa: SLF001

    def _move(self, tensors: Sequence[torch.Tensor], epoch: int) -> Batch:
        del epoch
        return Batch(*(each.to(self._device, non_blocking=True) for each in tensors))

    def _explain(self, error: RuntimeError) -> NoReturn:
        """Raise what torch says by a RuntimeError as the error of ours that it is."""
        workers = getattr(self._loader._iterator, "_workers", [])  # noqa: SLF001
        for number, worker in enumerate(workers):
            if not worker.is_alive():
                exit_code = worker.exitcode
                self.close()
                raise WorkerDiedError.of(number, exit_code) from error
        raise error


def load_samples(cubes: CubeSet, format_name: str, read: ReadCube, settings: LoaderSettings) -> SampleLoader:
    """Load a format sample by sample, augmented in the workers.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded.
    format_name : str
        Which of its formats is read.
    read : callable
        Takes a path and a source, gives a cube, ndarray, shape (H, W, bands), float16 or float32.
    settings : LoaderSettings
        How it is loaded.

    Returns
    -------
    SampleLoader

    Raises
    ------
    MissingDataError
        A file of the series is not there.
    UnfitSizeError
        The crop does not fit into the cubes.
    """
    files = CubeFiles(cubes, format_name, settings)
    return SampleLoader(CubeSamples(files, read, settings), cubes.count, settings)


def _use_one_thread(worker: int) -> None:
    del worker
    torch.set_num_threads(1)


def _channels_first(cube: NDArray[np.generic]) -> torch.Tensor:
    height, width, bands = cube.shape
    # One pass that widens and transposes, whatever the file's precision.
    return torch.empty(bands, height, width).copy_(torch.from_numpy(cube).permute(2, 0, 1))
