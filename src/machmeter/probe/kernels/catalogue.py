"""All kernels by name, with their units."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from machmeter.probe.kernels import decoding, gpu, processor, storage
from machmeter.probe.kernels.timing import Request, Step

#: Stands for one kernel a number of threads; see `kernels_for`.
BY_THREADS = "memcpy_threads"


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel before it runs.

    Parameters
    ----------
    unit : str
        Of its rate.
    prepare : callable
        Makes what the repetitions need, and cleans up behind them.
    """

    unit: str
    prepare: Callable[[Request], AbstractContextManager[Step]]


_GB, _GFLOP = "GB/s", "GFLOP/s"

KERNELS: Mapping[str, Kernel] = MappingProxyType(
    {
        "matrix_product_f32": Kernel(_GFLOP, processor.matrix_product),
        "memcpy": Kernel(_GB, processor.memcpy),
        "interpreter": Kernel("iterations/s", processor.interpreter),
        "page_cache_read": Kernel(_GB, storage.page_cache_read),
        "cold_read": Kernel(_GB, storage.cold_read),
        "decode_zstd9_f32": Kernel(_GB, partial(decoding.decode, codec="ZSTD", dtype="float32")),
        "decode_zstd9_f16": Kernel(_GB, partial(decoding.decode, codec="ZSTD", dtype="float16")),
        "decode_lz4_f32": Kernel(_GB, partial(decoding.decode, codec="LZ4", dtype="float32")),
        "decode_lz4_f16": Kernel(_GB, partial(decoding.decode, codec="LZ4", dtype="float16")),
        "widen_f16_f32_torch": Kernel(_GB, processor.widen_torch),
        "widen_f16_f32_numpy": Kernel(_GB, processor.widen_numpy),
        "host_to_device": Kernel(_GB, gpu.host_to_device),
        "device_copy": Kernel(_GB, gpu.device_copy),
        "product_bf16": Kernel(_GFLOP, gpu.product_bf16),
        "product_f32_gpu": Kernel(_GFLOP, gpu.product_f32),
    }
)


def kernels_for(name: str, threads: int) -> Iterator[tuple[str, Kernel]]:
    """Give the kernels that a name stands for: itself, or one a number of threads.

    ``memcpy_threads`` with 24 threads is ``memcpy_threads_1``, ``_2``, ``_4``, ``_8``, ``_16`` and ``_24``.

    Raises
    ------
    KeyError
        If there is no such kernel.
    """
    if name != BY_THREADS:
        yield name, KERNELS[name]
        return
    powers = (2**power for power in range(threads.bit_length()))
    for count in sorted({*powers, threads}):
        yield f"{BY_THREADS}_{count}", Kernel(_GB, partial(processor.memcpy, threads=count))
