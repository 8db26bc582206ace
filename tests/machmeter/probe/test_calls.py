"""Calls are counted exactly."""

import contextlib
import sys

from machmeter.probe.calls import Counter


def leaf() -> int:
    return sum(each for each in range(3))


def branch(depth: int) -> int:
    return leaf() if depth == 0 else branch(depth - 1) + branch(depth - 1)


def counted() -> dict[tuple[str, str], int]:
    counter = Counter([__name__.partition(".")[0]])
    counter.run(branch, 2)
    files = {__name__: __file__}
    return {(caller, name): number for caller, name, number in counter.calls(files)}


def test_every_call_counts_once() -> None:
    """Expressions belong to their function, recursion counts."""
    here = __name__
    assert counted() == {
        (f"{here}:counted", f"{here}:branch"): 1,
        (f"{here}:branch", f"{here}:branch"): 6,
        (f"{here}:branch", f"{here}:leaf"): 4,
    }


def test_the_hook_is_removed() -> None:
    """Also when the benchmark raises."""
    counter = Counter([__name__])
    with contextlib.suppress(ZeroDivisionError):
        counter.run(lambda: 1 / 0)
    assert sys.getprofile() is None


def test_libraries_are_not_counted() -> None:
    """Only the project's functions are."""
    counter = Counter(["nothing_like_this"])
    counter.run(branch, 2)
    assert counter.calls({}) == []
