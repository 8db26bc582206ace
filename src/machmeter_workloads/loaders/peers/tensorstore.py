"""The peer "tensorstore": Google's C++ library over the Zarr 3 store, one chunk a cube.

Used: a context with as many threads for reading and for copying as there are workers, mapped files
(``file_io_mode``), no cache, asynchronous copies into float16 memory that is used again, from where torch
widens: the library's own ``cast`` takes longer than both. Its documentation has asynchronous reads, the
limits ``data_copy_concurrency`` and ``file_io_concurrency``, and chunks that match the access: a crop reads
the tiled store. It has no loader; batches are started ahead, and widened when they are asked for. Its threads
end by themselves when they have nothing to do. Missing chunks are errors here, not zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.loaders.order import epoch_batches
from machmeter_workloads.loaders.peers.ahead import ahead
from machmeter_workloads.loaders.peers.batches import augment_in_place, window_of
from machmeter_workloads.loaders.peers.epochs import PeerLoader
from machmeter_workloads.loaders.peers.formats import require_peer_format
from machmeter_workloads.loaders.peers.missing import require_modules
from machmeter_workloads.loaders.peers.room import Room
from machmeter_workloads.loaders.peers.zarr import zarr_format
from machmeter_workloads.storage.peer_formats.zarr_store import CUBES, MASKS

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Batch, Loader, LoaderSettings


def load_tensorstore(cubes: CubeSet, settings: LoaderSettings, *, lend: bool = False) -> Loader:
    """Load a Zarr 3 store with tensorstore.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; the peers' format "zarr", with a crop "zarr_tiled", must have been made.
    settings : LoaderSettings
        How it is loaded; workers are the library's threads, 0 reads nothing ahead.
    lend : bool
        Whether the memory of batches that are over is used again.

    Returns
    -------
    Loader

    Raises
    ------
    MissingDataError
        The format was not made.
    MissingPackageError
        tensorstore is not installed.
    """
    require_modules("tensorstore")
    room = Room(settings, lend=lend)
    store = _Store(require_peer_format(zarr_format(settings), cubes), settings, room)
    batches = partial(epoch_batches, cubes.count, settings.batch_size, settings.seed)

    def run(epoch: int) -> Generator[Batch, None, None]:
        depth = settings.workers * settings.prefetch
        yield from ahead(partial(store.start, epoch), batches(epoch), depth)

    return PeerLoader(len(batches(0)), run, room, settings.device)


@dataclass(frozen=True)
class _Reading:
    """A batch on its way: its values are being copied to where they wait to be widened."""

    store: _Store
    epoch: int
    indices: Sequence[int]
    halves: torch.Tensor
    masks: torch.Tensor
    copies: Sequence[Any]

    def result(self) -> Batch:
        return self.store.finish(self)


class _Store:
    """The arrays of a store, and memory for half-precision batches that is used again and again."""

    def __init__(self, folder: Path, settings: LoaderSettings, room: Room) -> None:
        import tensorstore  # noqa: PLC0415 - an optional package

        self._library = tensorstore
        self._folder = folder
        self._settings = settings
        self._room = room
        self._free: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._context = tensorstore.Context(
            {
                "cache_pool": {"total_bytes_limit": 0},
                "data_copy_concurrency": {"limit": max(1, settings.workers)},
                "file_io_concurrency": {"limit": max(1, settings.workers)},
                "file_io_mode": {"mode": "memmap"},
            }
        )
        self._cubes = self._opened(CUBES)
        self._masks = self._opened(MASKS)

    def start(self, epoch: int, indices: Sequence[int]) -> _Reading:
        size = tuple(self._masks.shape[1:])
        halves, masks = self._free.pop() if self._free else self._staging()
        cube_slots, mask_slots = self._slots(halves), self._slots(masks)
        copies = []
        for slot, index in enumerate(indices):
            window = window_of(self._settings, epoch, index, size)
            copies.append(cube_slots[slot].write(self._cubes[(index, slice(None), *window)]))
            copies.append(mask_slots[slot].write(self._masks[(index, *window)]))
        return _Reading(self, epoch, indices, halves, masks, copies)

    def finish(self, reading: _Reading) -> Batch:
        try:
            for copy in reading.copies:
                copy.result()
        except (ValueError, OSError) as error:
            raise DamagedFileError.of(self._folder, f"tensorstore cannot read it ({error})") from error
        count = len(reading.indices)
        batch = self._room.take(count, reading.halves.shape[1:], reading.masks.shape[1:])
        batch.cubes.copy_(reading.halves[:count])
        batch.masks.copy_(reading.masks[:count])
        batch.indices.copy_(torch.tensor(reading.indices))
        self._free.append((reading.halves, reading.masks))
        augment_in_place(batch, self._settings, reading.epoch)
        return batch

    def _staging(self) -> tuple[torch.Tensor, torch.Tensor]:
        size = self._settings.crop or tuple(self._masks.shape[1:])
        count, bands = self._settings.batch_size, self._cubes.shape[1]
        halves = torch.empty((count, bands, *size), dtype=torch.float16)
        return halves, torch.empty((count, *size), dtype=torch.uint8)

    def _slots(self, tensor: torch.Tensor) -> Any:  # noqa: ANN401 - tensorstore's types
        return self._library.array(tensor.numpy(), context=self._context, copy=False, write=True)

    def _opened(self, name: str) -> Any:  # noqa: ANN401 - tensorstore's types
        spec = {
            "driver": "zarr3",
            "kvstore": {"driver": "file", "path": str(self._folder / name)},
            "fill_missing_data_reads": False,
        }
        try:
            return self._library.open(spec, context=self._context, read=True, open=True).result()
        except (ValueError, OSError) as error:
            raise DamagedFileError.of(self._folder / name, f"tensorstore cannot open it ({error})") from error
