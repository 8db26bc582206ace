"""Kernels of the GPU, by torch: transfer from the host, copy in its memory, products of matrices."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from machmeter.probe.kernels.timing import Request, Step, UnavailableError, library

_COPIED = 256 * 2**20

#: Sides of the square matrices: about 1.4 ms of bf16 and 2.7 ms of float32 on a large GPU of 2024.
_SIDE_BF16, _SIDE_F32 = 8192, 4096


@contextmanager
def host_to_device(_: Request) -> Iterator[Step]:
    """Copy 256 MiB from pinned memory of the host to the GPU."""
    torch = _torch()
    source = torch.ones(_COPIED, dtype=torch.uint8).pin_memory()
    target = torch.empty(_COPIED, dtype=torch.uint8, device="cuda")
    yield _step(torch, lambda: target.copy_(source, non_blocking=True), _COPIED / 1e9)


@contextmanager
def device_copy(_: Request) -> Iterator[Step]:
    """Copy 256 MiB within the GPU's memory; the bytes are counted once, the memory moves twice as many."""
    torch = _torch()
    source = torch.ones(_COPIED, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    yield _step(torch, lambda: target.copy_(source), _COPIED / 1e9)


@contextmanager
def product_bf16(_: Request) -> Iterator[Step]:
    """Multiply two bfloat16 matrices, shape (8192, 8192): 2 n^3 operations."""
    torch = _torch()
    yield _product(torch, _SIDE_BF16, torch.bfloat16)


@contextmanager
def product_f32(_: Request) -> Iterator[Step]:
    """Multiply two float32 matrices, shape (4096, 4096), without TF32: 2 n^3 operations."""
    torch = _torch()
    torch.backends.cuda.matmul.allow_tf32 = False
    yield _product(torch, _SIDE_F32, torch.float32)


def _product(torch: Any, side: int, dtype: Any) -> Step:  # noqa: ANN401 - torch, imported lazily
    left, right = (torch.randn(side, side, device="cuda").to(dtype) for _ in range(2))
    product = torch.empty_like(left)
    return _step(torch, lambda: torch.matmul(left, right, out=product), 2 * side**3 / 1e9)


def _step(torch: Any, work: Any, amount: float) -> Step:  # noqa: ANN401 - torch, imported lazily
    """Let a repetition end when the GPU has done its work."""

    def run() -> None:
        work()
        torch.cuda.synchronize()

    torch.cuda.synchronize()
    return Step(run, amount, f"torch {torch.__version__}")


def _torch() -> Any:  # noqa: ANN401 - imported lazily
    torch = library("torch")
    if not torch.cuda.is_available():
        raise UnavailableError(f"torch {torch.__version__} finds no GPU that it can use")
    return torch
