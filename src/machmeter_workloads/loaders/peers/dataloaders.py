"""What the peers that are torch DataLoaders have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import Sampler

from machmeter_workloads.errors import WorkerDiedError
from machmeter_workloads.loaders.contract import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from torch.utils.data import DataLoader

    from machmeter_workloads.loaders.contract import LoaderSettings


class EpochCell:
    """An epoch's number that persistent workers see, although they were forked before it was set."""

    def __init__(self) -> None:
        self._cell = torch.zeros((), dtype=torch.int64).share_memory_()

    def set(self, number: int) -> None:
        """Remember a number for all processes.

        Parameters
        ----------
        number : int
            From 0.
        """
        self._cell.fill_(number)

    def get(self) -> int:
        """Give the number that was set last.

        Returns
        -------
        int
        """
        return int(self._cell)


class EpochBatches(Sampler):
    """Hands whole batches to the workers, each with the number of its epoch.

    Parameters
    ----------
    batches : callable
        Takes an epoch's number, gives its batches of indices.
    length : int
        Batches in an epoch.
    """

    def __init__(self, batches: Callable[[int], list[list[int]]], length: int) -> None:
        self._batches = batches
        self._length = length
        self.epoch = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[tuple[int, Sequence[int]]]:
        epoch = self.epoch
        return ((epoch, indices) for indices in self._batches(epoch))


def worker_options(settings: LoaderSettings) -> dict[str, Any]:
    """Give the arguments of a DataLoader that follow from the settings alone.

    Parameters
    ----------
    settings : LoaderSettings
        Workers, prefetch, seed and device.

    Returns
    -------
    dict
    """
    parallel = settings.workers > 0
    return {
        "num_workers": settings.workers,
        "prefetch_factor": settings.prefetch if parallel else None,
        "persistent_workers": parallel,
        "pin_memory": settings.device != "cpu",
        "worker_init_fn": prepare_worker,
        # Said explicitly: newer versions of Python start each worker anew, which imports torch again.
        "multiprocessing_context": "fork" if parallel else None,
        # The DataLoader draws its workers' seeds from this instead of the global generator.
        "generator": torch.Generator().manual_seed(settings.seed),
    }


def prepare_worker(worker: int) -> None:
    """Let a worker process compute with one thread.

    Parameters
    ----------
    worker : int
        Its number.
    """
    del worker
    torch.set_num_threads(1)


def batches_of(loader: DataLoader[Any]) -> Generator[Batch, None, None]:
    """Go through a DataLoader that yields cubes, masks and indices.

    Parameters
    ----------
    loader : DataLoader
        With persistent workers, or with none.

    Yields
    ------
    Batch

    Raises
    ------
    WorkerDiedError
        A worker process ended by itself, or was killed.
    """
    try:
        for tensors in loader:
            yield Batch(*tensors)
    except RuntimeError as error:
        raise _died(loader) or error from error


def end_workers(loader: DataLoader[Any]) -> None:
    """End a DataLoader's processes; may be called more than once.

    Parameters
    ----------
    loader : DataLoader
        May be used again.
    """
    # torch has no public way: it waits for the garbage collector, which an unfinished epoch holds up.
    iterator, loader._iterator = loader._iterator, None  # noqa: SLF001
    if hasattr(iterator, "_shutdown_workers"):
        iterator._shutdown_workers()  # noqa: SLF001


def _died(loader: DataLoader[Any]) -> WorkerDiedError | None:
    for number, worker in enumerate(getattr(loader._iterator, "_workers", ())):  # noqa: SLF001
        if worker.exitcode:
            return WorkerDiedError.of(number, worker.exitcode)
    return None
