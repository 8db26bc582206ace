"""Starting batches some time before they are asked for."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from machmeter_workloads.loaders.contract import Batch

Task = TypeVar("Task")


class Awaited(Protocol):
    """A batch on its way."""

    def result(self) -> Batch:
        """Wait for it."""


def ahead(
    start: Callable[[Task], Awaited], tasks: Iterable[Task], depth: int
) -> Generator[Batch, None, None]:
    """Yield batches in the order of their tasks, while the next ones are being made.

    Parameters
    ----------
    start : callable
        Takes a task, begins with it, gives what can be waited for.
    tasks : iterable
        One a batch.
    depth : int
        How many are on their way while one is used; 0 starts each when it is asked for.

    Yields
    ------
    Batch
    """
    waiting: deque[Awaited] = deque()
    for task in tasks:
        waiting.append(start(task))
        if len(waiting) > depth:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
