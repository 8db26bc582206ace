"""Ctrl-C that is not lost."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def noticed() -> Iterator[Callable[[], None]]:
    """Notice an interruption also where Python drops it.

    An exception that arises in a hook of `os.fork` (the logging module has one) is printed and ignored, and
    with it a Ctrl-C that comes at that moment (`os.register_at_fork`). Whoever starts many programs meets it.

    Yields
    ------
    callable
        Raises KeyboardInterrupt if there was an interruption; to be called now and then. Only in the main
        thread of a process that does not ignore the signal; otherwise it does nothing.
    """
    asked: list[int] = []
    earlier = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if callable(earlier):
            earlier(number, frame)

    def check() -> None:
        if asked:
            raise KeyboardInterrupt

    if not callable(earlier):
        yield check
        return
    try:
        signal.signal(signal.SIGINT, note)
    except ValueError:  # not the main thread, where signals do not arrive
        yield check
        return
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, earlier)
