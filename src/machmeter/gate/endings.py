"""How benchmark processes end: waited for, killed, and what they said last."""

import contextlib
import os
import signal
import time
from pathlib import Path

from machmeter.gate.peers import is_alive

END_TIMEOUT_S = 5.0
#: How much of what a failed process printed is kept.
_KEPT_OUTPUT_BYTES = 4000


def tail(path: Path) -> str:
    """Read the end of what a process printed."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _KEPT_OUTPUT_BYTES))
            return stream.read().decode("utf-8", errors="replace").strip()
    except OSError:
        return ""


def status_text(status: int) -> str:
    """Say how a process ended, from what `os.waitstatus_to_exitcode` gives."""
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def await_end(pid: int) -> None:
    """Wait for a process to end by itself, then end it."""
    deadline = time.monotonic() + END_TIMEOUT_S
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.001)
    kill(pid)


def kill(pid: int) -> None:
    """Kill a process if it is there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def kill_group(pid: int) -> None:
    """Kill a process group if it is there."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
