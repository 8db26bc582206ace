"""The driver's ends of the connections to benchmark processes: requests with a deadline."""

import contextlib
import os
import secrets
import select
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from machmeter.probe.forks.wire import Wire

#: How often a waiting driver looks after the node's memory.
_WATCH_S = 0.5
#: A process that comes back to life late must not be waited for longer than this.
_GREETING_S = 60.0
#: A Unix socket's path has at most 107 bytes (unix(7)), and the temporary folders of batch systems are deep.
_LONGEST_FOLDER = 100


class PeerError(Exception):
    """A benchmark process did not answer.

    Parameters
    ----------
    what : str
        For instance "ran longer than its timeout of 60 s".
    """


class Peer:
    """A benchmark process that answers requests.

    Parameters
    ----------
    wire : Wire
        Connection to it.
    pid : int
        Its process id.

    Attributes
    ----------
    connected : bool
        Whether it can be asked.
    """

    def __init__(self, wire: Wire, pid: int) -> None:
        self._wire = wire
        self.pid = pid
        self.connected = True

    def ask(
        self, request: dict[str, Any], timeout_s: float, watch: Callable[[], str | None] | None = None
    ) -> dict[str, Any]:
        """Send a request and wait for the answer.

        Parameters
        ----------
        request : dict
            Understood by `machmeter.probe.forks`.
        timeout_s : float, seconds
            Longest wait.
        watch : callable, optional
            Asked twice a second; what it returns, unless None, ends the wait.

        Raises
        ------
        PeerError
            If the process ended, the time is over or the watch said so.
        """
        try:
            self._wire.send(request)
        except OSError as error:
            raise PeerError("ended by itself") from error
        return self.hear(timeout_s, watch)

    def hear(self, timeout_s: float, watch: Callable[[], str | None] | None = None) -> dict[str, Any]:
        """Wait for a message; see `ask`.

        Whoever did not answer in time is hung up on: a late answer would be taken for another question's.
        """
        try:
            return self._hear(timeout_s, watch)
        except PeerError:
            self.hang_up()
            raise

    def _hear(self, timeout_s: float, watch: Callable[[], str | None] | None) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        while True:
            self._wire.settimeout(min(_WATCH_S, max(0.001, deadline - time.monotonic())))
            try:
                answer = self._wire.receive()
            except TimeoutError:
                found = watch() if watch is not None else None
                if found is not None:
                    raise PeerError(found) from None
                if time.monotonic() >= deadline:
                    raise PeerError(f"ran longer than its timeout of {timeout_s:g} s") from None
                continue
            if answer is None:
                raise PeerError("ended by itself")
            return answer

    def hang_up(self) -> None:
        """Close the connection: the process then ends."""
        self.connected = False
        self._wire.close()


class Hub:
    """Where benchmark processes call in: a Unix socket in a folder that only this user can enter.

    Parameters
    ----------
    folder : Path
        Private temporary folder.
    """

    def __init__(self, folder: Path) -> None:
        self._own = len(os.fsencode(folder)) > _LONGEST_FOLDER
        self.path = (Path(tempfile.mkdtemp(prefix="machmeter-", dir="/tmp")) if self._own else folder) / "hub"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(os.fspath(self.path))
        self._listener.listen(16)
        self._early: dict[str, tuple[Peer, dict[str, Any]]] = {}

    @staticmethod
    def token() -> str:
        """Make a name by which an expected caller is recognised."""
        return secrets.token_hex(8)

    def caller(
        self, token: str, alive: Callable[[], bool], timeout_s: float = _GREETING_S
    ) -> tuple[Peer, dict[str, Any]]:
        """Wait for the process that was given a token.

        Returns
        -------
        peer : Peer
        greeting : dict
            What it said first.

        Raises
        ------
        PeerError
            If it ended before it called, or did not call in time.
        """
        deadline = time.monotonic() + timeout_s
        while token not in self._early and time.monotonic() < deadline:
            if not select.select([self._listener], [], [], 0.1)[0]:
                if not alive():
                    raise PeerError("ended by itself")
                continue
            connected, _ = self._listener.accept()
            wire = Wire(connected)
            wire.settimeout(_GREETING_S)
            greeting = wire.receive()
            if greeting is None:
                wire.close()
            else:
                self._early[greeting["token"]] = Peer(wire, int(greeting["pid"])), greeting
        if token not in self._early:
            raise PeerError(f"did not start within {timeout_s:g} s")
        return self._early.pop(token)

    def close(self) -> None:
        """Stop listening; processes that called and were given up meanwhile end."""
        self._listener.close()
        for peer, _ in self._early.values():
            peer.hang_up()
        with contextlib.suppress(OSError):
            self.path.unlink()
            if self._own:
                self.path.parent.rmdir()


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    except OSError:
        return False
    return state.split()[0] not in {"Z", "X"}
