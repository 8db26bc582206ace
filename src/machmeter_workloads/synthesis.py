"""Synthesis of texture metamers with plenoptic's Portilla-Simoncelli model."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import plenoptic
import torch

from machmeter_workloads.errors import UnfitSizeError, UnknownNameError
from machmeter_workloads.work import Work, rounded

if TYPE_CHECKING:
    from collections.abc import Mapping

# Pinned: plenoptic 1.1 changed its default from 9 to 7, and with it the work.
SPATIAL_CORRELATION_WIDTH = 7
ORIENTATIONS = 4
SCALES = 4


@dataclass(frozen=True)
class Optimizer:
    """An optimizer and how it is set up.

    Parameters
    ----------
    factory : type
        A torch optimizer.
    arguments : mapping
        Its keyword arguments.
    """

    factory: type[torch.optim.Optimizer]
    arguments: Mapping[str, Any]


# Source of both: plenoptic's experiments on PortillaSimoncelli, ps_lbfgs and plenoptic issue 365; Adam is
# plenoptic's default.
OPTIMIZERS: Mapping[str, Optimizer] = MappingProxyType(
    {
        "adam": Optimizer(torch.optim.Adam, MappingProxyType({"lr": 0.01, "amsgrad": True})),
        "lbfgs": Optimizer(
            torch.optim.LBFGS,
            MappingProxyType(
                {
                    "lr": 1,
                    "max_iter": 10,
                    "max_eval": 10,
                    "history_size": 100,
                    "line_search_fn": "strong_wolfe",
                }
            ),
        ),
    }
)


class MetamerSynthesis:
    """A target image and its model, from which metamers are synthesized again and again.

    Parameters
    ----------
    size : int
        Pixels a side of the square cut from the centre of plenoptic's image "einstein", 64 to 256.
    optimizer : str
        One of ``OPTIMIZERS``.
    iterations : int
        Steps of the optimizer; one of LBFGS evaluates the model up to ten times.
    seed : int
        Decides the initial image.
    device : str
        Where the synthesis runs, for example "cpu" or "cuda".

    Raises
    ------
    UnknownNameError
        There is no such optimizer.
    UnfitSizeError
        The image is smaller, or the model cannot be built for this size.
    """

    def __init__(
        self, size: int, optimizer: str, iterations: int, *, seed: int = 0, device: str = "cpu"
    ) -> None:
        if optimizer not in OPTIMIZERS:
            raise UnknownNameError.of("optimizer", optimizer, OPTIMIZERS)
        self._optimizer = OPTIMIZERS[optimizer]
        self._iterations = iterations
        self._target = _centre_of_einstein(size).to(device)
        self._model = _portilla_simoncelli(size).to(device)
        generator = torch.Generator().manual_seed(seed)
        self._initial = torch.rand(self._target.shape, generator=generator).to(device)

    def run(self) -> Work:
        """Synthesize one metamer from the initial image.

        Returns
        -------
        Work
            Items are iterations; bytes are those of the image in each; the result holds the loss before every
            iteration and after the last, and the number of iterations.
        """
        # plenoptic tries the model on images from the global generator, and draws a progress bar on stderr.
        with torch.random.fork_rng(devices=[]), contextlib.redirect_stderr(io.StringIO()):
            metamer = plenoptic.Metamer(self._target, self._model)
            metamer.setup(self._initial, self._optimizer.factory, dict(self._optimizer.arguments))
            # Never stop early: a timed call always does all of its iterations.
            metamer.synthesize(self._iterations, stop_criterion=0, stop_iters_to_check=self._iterations + 1)
        losses = metamer.losses.tolist()
        return Work(
            items=self._iterations,
            bytes=self._target.nbytes * self._iterations,
            result=(rounded(losses), len(losses) - 1),
        )


def scales_for(size: int) -> int:
    """Give the number of scales that an image of this size has room for.

    Parameters
    ----------
    size : int
        Pixels a side.

    Returns
    -------
    int
        Four, as in plenoptic's experiments, or fewer: the correlations of the coarsest scale must still fit.
    """
    scales = SCALES
    while scales > 1 and size >> scales < SPATIAL_CORRELATION_WIDTH:
        scales -= 1
    return scales


def _centre_of_einstein(size: int) -> torch.Tensor:
    image = plenoptic.data.einstein()
    whole = image.shape[-1]
    if not 1 <= size <= whole:
        raise UnfitSizeError(
            f"Cannot cut {size} pixels a side.", f"The image has {whole}.", "Choose a smaller size."
        )
    start = (whole - size) // 2
    return image[..., start : start + size, start : start + size].contiguous()


def _portilla_simoncelli(size: int) -> torch.nn.Module:
    try:
        model = plenoptic.models.PortillaSimoncelli(
            (size, size),
            n_scales=scales_for(size),
            n_orientations=ORIENTATIONS,
            spatial_corr_width=SPATIAL_CORRELATION_WIDTH,
        )
    except ValueError as error:
        raise UnfitSizeError(
            f"No Portilla-Simoncelli model for {size} pixels a side.", f"{error}", "Choose a power of two."
        ) from error
    model.eval()
    plenoptic.remove_grad(model)
    return model
