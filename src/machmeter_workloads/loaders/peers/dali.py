"""The peer "dali": NVIDIA's ``readers.numpy``, with its own threads.

Used: ``fn.readers.numpy`` over files in the epoch's order, its region of interest for crops, several threads,
a prefetch queue, batches taken over as torch tensors without a copy. Its documentation recommends these, and
mapping the files, which is the default. The values are widened by torch behind the pipeline: DALI's own
``cast`` from float16 takes more of the processor than torch's copy does, even though its result need not be
copied any more.

The reader knows its files when the pipeline is built, and shuffles by itself otherwise; an order of ours
takes a pipeline an epoch, about 20 ms. It goes round: what it reads behind the end of the epoch is dropped.
Without a GPU it runs with ``device_id=None``; with one, half the bytes are copied there and widened there.
0 workers are one thread.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.loaders.contract import Batch
from machmeter_workloads.loaders.order import epoch_batches
from machmeter_workloads.loaders.peers.batches import augment_in_place, window_of
from machmeter_workloads.loaders.peers.epochs import PeerLoader
from machmeter_workloads.loaders.peers.formats import require_peer_format
from machmeter_workloads.loaders.peers.missing import DALI_EXTRA, require_modules
from machmeter_workloads.loaders.peers.room import Room
from machmeter_workloads.storage.peer_formats.npy_files import cube_file, mask_file

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Loader, LoaderSettings


def load_dali(cubes: CubeSet, settings: LoaderSettings, *, lend: bool = False) -> Loader:
    """Load ``.npy`` files with DALI.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; the peers' format "npy" must have been made.
    settings : LoaderSettings
        How it is loaded; workers are threads.
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
        DALI is not installed.
    """
    require_modules("nvidia.dali", extra=DALI_EXTRA)
    folder = require_peer_format("npy", cubes)
    room = Room(settings, lend=lend)
    size = (cubes.spec.height, cubes.spec.width)
    batches = partial(epoch_batches, cubes.count, settings.batch_size, settings.seed)

    def run(epoch: int) -> Generator[Batch, None, None]:
        order = [index for indices in batches(epoch) for index in indices]
        places = [[edge.start or 0 for edge in window_of(settings, epoch, index, size)] for index in order]
        pipeline = _pipeline(folder, order, np.array(places, np.int32), settings)
        for indices in batches(epoch):
            batch = _widened(_outputs(pipeline, folder), indices, room)
            augment_in_place(batch, settings, epoch)
            yield batch

    return PeerLoader(len(batches(0)), run, room, settings.device)


def _pipeline(folder: Path, order: Sequence[int], places: NDArray[np.int32], settings: LoaderSettings) -> Any:  # noqa: ANN401 - DALI's type
    from nvidia.dali import Pipeline, fn  # noqa: PLC0415 - an optional package

    device = torch.device(settings.device)
    pipeline = Pipeline(
        batch_size=settings.batch_size,
        num_threads=max(1, settings.workers),
        device_id=None if device.type == "cpu" else device.index or 0,
        prefetch_queue_depth=max(1, settings.prefetch),
    )
    region: dict[str, Any] = {}
    with pipeline:
        if settings.crop is not None:
            # The readers go round at the end of the epoch, and so does this.
            starts = fn.external_source(lambda sample: places[sample.idx_in_epoch % len(places)], batch=False)
            region = {"roi_start": starts, "roi_shape": list(settings.crop)}
        outputs = [
            fn.readers.numpy(
                files=[str(path(folder, index)) for index in order],
                **region | ({"roi_axes": axes} if region else {}),
            )
            for path, axes in ((cube_file, [1, 2]), (mask_file, [0, 1]))
        ]
        pipeline.set_outputs(*(output if device.type == "cpu" else output.gpu() for output in outputs))
    pipeline.build()
    return pipeline


def _outputs(pipeline: Any, folder: Path) -> list[torch.Tensor]:  # noqa: ANN401 - DALI's type
    try:
        return [torch.from_dlpack(output.as_tensor()) for output in pipeline.run()]
    except RuntimeError as error:
        raise DamagedFileError.of(folder, f"DALI cannot read it ({error})") from error


def _widened(halves: Sequence[torch.Tensor], indices: Sequence[int], room: Room) -> Batch:
    cubes, masks = (half[: len(indices)] for half in halves)
    if cubes.device.type != "cpu":
        return Batch(cubes.float(), masks.long(), torch.tensor(indices))
    batch = room.take(len(indices), cubes.shape[1:], masks.shape[1:])
    batch.cubes.copy_(cubes)
    batch.masks.copy_(masks)
    batch.indices.copy_(torch.tensor(indices))
    return batch
