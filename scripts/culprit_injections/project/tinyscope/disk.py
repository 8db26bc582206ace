"""A slow disk, and what makes the best of it."""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from queue import Queue
from threading import Thread
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def retried(times: int) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Call again where the disk fails."""

    def decorate(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @wraps(function)
        def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            for _ in range(times - 1):
                try:
                    return function(*args, **kwargs)
                except OSError:
                    continue
            return function(*args, **kwargs)

        return call

    return decorate


class Disk:
    """Named blobs, read and written in blocks; ``latency`` is in seconds."""

    def __init__(self, blobs: Mapping[str, bytes], block: int = 16384, latency: float = 0.0004) -> None:
        self.blobs = dict(blobs)
        self.block = block
        self.latency = latency

    @retried(3)
    def size(self, name: str) -> int:
        """Return how long a blob is; raise FileNotFoundError where there is none."""
        time.sleep(self.latency)
        if name not in self.blobs:
            raise FileNotFoundError(name)
        return len(self.blobs[name])

    def seek(self, name: str, offset: int) -> tuple[str, int]:
        """Move the head; return where it is."""
        time.sleep(self.latency)
        return name, offset

    def read_block(self, place: tuple[str, int], length: int) -> bytes:
        """Read what is under the head."""
        time.sleep(self.latency * max(length / self.block, 0.5) / 2)
        name, offset = place
        return self.blobs[name][offset : offset + length]

    def write_block(self, name: str, data: bytes) -> None:
        """Write a blob of at most a block."""
        time.sleep(self.latency)
        self.blobs[name] = data

    def sync(self) -> None:
        """Wait until all is written."""
        time.sleep(self.latency * 4)

    def blocks(self, name: str, start: int = 0) -> Iterator[bytes]:
        """Yield a blob from an offset to its end."""
        size = self.size(name)
        place = self.seek(name, start)
        for offset in range(start, size, self.block):
            yield self.read_block((place[0], offset), min(self.block, size - offset))

    def read(self, name: str) -> bytes:
        """Return a blob."""
        return b"".join(self.blocks(name))


class BackgroundWriter:
    """Writes while the program goes on."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self._queue: Queue[tuple[str, bytes] | None] = Queue()
        self._thread = Thread(target=self._write, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._queue.put(None)
        self._thread.join()
        self.disk.sync()

    def put(self, name: str, data: bytes) -> None:
        """Write later."""
        self._queue.put((name, data))

    def _write(self) -> None:
        while (job := self._queue.get()) is not None:
            self.disk.write_block(*job)
            self._queue.task_done()
        self._queue.task_done()
