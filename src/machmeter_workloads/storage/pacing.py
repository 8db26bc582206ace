"""A storage as slow as wanted: all threads and processes of a loader share one allowance of bytes."""

from __future__ import annotations

import fcntl
import math
import multiprocessing.context
import multiprocessing.reduction
import os
import struct
import time
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

from machmeter_workloads.errors import UnfitSizeError

if TYPE_CHECKING:
    from collections.abc import Callable

# What was not used stays usable for this long. It stands for the storage going on while a reader decodes, and
# is the length of the slices in which the kernel's own throttling counts (Linux, block/blk-throttle.c).
SAVED_S = 0.1

_LAYOUT = struct.Struct("<ddQ")


class _Account(NamedTuple):
    """What the sharers have in common: when the storage is free again, since when is counted, how much."""

    free_at: float = 0
    since: float = 0
    total: int = 0

    def charged(self, now: float, count: int, seconds: float) -> _Account:
        return _Account(max(self.free_at, now - SAVED_S) + seconds, self.since, self.total + count)

    def restarted(self, now: float) -> _Account:
        return _Account(max(self.free_at, now), now)


class TokenBucket:
    """A ``Pace``: lets so many bytes a second be read by all together.

    A read waits until the storage would have delivered it; reads queue up in the order in which they ask.

    It may be used by threads, by forked processes, and by processes started in another way to which it is
    given as an argument of ``multiprocessing``. A process that is killed stops nobody: the kernel frees its
    lock.

    Parameters
    ----------
    bytes_per_s : float
        More than 0.
    clock : callable
        Gives seconds, the same in all processes.
    sleep : callable
        Takes seconds.

    Raises
    ------
    UnfitSizeError
        The rate is no positive number.
    """

    def __init__(
        self,
        bytes_per_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not (math.isfinite(bytes_per_s) and bytes_per_s > 0):
            raise UnfitSizeError(
                f"A storage cannot give {bytes_per_s} bytes a second.",
                "The rate must be a positive number.",
                "Leave bytes_per_s out for a storage that is not slowed down.",
            )
        self._open(bytes_per_s, clock, sleep, os.memfd_create("machmeter-pace"))
        self.restart()

    def charge(self, count: int) -> None:
        """Wait until ``count`` more bytes may be read.

        Parameters
        ----------
        count : int
            Bytes; more than a second's worth is allowed, too.
        """
        now = self._clock()
        account = self._update(lambda account: account.charged(now, count, count / self.bytes_per_s))
        if account.free_at > now:
            self._sleep(account.free_at - now)

    def restart(self) -> None:
        """Count from now on, and forget what was saved: to be called when an epoch is about to begin."""
        now = self._clock()
        self._update(lambda account: account.restarted(now))

    @property
    def achieved_bytes_per_s(self) -> float:
        """Bytes a second between ``restart`` and the last one let through; NaN before there are any."""
        account = self._update(lambda account: account)
        return account.total / (account.free_at - account.since) if account.total else math.nan

    def _update(self, change: Callable[[_Account], _Account]) -> _Account:
        # A lock belongs to an opening of the file, not to a process: each use has an opening of its own, so
        # that threads and forked processes exclude each other alike. Closing it, or dying, gives it back.
        own = os.open(f"/proc/self/fd/{self._descriptor}", os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(own, fcntl.LOCK_EX)
            stored = os.pread(own, _LAYOUT.size, 0)
            account = change(_Account(*_LAYOUT.unpack(stored)) if stored else _Account())
            os.pwrite(own, _LAYOUT.pack(*account), 0)
        finally:
            os.close(own)
        return account

    def _open(
        self,
        bytes_per_s: float,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        descriptor: int,
    ) -> None:
        self.bytes_per_s = bytes_per_s
        self._clock = clock
        self._sleep = sleep
        self._descriptor = descriptor
        weakref.finalize(self, os.close, descriptor)

    def __getstate__(self) -> tuple[Any, ...]:
        multiprocessing.context.assert_spawning(self)
        return (
            self.bytes_per_s,
            self._clock,
            self._sleep,
            multiprocessing.reduction.DupFd(self._descriptor),
        )

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        bytes_per_s, clock, sleep, descriptor = state
        self._open(bytes_per_s, clock, sleep, descriptor.detach())
