"""Where new objects come to lie."""

import itertools
import random
import sys

import pytest

from machmeter.probe.forks.layout import Shaker

POOL = 16384 if sys.version_info >= (3, 10) else 4096


def holes() -> list[object]:
    """Keep every other one of many objects: the heap is full of gaps afterwards."""
    kept: list[object] = [bytes(random.randrange(0, 400)) for _ in range(40_000)]  # noqa: S311 - no secret
    return kept[::2]


@pytest.mark.parametrize("size", [48, 64, 128])
def test_after_filling_new_objects_are_neighbours(size: int) -> None:
    """The allocator has no gap left: the next objects lie one behind the other, in pools of their own."""
    kept = holes()
    shaker = Shaker("seed")
    shaker.fill()
    fresh = [bytes(size - 33) for _ in range(POOL // size // 2)]
    steps = [id(after) - id(before) for before, after in itertools.pairwise(fresh)]
    assert kept
    assert sum(step == size for step in steps) / len(steps) > 0.9


def test_shaking_moves_new_objects() -> None:
    """Relative to their pages, each time to another place."""
    shaker = Shaker("seed")
    shaker.fill()
    places = set()
    for _ in range(20):
        shaker.shake()
        places.add(id(bytes(64 - 33)) % 4096)
    assert len(places) > 5


def test_the_same_seed_occupies_the_same_sizes() -> None:
    """A seed is a process's; it is told by the driver."""
    sizes = []
    for _ in range(2):
        shaker = Shaker("seed")
        shaker.shake()
        sizes.append([sys.getsizeof(each) for each in shaker._kept])
    assert sizes[0] == sizes[1]
