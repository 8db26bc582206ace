"""Memory that a thread keeps from cube to cube."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray


class Scratch:
    """Buffers of one thread, one a purpose; each grows to the largest that was asked for.

    Kept because fresh memory costs a page fault every 4 KiB, and because a small buffer that is used again
    stays in the processor's cache.
    """

    def __init__(self) -> None:
        self._buffers: dict[str, NDArray[np.uint8]] = {}

    def array(self, purpose: str, count: int, dtype: DTypeLike) -> NDArray[Any]:
        """Give the buffer of a purpose; what was in it before is gone.

        Parameters
        ----------
        purpose : str
            Buffers of different purposes may be used at the same time.
        count : int
            Values.
        dtype : numpy.dtype
            Of the values.

        Returns
        -------
        ndarray, shape (count,)
            With any values.
        """
        wanted = count * np.dtype(dtype).itemsize
        buffer = self._buffers.get(purpose)
        if buffer is None or len(buffer) < wanted:
            self._buffers[purpose] = buffer = np.empty(wanted, np.uint8)
        return buffer[:wanted].view(dtype)

    def bytes(self, purpose: str, count: int) -> memoryview:
        """Give the buffer of a purpose as bytes.

        Parameters
        ----------
        purpose : str
            As for ``array``.
        count : int
            Bytes.

        Returns
        -------
        memoryview
            Writable.
        """
        return self.array(purpose, count, np.uint8).data
