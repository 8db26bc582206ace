"""Messages between the driver and the benchmark processes: one JSON object a line on a Unix socket."""

import json
import socket
from typing import Any


class Wire:
    """One end of a connection.

    Parameters
    ----------
    connected : socket.socket
        A connected stream socket; `close` closes it.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._pending = b""

    @classmethod
    def to(cls, path: str) -> "Wire":
        """Connect to the driver that listens at a path."""
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.connect(path)
        return cls(connected)

    def fileno(self) -> int:
        """File descriptor, so that `select` takes a wire."""
        return self._socket.fileno()

    def send(self, message: dict[str, Any]) -> None:
        """Send a message.

        Raises
        ------
        OSError
            If the other end is gone.
        """
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> dict[str, Any] | None:
        """Wait for a message; None when the other end is gone.

        Raises
        ------
        TimeoutError
            If `settimeout` was called and the time is over; what came so far is kept.
        """
        while b"\n" not in self._pending:
            try:
                chunk = self._socket.recv(1 << 16)
            except ConnectionResetError:
                return None
            if not chunk:
                return None
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def settimeout(self, seconds: float | None) -> None:
        """Longest wait of `receive` for more bytes."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """Close this end."""
        self._socket.close()
