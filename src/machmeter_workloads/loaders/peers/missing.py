"""What is said where a compared library is not installed, or cannot do what is asked."""

from __future__ import annotations

import importlib.util
from typing import Self

from machmeter_workloads.errors import WorkloadError

PEERS_EXTRA = "peers"
DALI_EXTRA = "dali"


class MissingPackageError(WorkloadError):
    """A library that is to be compared is not installed."""

    @classmethod
    def of(cls, module: str, extra: str) -> Self:
        """Name the module and the extra that brings it.

        Parameters
        ----------
        module : str
            What Python would import.
        extra : str
            Which of machmeter's optional parts holds it.

        Returns
        -------
        MissingPackageError
        """
        return cls(
            f'The Python module "{module}" is not installed here.',
            "It is one of the loaders that machmeter's own are compared with, and an optional part.",
            f"Install it with \"pip install 'machmeter[{extra}]'\", or leave this loader out.",
        )


class UnpacedPeerError(WorkloadError):
    """A library that reads by itself is asked to read at a given rate."""

    @classmethod
    def of(cls, name: str) -> Self:
        """Name the library.

        Parameters
        ----------
        name : str
            As in the registry of the peers.

        Returns
        -------
        UnpacedPeerError
        """
        return cls(
            f'The loader "{name}" cannot be held to a number of bytes a second.',
            "It reads with its own code, in which nothing of ours could wait.",
            "Leave bytes_per_s out, or limit the whole process with a cgroup (io.max).",
        )


def require_modules(*modules: str, extra: str = PEERS_EXTRA) -> None:
    """Check that modules can be imported, without importing them.

    Parameters
    ----------
    *modules : str
        Names of modules; a dot leads into a package.
    extra : str
        Which of machmeter's optional parts holds them.

    Raises
    ------
    MissingPackageError
        Names the first that cannot.
    """
    for module in modules:
        if not _exists(module):
            raise MissingPackageError.of(module, extra)


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    # What a dotted name leads into may be missing itself.
    except ModuleNotFoundError:
        return False
