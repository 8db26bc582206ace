"""Moves new objects to other places in memory, so that no side is lucky with where its own came to lie."""

import random
import sys
from collections.abc import Callable

#: CPython's small-object allocator has a size class every 16 bytes up to 512 (``Objects/obmalloc.c``).
_STEP = 16
_LARGEST = 512
_BYTES_HEADER = 33
#: What matters is where in a page an object lies: caches and store buffers compare the low 12 bits.
_PAGE = 4096
#: Larger blocks come from malloc, those below its threshold of 128 KiB from one heap.
_BLOCKS = 32
_LARGEST_BLOCK = 65536
#: Blocks of a size class lie in pools, behind a header.
_POOL = 16384 if sys.version_info >= (3, 10) else 4096
_HEADER = 48
#: New pools begin anywhere within three megabytes.
_MOST_POOLS = 192
#: So many neighbours, from a pool's first place on, make a new pool.
_NEIGHBOURS = 8
#: More places than this are not filled: another allocator is at work, or the heap is very large.
_MOST = 50_000


class Shaker:
    """Occupies a random number of places of every size, until the next time.

    Where the integers of a loop lie relative to its frame makes it up to 16% slower, the same loop in the
    same interpreter; forks of one process inherit such luck and keep it. A comparison of two commits must
    average over it instead: T. Mytkowicz et al., Producing Wrong Data Without Doing Anything Obviously Wrong,
    ASPLOS 2009; C. Curtsinger, E. D. Berger, STABILIZER, ASPLOS 2013.

    Parameters
    ----------
    seed : str
        Another one for each process.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - the suite's own generators are left alone
        self._kept: list[object] = []
        self._filled: list[object] = []

    def fill(self) -> None:
        """Occupy for good all gaps that earlier imports have left, and a random number of pools behind them.

        Two sides differ a little in what they have imported and freed, and where new objects come to lie is
        then luck that lasts as long as the zygote: one side was faster by up to 1.4% (docs/decisions/0006).
        """
        pools = self._random.randrange(_MOST_POOLS)
        self._filled = [_gaps(), [_maker(_LARGEST)() for _ in range(pools * (_POOL // _LARGEST))], _gaps()]

    def shake(self) -> None:
        """Give the places of the last time back, and occupy others."""
        self._kept = []
        places = self._random.randrange
        kept: list[object] = [object() for _ in range(places(_PAGE // _STEP))]
        kept += [number + (1 << 20) for number in range(places(_PAGE // (2 * _STEP)))]  # integers: 32 bytes
        for size in range(3 * _STEP, _LARGEST + 1, _STEP):
            kept += [bytes(size - _BYTES_HEADER) for _ in range(places(_PAGE // size))]
        blocks = [bytearray(places(_LARGEST, _LARGEST_BLOCK, _STEP)) for _ in range(_BLOCKS)]
        self._random.shuffle(blocks)  # half of them are gaps from now on, for arrays to fall into
        self._kept = kept + blocks[: _BLOCKS // 2]


def _gaps() -> list[list[object]]:
    """Fill the gaps of every size class."""
    return [_until_new_pool(_maker(size), size) for size in range(_STEP, _LARGEST + 1, _STEP)]


def _maker(size: int) -> Callable[[], object]:
    """Return what makes an object of a size class."""
    if size == _STEP:
        return object
    if size == 2 * _STEP:
        numbers = iter(range(1 << 20, 1 << 30))
        return lambda: next(numbers)
    return lambda: bytes(size - _BYTES_HEADER)


def _until_new_pool(make: Callable[[], object], size: int) -> list[object]:
    """Make objects until they come from a pool that nobody had: the allocator has no gap left then."""
    kept: list[object] = []
    first, previous, neighbours = False, 0, 0
    wanted = min(_NEIGHBOURS, (_POOL - _HEADER) // size - 1)
    while not (first and neighbours >= wanted) and len(kept) < _MOST:
        kept.append(make())
        place = id(kept[-1])
        if place % _POOL == _HEADER:
            first, neighbours = True, 0
        elif place == previous + size:
            neighbours += 1
        else:
            first, neighbours = False, 0
        previous = place
    return kept
