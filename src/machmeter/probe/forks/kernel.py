"""What a benchmark process asks of the kernel: forks that end with their parent, inherited orphans."""

import contextlib
import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable, Collection
from typing import Any

from machmeter.probe.forks.wire import Wire

# <linux/prctl.h>
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def end_with_parent() -> None:
    """Have this process killed when its parent ends, however that ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def inherit_orphans() -> None:
    """Become the parent of descendants whose own parent ends, so that none escapes `end_children`."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def offer_to_the_oom_killer() -> None:
    """When memory runs out, this process goes first, not the driver."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as stream:
        stream.write("1000")


def fork(serve: Callable[[], None], wire: Wire) -> int:
    """Fork a child that serves the driver and then ends; it never returns from here.

    Parameters
    ----------
    serve : callable
        What the child does.
    wire : Wire
        The parent's own, which the child closes.

    Returns
    -------
    int
        The child's process id.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        end_with_parent()
        if os.getppid() != parent:  # it ended before it could be followed
            os._exit(status)
        wire.close()
        serve()
        status = 0
    except Exception:  # noqa: BLE001 - into the child's own output, which the driver keeps
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def reap(pid: int, others: Collection[int] = ()) -> dict[str, Any]:
    """Wait for a child, then end what it left behind.

    Parameters
    ----------
    pid : int
        The child.
    others : collection of int
        Further children that are at work and stay.

    Returns
    -------
    dict
        ``status`` : int, as `os.waitstatus_to_exitcode` gives it (negative for a signal), or None for a
        child that is not ours; ``left`` : int, processes that had to be ended.
    """
    status = None
    with contextlib.suppress(ChildProcessError):
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return {"status": status, "left": end_children(others)}


def children() -> list[int]:
    """Process ids of this process's children."""
    found: list[int] = []
    for thread in os.listdir("/proc/self/task"):
        with (
            contextlib.suppress(OSError),
            open(f"/proc/self/task/{thread}/children", encoding="ascii") as stream,
        ):
            found.extend(int(pid) for pid in stream.read().split())
    return found


def end_children(others: Collection[int] = ()) -> int:
    """Kill and reap whatever children are left, and theirs, which become ours.

    Parameters
    ----------
    others : collection of int
        Children that stay.

    Returns
    -------
    int
        How many there were that had not ended by themselves.
    """
    ended = 0
    while left := [pid for pid in children() if pid not in others]:
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0] == pid:
                    continue
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                ended += 1
    return ended


def threads() -> int:
    """How many threads this process has."""
    return len(os.listdir("/proc/self/task"))


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # another kernel: the driver's own clean-up remains
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
