"""What the two strategies with DALI share: their loader."""

from __future__ import annotations

import math
import os
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from machmeter_workloads.errors import UnfitSizeError, WorkloadError
from machmeter_workloads.loaders.contract import Lifetime
from machmeter_workloads.loaders.order import epoch_batches
from machmeter_workloads.loaders.peers.missing import DALI_EXTRA, require_modules
from machmeter_workloads.photos.contract import PhotoBatch
from machmeter_workloads.photos.decoding import decoded, read_file
from machmeter_workloads.photos.transforms import draw

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from machmeter_workloads.photos.contract import PhotoSettings
    from machmeter_workloads.photos.dali_pipeline import Fed
    from machmeter_workloads.photos.image_folder import ImageFolder


class DaliPhotos:
    """A loader in which DALI does everything but choosing; a ``PhotoLoader`` of the contract.

    Order, windows and mirroring are those of the other strategies. The pixels are nearly so: DALI rounds
    differently from Pillow by a grey value, and at the edge of a window by some more, because it decodes no
    more of a file than the window needs. For the same reason it misses damage below the window.

    Parameters
    ----------
    folder : ImageFolder
        What is loaded.
    settings : PhotoSettings
        How it is loaded; ``workers`` are threads, at least one.
    decoder : {"cpu", "mixed"}
        Whether images are decoded and resized by the processor, or with the GPU.

    Raises
    ------
    MissingPackageError
        DALI is not installed.
    UnfitSizeError
        A cache is asked for.
    """

    lifetime = Lifetime.UNTIL_NEXT

    def __init__(self, folder: ImageFolder, settings: PhotoSettings, decoder: str) -> None:
        require_modules("nvidia.dali", extra=DALI_EXTRA)
        if settings.cache:
            raise UnfitSizeError(
                f"DALI cannot use a cache of {settings.cache} bytes.",
                "It reads the files itself.",
                'Set the cache to 0, or choose the strategy "pytorch".',
            )
        self._folder = folder
        self._settings = settings
        self._decoder = decoder
        self._device = torch.device(settings.device)
        self._pipeline: Any = None
        self._epoch = 0
        self._batches: Iterator[list[int]] = iter(())
        # What DALI was asked for and has not been taken back from it.
        self._in_flight: deque[list[int]] = deque()

    def __len__(self) -> int:
        """Batches in an epoch."""
        return math.ceil(len(self._folder) / self._settings.batch_size)

    def epoch(self, number: int) -> Iterator[PhotoBatch]:
        """Deliver one epoch; one at a time.

        Parameters
        ----------
        number : int
            Which epoch, from 0.

        Yields
        ------
        PhotoBatch
            Images are lent until the next batch.

        Raises
        ------
        DamagedFileError, MissingDataError, UnreadableError
            Names the file.
        """
        self._prepare()
        self._epoch, self._batches = number, iter(self._divided(number))
        self._pipeline.schedule_run()
        while self._in_flight:
            yield self._batch(self._received())
            self._take_back()
            self._pipeline.schedule_run()
        self._pipeline.reset()

    def close(self) -> None:
        """End DALI's threads; may be called more than once."""
        self._pipeline = None
        self._in_flight.clear()

    def _divided(self, number: int) -> list[list[int]]:
        return epoch_batches(len(self._folder), self._settings.batch_size, self._settings.seed, number)

    def _prepare(self) -> None:
        if self._in_flight:
            # An epoch was not finished. What is still in the pipeline belongs to it.
            self.close()
        if self._pipeline is None:
            from machmeter_workloads.photos.dali_pipeline import build_pipeline  # noqa: PLC0415 - the extra "dali"

            self._pipeline = build_pipeline(self._settings, self._decoder, self._gpu(), self._fed)

    def _gpu(self) -> int | None:
        if self._device.type != "cuda":
            return None
        return torch.cuda.current_device() if self._device.index is None else self._device.index

    def _fed(self) -> Fed:
        """Choose for the next batch; DALI asks for it while it has room for one more."""
        indices = next(self._batches)
        self._in_flight.append(indices)
        draws = [draw(self._settings.seed, self._epoch, index) for index in indices]
        return (
            [np.frombuffer(os.fsencode(self._folder.path(index)), np.uint8) for index in indices],
            [choice.areas for choice in draws],
            [choice.ratios for choice in draws],
            [np.array(choice.place) for choice in draws],
            [np.array(choice.mirrored, np.int32) for choice in draws],
        )

    def _received(self) -> torch.Tensor:
        try:
            (images,) = self._pipeline.share_outputs()
            return torch.from_dlpack(images.as_tensor())
        except RuntimeError as error:
            suspects = [index for indices in self._in_flight for index in indices]
            # After an error DALI's pipeline is of no use any more; the next epoch builds another.
            self.close()
            self._name_culprit(suspects, error)
            raise

    def _take_back(self) -> None:
        if self._device.type == "cuda":
            # The caller's work on the batch may only have been ordered yet.
            torch.cuda.current_stream(self._device).synchronize()
        self._pipeline.release_outputs()
        self._in_flight.popleft()

    def _batch(self, images: torch.Tensor) -> PhotoBatch:
        indices = self._in_flight[0]
        labels = torch.from_numpy(self._folder.labels[indices])
        if self._settings.memory_format == "nhwc":
            images = images.permute(0, 3, 1, 2)
        return PhotoBatch(images, labels.to(self._device, non_blocking=True), torch.tensor(indices))

    def _name_culprit(self, suspects: Sequence[int], cause: RuntimeError) -> None:
        """Find the file by decoding all that were in the pipeline: DALI names only its own functions."""
        for index in suspects:
            path = self._folder.path(index)
            decoded(path, read_file(path))
        raise WorkloadError(
            f"DALI cannot decode a file that Pillow can: {cause}".rstrip(),
            f"It is among {', '.join(str(self._folder.path(index)) for index in suspects)}.",
            'Convert it to an ordinary JPEG file, or choose the strategy "pytorch".',
        ) from cause
