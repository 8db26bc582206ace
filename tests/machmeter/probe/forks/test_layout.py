"""Where new objects come to lie."""

import subprocess
import sys

import pytest

from machmeter.probe.forks.layout import Shaker

#: Run in an interpreter of its own: what other tests have left in the heap is theirs.
NEIGHBOURS = """
import itertools, sys
from machmeter.probe.forks.layout import Shaker

size = int(sys.argv[1])
kept = [bytes(size - 33) for _ in range(20_000)]
del kept[::2]  # every other place is a gap
shaker = Shaker("seed")
if sys.argv[2] == "fill":
    shaker.fill()
fresh = [bytes(size - 33) for _ in range(60)]
print(sum(id(after) - id(before) == size for before, after in itertools.pairwise(fresh)) / 59)
"""


def neighbours(size: int, fill: str) -> float:
    command = [sys.executable, "-c", NEIGHBOURS, str(size), fill]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.parametrize("size", [48, 64, 128])
def test_after_filling_new_objects_are_neighbours(size: int) -> None:
    """The allocator has no gap left: the next objects lie one behind the other, in pools of their own."""
    assert neighbours(size, "leave") < 0.1
    assert neighbours(size, "fill") > 0.9


#: How many different places new objects have within their pages, of twenty.
PLACES = """
from machmeter.probe.forks.layout import Shaker

shaker = Shaker("seed")
shaker.fill()
places = set()
for _ in range(20):
    shaker.shake()
    places.add(id(bytes(31)) % 4096)
print(len(places))
"""


def test_shaking_moves_new_objects() -> None:
    """Relative to their pages, nearly each time to another place."""
    command = [sys.executable, "-c", PLACES]
    assert int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) > 5


def test_the_same_seed_occupies_the_same_sizes() -> None:
    """A seed is a process's; it is told by the driver."""
    sizes = []
    for _ in range(2):
        shaker = Shaker("seed")
        shaker.shake()
        sizes.append([sys.getsizeof(each) for each in shaker._kept])
    assert sizes[0] == sizes[1]
