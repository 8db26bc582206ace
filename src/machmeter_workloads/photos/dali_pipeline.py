"""What DALI does with each photograph; imported only where DALI is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from nvidia.dali import Pipeline, fn, math, types

from machmeter_workloads.photos.contract import MEAN, STD
from machmeter_workloads.photos.transforms import ATTEMPTS, RATIO

if TYPE_CHECKING:
    from collections.abc import Callable

    from machmeter_workloads.photos.contract import PhotoSettings

#: For each photograph of a batch an array: path, areas, ratios, place, and whether it is mirrored.
Fed = tuple[list[NDArray[np.generic]], ...]
TYPES = (types.UINT8, types.FLOAT64, types.FLOAT64, types.FLOAT64, types.INT32)


def build_pipeline(
    settings: PhotoSettings, decoder: str, device_id: int | None, source: Callable[[], Fed]
) -> Pipeline:
    """Build the pipeline that reads, decodes, crops, resizes, mirrors and normalises.

    The windows are computed from what ``transforms.draw`` gave, by the same arithmetic as
    ``transforms.window`` has; DALI learns an image's size only when it has read the file.

    Parameters
    ----------
    settings : PhotoSettings
        Threads, size, memory format and how many batches are prepared in advance.
    decoder : {"cpu", "mixed"}
        Whether images are decoded and resized by the processor, or with the GPU.
    device_id : int, optional
        The GPU on which the batches are normalised and delivered; none for the processor.
    source : callable
        Gives what the next batch needs, or raises StopIteration at the end of the epoch.

    Returns
    -------
    Pipeline
        Built.
    """
    pipeline = Pipeline(
        settings.batch_size,
        max(1, settings.workers),
        device_id,
        prefetch_queue_depth=max(1, settings.prefetch),
    )
    with pipeline:
        paths, areas, ratios, places, mirrored = fn.external_source(
            source, num_outputs=len(TYPES), dtype=list(TYPES)
        )
        encoded = fn.io.file.read(paths)
        start, size = _windows(fn.peek_image_shape(encoded), areas, ratios, places)
        images = fn.decoders.image_slice(
            encoded,
            device=decoder,
            start=start,
            shape=size,
            axis_names="HW",
            output_type=types.RGB,
            # As Pillow does it, and libjpeg by itself.
            jpeg_fancy_upsampling=True,
        )
        wanted = [settings.size, settings.size]
        images = fn.resize(images, size=wanted, interp_type=types.INTERP_LINEAR, antialias=True)
        pipeline.set_outputs(_normalised(images if device_id is None else images.gpu(), mirrored, settings))
    pipeline.build()
    return pipeline


def _normalised(images: Any, mirrored: Any, settings: PhotoSettings) -> Any:  # noqa: ANN401
    return fn.crop_mirror_normalize(
        images,
        dtype=types.FLOAT,
        output_layout="HWC" if settings.memory_format == "nhwc" else "CHW",
        mean=list(MEAN),
        std=list(STD),
        mirror=mirrored,
    )


def _windows(shape: Any, areas: Any, ratios: Any, places: Any) -> tuple[Any, Any]:  # noqa: ANN401
    """Compute each window's upper left corner and its size, height first.

    In float64 as in Python, so that both round alike.
    """
    height, width = _whole(shape[0]), _whole(shape[1])
    pixels = areas * _exact(height) * _exact(width)
    wide = _whole(math.floor(math.sqrt(pixels * ratios) + 0.5))
    high = _whole(math.floor(math.sqrt(pixels / ratios) + 0.5))
    fits = _whole((wide > 0) & (wide <= width) & (high > 0) & (high <= height))
    # The first attempt that fits has the highest rank; where none fits, the largest window in the middle.
    rank = fits * types.Constant(np.arange(ATTEMPTS, 0, -1, dtype=np.int32), device="cpu")
    first = fits * _whole(rank == fn.reductions.max(rank))
    none = 1 - fn.reductions.max(fits)
    high = fn.reductions.sum(first * high) + none * math.min(height, _rounded(_exact(width) / RATIO[0]))
    wide = fn.reductions.sum(first * wide) + none * math.min(width, _rounded(_exact(height) * RATIO[1]))
    top = (1 - none) * _placed(places[0], height - high) + none * ((height - high) // 2)
    left = (1 - none) * _placed(places[1], width - wide) + none * ((width - wide) // 2)
    return _whole(fn.stack(top, left)), _whole(fn.stack(high, wide))


def _placed(place: Any, room: Any) -> Any:  # noqa: ANN401
    return _whole(math.floor(place * _exact(room + 1)))


def _rounded(value: Any) -> Any:  # noqa: ANN401
    return _whole(math.floor(value + 0.5))


def _whole(value: Any) -> Any:  # noqa: ANN401
    return fn.cast(value, dtype=types.INT32)


def _exact(value: Any) -> Any:  # noqa: ANN401
    return fn.cast(value, dtype=types.FLOAT64)
