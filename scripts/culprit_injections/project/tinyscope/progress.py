"""How far a program is."""

from collections.abc import Iterable, Iterator
from threading import Lock
from typing import TypeVar

Item = TypeVar("Item")


class Progress:
    """Counts what is done, from any thread."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self._lock = Lock()

    def advance(self, count: int = 1) -> None:
        """Count some more."""
        with self._lock:
            self.done += count

    def text(self) -> str:
        """Return how far it is."""
        with self._lock:
            return f"{self.done} of {self.total}"

    def over(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield items and count them."""
        for item in items:
            yield item
            self.advance()
