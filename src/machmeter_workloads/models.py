"""The networks that are trained."""

from __future__ import annotations

import torch
from torch import nn


class UNet(nn.Module):
    """A small U-Net with two levels of downsampling, for segmentation of cubes of any size.

    Source: Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation",
    MICCAI 2015; here with padding, and with nearest instead of learned upsampling.

    Parameters
    ----------
    bands : int
        Channels of the input.
    classes : int
        Channels of the output.
    width : int
        Channels after the first convolutions; doubled at each level.
    """

    def __init__(self, bands: int, classes: int, width: int = 16) -> None:
        super().__init__()
        self.down = nn.ModuleList([_convolutions(bands, width), _convolutions(width, 2 * width)])
        self.bottom = _convolutions(2 * width, 4 * width)
        self.up = nn.ModuleList([_convolutions(6 * width, 2 * width), _convolutions(3 * width, width)])
        self.head = nn.Conv2d(width, classes, kernel_size=1)
        self.apply(_initialize)

    def forward(self, cubes: torch.Tensor) -> torch.Tensor:
        """Score every class at every pixel.

        Parameters
        ----------
        cubes : Tensor, shape (B, bands, H, W), float32

        Returns
        -------
        Tensor, shape (B, classes, H, W), float32
            Logits.
        """
        skips = []
        x = cubes
        for block in self.down:
            x = block(x)
            skips.append(x)
            x = nn.functional.max_pool2d(x, 2)
        x = self.bottom(x)
        for block in self.up:
            skip = skips.pop()
            x = nn.functional.interpolate(x, size=skip.shape[-2:], mode="nearest")
            x = block(torch.cat([skip, x], dim=1))
        return self.head(x)


def _initialize(layer: nn.Module) -> None:
    # He et al. 2015: without normalization, torch's own smaller weights would let the signal fade.
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)


def _convolutions(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
    )
