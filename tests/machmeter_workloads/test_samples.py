import multiprocessing
import os
import signal
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from machmeter_workloads.data.cube_set import CubeSet
from machmeter_workloads.errors import DamagedFileError, UnfitSizeError, WorkerDiedError
from machmeter_workloads.loaders.augmentation import draw_window
from machmeter_workloads.loaders.contract import Lifetime, LoaderSettings
from machmeter_workloads.loaders.cube_files import CubeFiles
from machmeter_workloads.loaders.original import load_original
from machmeter_workloads.loaders.samples import load_samples
from machmeter_workloads.storage.blosc_file import read_blosc
from machmeter_workloads.storage.dat_file import read_dat
from machmeter_workloads.storage.source import Source

SETTINGS = LoaderSettings(batch_size=2, seed=7, augment=False)

# Newer versions of Python warn of every fork beside a thread, and numpy's libraries have some.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def test_batches_belong_to_the_caller(cubes: CubeSet) -> None:
    """What was delivered first is still there at the end of the epoch."""
    with closing(load_original(cubes, replace(SETTINGS, workers=1))) as loader:
        epoch = loader.epoch(0)
        first = next(epoch)
        kept = first.cubes.clone()
        list(epoch)
        assert loader.lifetime is Lifetime.OWNED
        assert torch.equal(first.cubes, kept)


def test_a_window_is_cut_out_of_cube_and_mask_alike(cubes: CubeSet) -> None:
    """Where seed, epoch and index say, in the size that was asked for."""
    with (
        closing(load_original(cubes, SETTINGS)) as whole,
        closing(load_original(cubes, replace(SETTINGS, crop=(8, 12)))) as cropped,
    ):
        for large, small in zip(whole.epoch(3), cropped.epoch(3), strict=True):
            for place, index in enumerate(large.indices.tolist()):
                top, left = draw_window(7, 3, index, (24, 32), (8, 12))
                rows, columns = slice(top, top + 8), slice(left, left + 12)
                assert torch.equal(small.cubes[place], large.cubes[place, :, rows, columns])
                assert torch.equal(small.masks[place], large.masks[place, rows, columns])


def test_a_crop_that_does_not_fit_is_refused_when_the_loader_is_opened(cubes: CubeSet) -> None:
    """Not in the middle of an epoch, and not by a worker."""
    with pytest.raises(UnfitSizeError, match="25x32 pixels cannot be cut out of 24x32"):
        load_original(cubes, replace(SETTINGS, crop=(25, 32)))


def test_a_killed_worker_is_reported_and_replaced(cubes: CubeSet, tmp_path: Path) -> None:
    """Kill -9 while a batch is waited for names the worker and the signal, and the next epoch is whole."""
    flag = tmp_path / "flag"

    def read_or_die(path: Path, source: Source) -> NDArray[np.float32]:
        if flag.exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return read_dat(path, source)

    with closing(load_samples(cubes, "original", read_or_die, replace(SETTINGS, workers=2))) as loader:
        assert len(list(loader.epoch(0))) == 3
        flag.touch()
        with pytest.raises(WorkerDiedError, match=r"Worker \d of the loader was killed by signal 9"):
            list(loader.epoch(1))
        flag.unlink()
        assert len(list(loader.epoch(1))) == 3
    assert multiprocessing.active_children() == []


def test_an_error_of_the_reader_stays_what_it_is(cubes: CubeSet) -> None:
    """A RuntimeError out of a living worker is not taken for its death."""

    def fail(path: Path, source: Source) -> NDArray[np.float32]:
        raise RuntimeError("of the reader")

    with (
        closing(load_samples(cubes, "original", fail, replace(SETTINGS, workers=1))) as loader,
        pytest.raises(RuntimeError, match="of the reader"),
    ):
        list(loader.epoch(0))


def test_a_storage_that_is_paced_sets_the_pace_of_all_workers(cubes: CubeSet) -> None:
    """Two workers together read no faster than one storage gives."""
    rate = 300_000.0
    size = sum(cubes.cube_path("original", index).stat().st_size for index in range(5))
    with closing(load_original(cubes, replace(SETTINGS, workers=2, bytes_per_s=rate))) as loader:
        start = time.monotonic()
        list(loader.epoch(0))
        # A tenth of a second's worth may have been saved before.
        assert time.monotonic() - start >= size / rate - 0.1


def test_a_file_of_another_size_is_named(cubes: CubeSet) -> None:
    """A cube or mask that is whole, but not as large as the series says."""
    files = CubeFiles(replace(cubes, spec=replace(cubes.spec, height=23)), "fp16", SETTINGS)
    with pytest.raises(
        DamagedFileError, match=r"fp16/00001\.blosc .*\(24, 32, 10\) instead of \(23, 32, 10\)"
    ):
        files.cube(read_blosc, 0, 1)
    with pytest.raises(DamagedFileError, match=r"masks/00001\.blosc .*\(24, 32\) instead of \(23, 32\)"):
        files.mask(0, 1)
