"""Kernels of cores and memory: matrix product, interpreter, copies, widening of float16."""

import itertools
import platform
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from machmeter.probe.kernels.timing import Request, Step, library

#: Three matrices of 1 MiB: the product stays in the caches and depends on the core alone; about 2 ms.
_SIDE = 512

#: About 1 ms of CPython.
_ITERATIONS = 20_000

#: Source and target of all threads together, each: far more than the last-level caches of most machines, or
#: the rate would depend on where the pages happen to lie in them (it varied by 10% from process to process
#: with 64 MiB, by 3% with 256 MiB).
_ALL_BUFFERS = 256 * 2**20

#: A thread has no less, however many there are, and copies so much a repetition: 1 to 3 ms.
_PIECE = 16 * 2**20

#: 32 MiB of float16, 64 MiB of float32.
_WIDENED = 16 * 2**20


@contextmanager
def matrix_product(_: Request) -> Iterator[Step]:
    """Multiply two float32 matrices, shape (512, 512), with numpy's BLAS: 2 n^3 operations.

    The caller sets the BLAS to one thread through the environment.
    """
    np = library("numpy")
    left, right = _random_matrix(np, 0), _random_matrix(np, 1)
    product = np.empty_like(left)
    yield Step(lambda: np.matmul(left, right, out=product), 2 * _SIDE**3 / 1e9, f"numpy {np.__version__}")


def _random_matrix(np: Any, seed: int) -> Any:  # noqa: ANN401 - numpy, imported lazily
    return np.random.default_rng(seed).random((_SIDE, _SIDE), dtype="float32")


@contextmanager
def interpreter(_: Request) -> Iterator[Step]:
    """Run a loop of integer arithmetic in Python's own bytecode."""

    def loop() -> int:
        total = 0
        for number in range(_ITERATIONS):
            total += number & 7
        return total

    yield Step(loop, _ITERATIONS, f"{platform.python_implementation()} {platform.python_version()}")


@contextmanager
def memcpy(_: Request, threads: int = 1) -> Iterator[Step]:
    """Copy memory with numpy, which releases the lock of the interpreter while it copies.

    Counted are the bytes copied, once: the memory moves twice as many. Each repetition copies the next piece
    of large buffers, so that source and target come from memory and not from a cache.
    """
    np = library("numpy")
    pieces = max(1, _ALL_BUFFERS // _PIECE // threads)
    sources, targets = (np.full((threads, pieces, _PIECE), value, "uint8") for value in (1, 2))
    turn = itertools.cycle(range(pieces))

    def copy(thread: int, piece: int) -> None:
        np.copyto(targets[thread, piece], sources[thread, piece])

    amount, conditions = threads * _PIECE / 1e9, f"numpy {np.__version__}"
    if threads == 1:
        yield Step(lambda: copy(0, next(turn)), amount, conditions)
        return
    everyone = range(threads)
    with ThreadPoolExecutor(threads) as pool:
        yield Step(lambda: list(pool.map(copy, everyone, [next(turn)] * threads)), amount, conditions)


@contextmanager
def widen_numpy(_: Request) -> Iterator[Step]:
    """Widen float16 to float32 with numpy; counted are the bytes of float32."""
    np = library("numpy")
    narrow = np.random.default_rng(0).random(_WIDENED, dtype="float32").astype("float16")
    wide = np.zeros(_WIDENED, "float32")
    yield Step(lambda: np.copyto(wide, narrow), wide.nbytes / 1e9, f"numpy {np.__version__}")


@contextmanager
def widen_torch(_: Request) -> Iterator[Step]:
    """Widen float16 to float32 with torch on one thread; counted are the bytes of float32."""
    torch = library("torch")
    torch.set_num_threads(1)
    narrow = torch.rand(_WIDENED).half()
    wide = torch.zeros(_WIDENED)
    yield Step(lambda: wide.copy_(narrow), 4 * _WIDENED / 1e9, f"torch {torch.__version__}")
