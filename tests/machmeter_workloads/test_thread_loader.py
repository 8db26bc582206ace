import shutil
import threading
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch

from machmeter_workloads.data.cube_set import CubeSet
from machmeter_workloads.errors import DamagedFileError, MissingDataError, UnfitSizeError, WorkloadError
from machmeter_workloads.loaders.contract import Batch, Lifetime, Loader, LoaderFactory, LoaderSettings
from machmeter_workloads.loaders.mapped import load_mapped, load_raw16
from machmeter_workloads.loaders.original import load_original
from machmeter_workloads.loaders.thread_loader import ThreadLoader
from machmeter_workloads.loaders.threads_htc import (
    THREADS_BLOSC,
    load_threads_blosc,
    load_threads_fp16,
    load_threads_original,
)
from machmeter_workloads.loaders.threads_lz4 import load_threads_lz4
from machmeter_workloads.loaders.windows import load_windows

SETTINGS = LoaderSettings(batch_size=2, seed=7)
PLAIN = replace(SETTINGS, augment=False)
# Numbers that float16 has no bits for are rounded; the augmentation then interpolates between those.
HALF = 2**-10
FACTORIES: dict[LoaderFactory, float] = {
    load_threads_original: 0,
    load_threads_blosc: 0,
    load_threads_fp16: HALF,
    load_threads_lz4: HALF,
    load_raw16: HALF,
    load_mapped: HALF,
    load_windows: HALF,
}


def ring_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("thread ring")]


def kept(loader: Loader, epoch: int) -> list[Batch]:
    """Copy what is lent."""
    return [
        Batch(each.cubes.clone(), each.masks.clone(), each.indices.clone()) for each in loader.epoch(epoch)
    ]


def assert_same(left: list[Batch], right: list[Batch], tolerance: float) -> None:
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        assert torch.equal(one.indices, other.indices)
        assert torch.equal(one.masks, other.masks)
        torch.testing.assert_close(one.cubes, other.cubes, rtol=0, atol=tolerance)


@pytest.fixture
def copy(cubes: CubeSet, tmp_path: Path) -> CubeSet:
    shutil.copytree(cubes.folder, tmp_path / "copy")
    return replace(cubes, folder=tmp_path / "copy")


@pytest.mark.parametrize("crop", [None, (10, 7)])
@pytest.mark.parametrize("settings", [SETTINGS, PLAIN])
@pytest.mark.parametrize("load", FACTORIES)
def test_the_batches_are_those_of_original(
    cubes: CubeSet, load: LoaderFactory, settings: LoaderSettings, crop: tuple[int, int] | None
) -> None:
    """Element by element, over epochs, whatever the number of threads and the size of a batch."""
    for batch_size, threads in ((2, 0), (2, 1), (1, 2), (3, 4), (9, 2)):
        settings = replace(settings, crop=crop, batch_size=batch_size)
        with (
            closing(load_original(cubes, settings)) as original,
            closing(load(cubes, replace(settings, workers=threads))) as loader,
        ):
            for epoch in (0, 3, 0):
                assert_same(kept(loader, epoch), kept(original, epoch), FACTORIES[load])


@pytest.mark.parametrize("load", FACTORIES)
@pytest.mark.parametrize("threads", [0, 2])
def test_a_series_of_one_cube_is_a_series(cubes: CubeSet, load: LoaderFactory, threads: int) -> None:
    """It needs memory for one cube, however large the batches may be."""
    settings = replace(SETTINGS, workers=threads, batch_size=1_000_000)
    with closing(load(replace(cubes, count=1), settings)) as loader:
        assert len(loader) == 1
        assert [batch.indices.tolist() for batch in loader.epoch(0)] == [[0]]


def test_blosc_is_delivered_where_it_was_decompressed(cubes: CubeSet) -> None:
    """Not a byte is copied: a batch is a view of its slot, with the strides of channels last."""
    with closing(ThreadLoader(cubes, THREADS_BLOSC, replace(PLAIN, workers=2))) as loader:
        slots = loader._slots.memory
        starts = {slots[slot].data_ptr() for slot in range(len(slots))}
        for batch in loader.epoch(0):
            assert batch.cubes.data_ptr() in starts
            assert batch.cubes.is_contiguous(memory_format=torch.channels_last)


def test_on_the_cpu_batches_are_lent(cubes: CubeSet) -> None:
    """A slot comes back once the ring has gone round; until the next batch is asked for it stays as it is."""
    settings = replace(PLAIN, batch_size=1, workers=1, prefetch=1)
    with closing(load_threads_blosc(cubes, settings)) as loader:
        assert loader.lifetime is Lifetime.UNTIL_NEXT
        pointers = [batch.cubes.data_ptr() for batch in loader.epoch(0)]
    assert pointers == [pointers[0], pointers[1]] * 2 + [pointers[0]]


