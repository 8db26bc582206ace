"""The peer "spdl": Meta's thread pipeline, one batch a task.

Used: ``PipelineBuilder`` with one ``pipe`` stage, ``output_order="input"``, ``spdl.io.load_npy`` on a mapped
file, the thread-backed output queue, no statistics. Its documentation recommends threads where the work
releases Python's lock (Getting Started, "Execution Models"), and uncompressed arrays read by ``load_npy``
instead of ``numpy.load`` (case study "Data Format and Performance"). It reuses a pipeline with a continuous
source, which must know the next epoch before anybody asks for it; ours may be any, so every epoch builds a
pipeline, which takes milliseconds. There is no mode without threads: 0 workers are one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from machmeter_workloads.errors import DamagedFileError, WorkloadError
from machmeter_workloads.loaders.peers.epochs import PeerLoader
from machmeter_workloads.loaders.peers.missing import require_modules
from machmeter_workloads.loaders.peers.npy_series import NpySeries
from machmeter_workloads.loaders.peers.room import Room
from machmeter_workloads.storage.peer_formats.npy_files import mapped_file

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Batch, Loader, LoaderSettings


def load_spdl(cubes: CubeSet, settings: LoaderSettings, *, lend: bool = False) -> Loader:
    """Load ``.npy`` files with SPDL.

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
        SPDL is not installed.
    """
    require_modules("spdl.pipeline", "spdl.io")
    from spdl.pipeline import PipelineBuilder  # noqa: PLC0415 - an optional package

    room = Room(settings, lend=lend)
    series = NpySeries(cubes, settings, room, _open)
    threads = max(1, settings.workers)

    def run(epoch: int) -> Generator[Batch, None, None]:
        pipeline = (
            PipelineBuilder()
            .add_source(series.batches(epoch))
            .pipe(partial(_batch_or_error, series, epoch), concurrency=threads, output_order="input")
            .add_sink(threads * settings.prefetch)
            .build(num_threads=threads, use_thread_output_queue=True, task_hook_factory=_no_hooks)
        )
        with pipeline.auto_stop():
            for item in pipeline.get_iterator():
                if isinstance(item, WorkloadError):
                    raise item
                yield item

    return PeerLoader(len(series), run, room, settings.device)


def _open(path: Path) -> NDArray[np.generic]:
    from spdl.io import load_npy  # noqa: PLC0415 - an optional package

    try:
        return load_npy(mapped_file(path))
    except (ValueError, RuntimeError) as error:
        raise DamagedFileError.of(path, f"SPDL cannot read it ({error})") from error


def _batch_or_error(series: NpySeries, epoch: int, indices: Sequence[int]) -> Batch | WorkloadError:
    # A stage that raises loses the item, and the pipeline goes on with the next one.
    try:
        return series.batch(epoch, indices)
    except WorkloadError as error:
        return error


def _no_hooks(stage: object) -> list[object]:
    del stage
    return []
