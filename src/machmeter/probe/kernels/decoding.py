"""Kernels of decompression: the codecs that loaders use, on values like those of a hyperspectral cube."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from machmeter.probe.kernels.timing import Request, Step, library

_SHAPE = (64, 128, 100)
_LEVEL = 9


@contextmanager
def decode(_: Request, codec: str, dtype: str) -> Iterator[Step]:
    """Decode one Blosc2 buffer (byte shuffle, level 9) with one thread; counted are the bytes that come out.

    Parameters
    ----------
    codec : str
        Name in ``blosc2.Codec``.
    dtype : str
        "float32" or "float16".
    """
    np, blosc2 = library("numpy"), library("blosc2")
    cube = _cube(np).astype(dtype)
    blosc2.set_nthreads(1)
    packed = blosc2.compress(
        cube,
        typesize=cube.itemsize,
        clevel=_LEVEL,
        filter=blosc2.Filter.SHUFFLE,
        codec=getattr(blosc2.Codec, codec),
    )
    target = np.zeros_like(cube)
    conditions = f"blosc2 {blosc2.__version__}, compressed to {len(packed) / cube.nbytes:.2f}"
    yield Step(lambda: blosc2.decompress2(packed, dst=target, nthreads=1), cube.nbytes / 1e9, conditions)


def _cube(np: Any) -> Any:  # noqa: ANN401 - numpy, imported lazily
    """Compute a small cube: smooth spectra mixed by smooth fields, shot noise, counts over a white reference.

    Returns
    -------
    ndarray, shape (H, W, bands), float32
    """
    rng = np.random.default_rng(0)
    height, width, bands = (np.linspace(0, 1, length) for length in _SHAPE)
    fields = [np.sin(2 * np.pi * (k * height[:, None] + (3 - k) * width)) for k in (1, 2, 3)]
    spectra = [0.1 * np.exp(-(((bands - center) / 0.2) ** 2)) for center in (0.2, 0.5, 0.8)]
    reflectance = 0.5 + sum(
        field[..., None] * spectrum for field, spectrum in zip(fields, spectra, strict=True)
    )
    white = 1000 * (0.35 + 0.65 * np.exp(-(((bands - 0.45) / 0.27) ** 2)))
    electrons = reflectance * white
    electrons += rng.standard_normal(_SHAPE) * np.sqrt(electrons)
    return (np.rint(electrons).clip(0) / white).astype("float32")