def test_the_ring_is_as_large_as_asked_for(cubes: CubeSet) -> None:
    """Prefetched batches of every thread and the lent one, but never more than the series has."""

    def slots(workers: int, prefetch: int) -> int:
        settings = replace(PLAIN, batch_size=1, workers=workers, prefetch=prefetch)
        with closing(load_threads_blosc(cubes, settings)) as loader:
            assert isinstance(loader, ThreadLoader)
            return loader._slots.layout.count

    assert slots(workers=0, prefetch=4) == 1
    assert slots(workers=2, prefetch=1) == 3
    assert slots(workers=2, prefetch=9) == 5


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("load", FACTORIES)
def test_a_damaged_file_is_named_and_the_next_epoch_is_whole(
    copy: CubeSet, load: LoaderFactory, threads: int
) -> None:
    """The error keeps its type, whichever thread met it."""
    with closing(load(copy, replace(PLAIN, workers=threads))) as loader:
        assert isinstance(loader, ThreadLoader)
        path = loader._files.path(3)
        content = path.read_bytes()
        path.write_bytes(content[:-100])
        with pytest.raises(DamagedFileError, match=f"{path.name} is damaged"):
            list(loader.epoch(0))
        path.write_bytes(content)
        assert len(list(loader.epoch(0))) == 3


def test_a_damaged_mask_is_named(copy: CubeSet) -> None:
    """It is a file of the series like any other."""
    copy.mask_path(2).write_bytes(b"")
    with (
        closing(load_threads_lz4(copy, replace(PLAIN, workers=2))) as loader,
        pytest.raises(DamagedFileError, match=r"masks/00002\.blosc is damaged"),
    ):
        list(loader.epoch(0))


def test_what_cannot_work_is_said_when_the_loader_is_opened(cubes: CubeSet, tmp_path: Path) -> None:
    """Missing files, and a crop that does not fit; no thread is left behind."""
    with pytest.raises(MissingDataError, match=r"lz4_16/00000\.lz4 does not exist"):
        load_threads_lz4(replace(cubes, folder=tmp_path), replace(SETTINGS, workers=2))
    with pytest.raises(UnfitSizeError, match="cannot be cut out"):
        load_threads_lz4(cubes, replace(SETTINGS, workers=2, crop=(24, 33)))
    assert ring_threads() == []


def test_closing_ends_all_threads(cubes: CubeSet) -> None:
    """In the middle of an epoch, and more than once; what is asked for then is refused."""
    loader = load_threads_fp16(cubes, replace(PLAIN, workers=3))
    epoch = loader.epoch(0)
    next(epoch)
    assert len(ring_threads()) == 3
    loader.close()
    loader.close()
    assert ring_threads() == []
    with pytest.raises(WorkloadError, match="This epoch was abandoned"):
        list(epoch)
    with pytest.raises(WorkloadError, match="This loader is closed"):
        next(iter(loader.epoch(0)))


def test_an_unfinished_epoch_does_not_reach_into_the_next(cubes: CubeSet) -> None:
    """Neither when it was dropped, nor when somebody still holds it."""
    settings = replace(PLAIN, workers=2, batch_size=1)
    with closing(load_threads_blosc(cubes, settings)) as loader:
        expected = kept(loader, 1)
        next(iter(loader.epoch(0)))
        assert_same(kept(loader, 1), expected, 0)
        held = loader.epoch(0)
        next(held)
        assert_same(kept(loader, 1), expected, 0)
        with pytest.raises(WorkloadError, match="This epoch was abandoned"):
            next(held)


def test_a_paced_storage_is_read_and_not_mapped(cubes: CubeSet) -> None:
    """Pages that are mapped would come past the pace."""
    with closing(load_mapped(cubes, replace(PLAIN, bytes_per_s=1e9))) as loader:
        assert isinstance(loader, ThreadLoader)
        assert type(loader._decoder).__name__ == "RawDecoder"
        assert len(list(loader.epoch(0))) == 3


@dataclass(frozen=True)
class CountingCubes(CubeSet):
    """A long series whose files are those of a short one, and which notes what is asked for."""

    asked_for: list[int] = field(default_factory=list)

    def cube_path(self, format_name: str, index: int) -> Path:
        self.asked_for.append(index)
        return super().cube_path(format_name, index % 5)

    def mask_path(self, index: int) -> Path:
        return super().mask_path(index % 5)


@pytest.mark.parametrize("threads", [0, 2])
def test_a_million_cubes_cost_no_more_than_those_that_are_loaded(cubes: CubeSet, threads: int) -> None:
    """Opening looks at no more than a sample of the files, and an epoch only at what is delivered next."""
    million = CountingCubes(cubes.spec, 1_000_000, cubes.folder)
    settings = replace(PLAIN, workers=threads, prefetch=2)
    with closing(load_threads_blosc(million, settings)) as loader:
        assert len(loader) == 500_000
        opened = len(million.asked_for)
        assert opened <= 1100
        epoch = loader.epoch(0)
        for _ in range(10):
            next(epoch)
        # Ten batches of two, and a ring of at most five beyond.
        assert len(million.asked_for) - opened <= (10 + 5) * 2
