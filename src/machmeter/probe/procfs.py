"""Cheap reads of the kernel's files: kept open, since opening costs ten times as much as reading."""

import os


class KeptFile:
    """A file of ``/proc`` that is read again and again by the process that opened it.

    Parameters
    ----------
    path : str
        A file that the kernel writes anew for every read.
    """

    def __init__(self, path: str) -> None:
        self._descriptor: int | None
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._descriptor = None

    def read(self) -> bytes:
        """Return the first bytes, at most 4096; none where there is no such file."""
        if self._descriptor is None:
            return b""
        try:
            return os.pread(self._descriptor, 4096, 0)
        except OSError:
            return b""

    def __del__(self) -> None:
        if getattr(self, "_descriptor", None) is not None:
            os.close(self._descriptor)  # type: ignore[arg-type]
