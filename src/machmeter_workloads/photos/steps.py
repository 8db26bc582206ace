"""How long each step of a training waits for its data, and how long it computes."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class Indexed(Protocol):
    """A batch that says which items it holds: ``PhotoBatch``, or ``Batch`` of the cubes."""

    @property
    def indices(self) -> torch.Tensor:
        """Tensor, shape (B,), int64."""


AnyBatch = TypeVar("AnyBatch", bound=Indexed)


@dataclass(frozen=True)
class Quantiles:
    """How a kind of time spreads over the steps.

    Parameters
    ----------
    p50, p90, p99, max : float, seconds
        So many percent of the steps took no longer; in between two steps, linearly.
    """

    p50: float
    p90: float
    p99: float
    max: float

    @classmethod
    def of(cls, times_s: Sequence[float]) -> Self:
        """Compute them.

        Parameters
        ----------
        times_s : sequence of float, seconds
            One for each step, at least one.

        Returns
        -------
        Quantiles
        """
        return cls(*np.quantile(times_s, (0.5, 0.9, 0.99, 1)).tolist())


@dataclass(frozen=True)
class StepTimes:
    """The times of every step of an epoch, as (DL)² records them (lbhm/dl2).

    Parameters
    ----------
    data_s : tuple of float, seconds
        From the end of the step before to the batch being there, on the device.
    compute_s : tuple of float, seconds
        From there to the end of what is done with it, on the device.
    iteration_s : tuple of float, seconds
        From the end of the step before to the end of this one; the steps leave no gap between them.
    items : tuple of int
        Images of each step.
    """

    data_s: tuple[float, ...]
    compute_s: tuple[float, ...]
    iteration_s: tuple[float, ...]
    items: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.items)

    @property
    def images_per_s(self) -> float:
        """Images a second over all steps, waiting included."""
        return sum(self.items) / sum(self.iteration_s)

    @property
    def data_share(self) -> float:
        """Fraction of the time that was spent waiting for data."""
        return sum(self.data_s) / sum(self.iteration_s)

    def quantiles(self) -> dict[str, Quantiles]:
        """Compute the quantiles of every kind of time.

        Returns
        -------
        dict of str to Quantiles
            For ``data_s``, ``compute_s`` and ``iteration_s``.
        """
        return {name: Quantiles.of(getattr(self, name)) for name in ("data_s", "compute_s", "iteration_s")}

    def without_first(self, steps: int) -> Self:
        """Leave out the steps in which workers start and memory is allocated.

        Parameters
        ----------
        steps : int
            How many, fewer than there are.

        Returns
        -------
        StepTimes
        """
        return replace(
            self,
            data_s=self.data_s[steps:],
            compute_s=self.compute_s[steps:],
            iteration_s=self.iteration_s[steps:],
            items=self.items[steps:],
        )


def time_steps(
    batches: Iterable[AnyBatch],
    compute: Callable[[AnyBatch], object],
    device: str = "cpu",
    clock: Callable[[], float] = time.perf_counter,
) -> StepTimes:
    """Take every batch, do something with it, and note how long either took.

    On a GPU both ends are waited for: its work is only ordered when a call returns, and without waiting the
    copy of a batch would be counted as computing, and computing as waiting for the next one. That costs what
    copying and computing at the same time would have saved; for throughput alone, time the whole epoch.

    Parameters
    ----------
    batches : iterable of PhotoBatch or Batch
        An epoch of any loader.
    compute : callable
        What is done with a batch, for example a step of training.
    device : str
        Where it is done, as torch names it.
    clock : callable
        Gives seconds.

    Returns
    -------
    StepTimes
    """
    wait = torch.cuda.synchronize if torch.device(device).type == "cuda" else _no_wait
    marks, items = [], []
    iterator = iter(batches)
    ended = clock()
    while (batch := next(iterator, None)) is not None:
        wait()
        arrived = clock()
        items.append(len(batch.indices))
        compute(batch)
        wait()
        began, ended = ended, clock()
        marks.append((began, arrived, ended))
    return StepTimes(
        data_s=tuple(arrived - began for began, arrived, _ in marks),
        compute_s=tuple(ended - arrived for _, arrived, ended in marks),
        iteration_s=tuple(ended - began for began, _, ended in marks),
        items=tuple(items),
    )


def _no_wait() -> None:
    """Do nothing: on the processor, what has returned is done."""
