"""Which cubes an epoch holds, in which order, and in which batches: the same for every strategy."""

from __future__ import annotations

import numpy as np


def epoch_order(count: int, seed: int, epoch: int) -> list[int]:
    """Shuffle the cubes of an epoch.

    Parameters
    ----------
    count : int
        Cubes in the series.
    seed, epoch : int
        Not negative; the same two give the same order in every process.

    Returns
    -------
    list of int
        Every index from 0 to ``count`` - 1 once.
    """
    order: list[int] = np.random.default_rng((seed, epoch)).permutation(count).tolist()
    return order


def epoch_batches(count: int, batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Divide an epoch into batches.

    Parameters
    ----------
    count : int
        Cubes in the series.
    batch_size : int
        Cubes in a batch; the last one may be smaller.
    seed, epoch : int
        Not negative.

    Returns
    -------
    list of list of int
        Indices, batch by batch.
    """
    order = epoch_order(count, seed, epoch)
    return [order[start : start + batch_size] for start in range(0, count, batch_size)]
