"""Every compared loader by its name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from machmeter_workloads.loaders.peers.dali import load_dali
from machmeter_workloads.loaders.peers.grain import load_grain
from machmeter_workloads.loaders.peers.litdata import load_litdata
from machmeter_workloads.loaders.peers.missing import DALI_EXTRA, PEERS_EXTRA, UnpacedPeerError
from machmeter_workloads.loaders.peers.nodes import load_nodes
from machmeter_workloads.loaders.peers.spdl import load_spdl
from machmeter_workloads.loaders.peers.stateful import load_stateful
from machmeter_workloads.loaders.peers.tensorstore import load_tensorstore
from machmeter_workloads.loaders.peers.webdataset import load_webdataset
from machmeter_workloads.loaders.peers.zarr import load_zarr, zarr_format

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Loader, LoaderSettings


@dataclass(frozen=True)
class Peer:
    """A compared loader; called, it is a ``LoaderFactory``.

    Parameters
    ----------
    name : str
        In the registry.
    load : callable
        Opens it; a ``LoaderFactory`` that may take ``lend``.
    modules : tuple of str
        What must be importable.
    format_for : callable
        Says which of the peers' formats is read with some settings.
    lends : bool
        Whether the memory of a batch is used again for later ones. The libraries leave that to their users,
        and one without is what their documentations show; the name of one that does ends in ``_lent``.
    exact_order : bool
        Whether the batches are those of every other loader; else each cube comes once an epoch, in an order
        of the library's own.
    extra : str
        Which of machmeter's optional parts holds it.
    """

    name: str
    load: Callable[..., Loader]
    modules: tuple[str, ...]
    format_for: Callable[[LoaderSettings], str]
    lends: bool = False
    exact_order: bool = True
    extra: str = PEERS_EXTRA

    def __call__(self, cubes: CubeSet, settings: LoaderSettings) -> Loader:
        """Open it.

        Parameters
        ----------
        cubes : CubeSet
            What is loaded; the format must have been made.
        settings : LoaderSettings
            How it is loaded.

        Returns
        -------
        Loader
            To be closed by the caller.

        Raises
        ------
        MissingDataError
            The format was not made.
        MissingPackageError
            The library is not installed.
        UnpacedPeerError
            The settings ask for a rate.
        """
        if settings.bytes_per_s is not None:
            raise UnpacedPeerError.of(self.name)
        return self.load(cubes, settings)


def _always(name: str) -> Callable[[LoaderSettings], str]:
    def format_for(settings: LoaderSettings) -> str:
        del settings
        return name

    return format_for


def _lending(peer: Peer) -> Peer:
    return replace(peer, name=f"{peer.name}_lent", load=partial(peer.load, lend=True), lends=True)


_IN_PROCESS = (
    Peer("spdl", load_spdl, ("spdl.pipeline", "spdl.io"), _always("npy")),
    Peer("grain", load_grain, ("grain",), _always("npy")),
    Peer("nodes", load_nodes, ("torchdata.nodes",), _always("npy")),
    Peer("zarr", load_zarr, ("zarr",), zarr_format),
    Peer("tensorstore", load_tensorstore, ("tensorstore",), zarr_format),
    Peer("dali", load_dali, ("nvidia.dali",), _always("npy"), extra=DALI_EXTRA),
)
# Worker processes of torch send their memory away: it cannot be used again.
_WITH_PROCESSES = (
    Peer("stateful", load_stateful, ("torchdata.stateful_dataloader",), _always("npy")),
    Peer("webdataset", load_webdataset, ("webdataset",), _always("tar"), exact_order=False),
    Peer("litdata", load_litdata, ("litdata",), _always("litdata"), exact_order=False),
)

PEERS: Mapping[str, Peer] = MappingProxyType(
    {peer.name: peer for peer in (*_IN_PROCESS, *map(_lending, _IN_PROCESS), *_WITH_PROCESSES)}
)
