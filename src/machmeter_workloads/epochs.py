"""Training a network over a loader, epoch by epoch."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from machmeter_workloads.data.cubes import MATERIALS
from machmeter_workloads.models import UNet
from machmeter_workloads.work import Work, rounded

if TYPE_CHECKING:
    from machmeter_workloads.loaders.contract import Batch, Loader

LEARNING_RATE = 1e-3
# One epoch changes the loss of a small series by less than one percent.
LOSS_DIGITS = 5


class TrainingRun:
    """A network, its optimizer and its loader, so that the first epoch and later ones can be told apart.

    The first epoch starts the workers and allocates; later ones find all of that warm. Adam with learning
    rate 0.001 and cross entropy, as in HTC's benchmark (IMSY-DKFZ/htc).

    Parameters
    ----------
    loader : Loader
        Closed by ``close``.
    bands : int
        Of the loader's cubes.
    seed : int
        Decides the initial weights.
    device : str
        Where the network is trained, for example "cpu" or "cuda".
    """

    def __init__(self, loader: Loader, bands: int, seed: int = 0, device: str = "cpu") -> None:
        self._loader = loader
        self._device = torch.device(device)
        self._model = _seeded_unet(bands, seed).to(self._device)
        self._optimizer = torch.optim.Adam(self._model.parameters(), lr=LEARNING_RATE)
        self.epochs_done = 0
        self.keep()

    def epoch(self) -> Work:
        """Train the next epoch.

        Returns
        -------
        Work
            Items are cubes; bytes are those of the cubes and masks trained on; the result holds the epoch's
            number and its mean loss.
        """
        items = payload = 0
        # Summed on the device: asking for the value of each batch would make the processor wait for it.
        total = torch.zeros((), device=self._device)
        for batch in self._loader.epoch(self.epochs_done):
            total += self._step(batch) * len(batch.indices)
            items += len(batch.indices)
            payload += batch.cubes.nbytes + batch.masks.nbytes
        number, self.epochs_done = self.epochs_done, self.epochs_done + 1
        return Work(items, payload, (number, rounded([total.item() / items], LOSS_DIGITS)))

    def keep(self) -> None:
        """Remember network, optimizer and epoch as they are now, for ``repeat_epoch``."""
        self._state = copy.deepcopy(self._snapshot())

    def repeat_epoch(self) -> Work:
        """Train the epoch after the kept state once more, so that every call does exactly the same work.

        Returns
        -------
        Work
            As ``epoch``.
        """
        # A copy, because the optimizer would go on writing into what it is given.
        state = copy.deepcopy(self._state)
        self._model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.epochs_done = state["epochs_done"]
        return self.epoch()

    def close(self) -> None:
        """Close the loader."""
        self._loader.close()

    def _step(self, batch: Batch) -> torch.Tensor:
        cubes = batch.cubes.to(self._device, non_blocking=True)
        masks = batch.masks.to(self._device, non_blocking=True)
        loss = nn.functional.cross_entropy(self._model(cubes), masks)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        return loss.detach()

    def _snapshot(self) -> dict[str, Any]:
        return {
            "model": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "epochs_done": self.epochs_done,
        }


def _seeded_unet(bands: int, seed: int) -> UNet:
    # torch's layers draw their weights from the global generator; it is left as it was.
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        return UNet(bands, MATERIALS)
