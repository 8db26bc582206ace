import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from machmeter_workloads.photos.contract import MEAN, STD, MemoryFormat
from machmeter_workloads.photos.transforms import (
    AREA,
    RATIO,
    Draw,
    Window,
    cropped,
    draw,
    normalised,
    window,
)

sides = st.integers(1, 2000)
keys = st.integers(0, 10**6)


def never_fitting() -> Draw:
    return Draw(np.ones(10), np.full(10, 4 / 3), (0.5, 0.5), mirrored=False)


@given(keys, keys, keys, sides, sides)
def test_a_window_lies_in_the_image(seed: int, epoch: int, index: int, height: int, width: int) -> None:
    """Whatever is drawn, and whatever the image's size, it has pixels and all of them exist."""
    found = window(draw(seed, epoch, index), height, width)
    assert 0 <= found.top <= found.top + found.height <= height
    assert 0 <= found.left <= found.left + found.width <= width
    assert found.height >= 1
    assert found.width >= 1


@given(keys, st.integers(100, 2000), st.integers(100, 2000))
def test_a_window_has_the_area_and_the_proportions_of_a_draw(index: int, height: int, width: int) -> None:
    """It is one of the ten attempts, the first that fits, to half a pixel; or the largest in the middle."""
    choice = draw(0, 0, index)
    found = window(choice, height, width)
    for area, ratio in zip(choice.areas, choice.ratios, strict=True):
        wide, high = math.sqrt(area * height * width * ratio), math.sqrt(area * height * width / ratio)
        if round(wide) <= width and round(high) <= height:
            assert found.width == pytest.approx(wide, abs=0.51)
            assert found.height == pytest.approx(high, abs=0.51)
            return
    assert found.width == width or found.height == height


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((20, 300), Window(0, 136, 20, 27)),
        ((300, 20), Window(136, 0, 27, 20)),
        ((100, 100), Window(0, 0, 100, 100)),
    ],
)
def test_where_nothing_fits_the_middle_is_taken(size: tuple[int, int], expected: Window) -> None:
    """As much of it as proportions of 3:4 to 4:3 allow."""
    assert window(never_fitting(), *size) == expected


def test_draws_are_spread_as_they_should_be() -> None:
    """Areas evenly, ratios evenly in their logarithm, places evenly, and every other one mirrored."""
    draws = [draw(0, 0, index) for index in range(500)]
    areas = np.concatenate([choice.areas for choice in draws])
    ratios = np.log(np.concatenate([choice.ratios for choice in draws]))
    places = np.array([choice.place for choice in draws])
    assert np.quantile(areas, (0, 0.5, 1)) == pytest.approx([AREA[0], 0.54, AREA[1]], abs=0.03)
    assert np.quantile(ratios, (0, 0.5, 1)) == pytest.approx(
        [math.log(RATIO[0]), 0, math.log(RATIO[1])], abs=0.03
    )
    assert np.quantile(places, (0, 0.5, 1)) == pytest.approx([0, 0.5, 1], abs=0.06)
    assert np.mean([choice.mirrored for choice in draws]) == pytest.approx(0.5, abs=0.08)


def test_a_draw_depends_on_seed_epoch_and_index() -> None:
    """On all three, and on nothing else."""
    drawn = [draw(*key).place for key in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))]
    assert len(set(drawn)) == 4
    assert drawn[3] == draw(0, 0, 1).place


def test_the_window_is_what_is_delivered() -> None:
    """A window as large as the result is copied pixel by pixel."""
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    choice = Draw(np.full(10, 1 / 6), np.ones(10), (0.99, 0.995), mirrored=False)
    np.testing.assert_array_equal(cropped(Image.fromarray(pixels), choice, 32), pixels[32:, 64:])


def test_a_mirrored_image_is_mirrored() -> None:
    """Left and right change places, after all the rest."""
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8))
    choice = draw(0, 0, 0)
    plain, mirrored = (
        cropped(image, Draw(choice.areas, choice.ratios, choice.place, flag), 16) for flag in (False, True)
    )
    np.testing.assert_array_equal(plain[:, ::-1], mirrored)


@pytest.mark.parametrize("memory_format", ["nchw", "nhwc"])
def test_normalised_values_are_those_of_the_formula(memory_format: MemoryFormat) -> None:
    """Minus the mean, divided by the deviation, colour by colour."""
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 5, 4), np.uint8))
    before = images.clone()
    found = normalised(images, memory_format)
    for colour in range(3):
        expected = (images[:, colour].double() - MEAN[colour]) / STD[colour]
        torch.testing.assert_close(found[:, colour].double(), expected, rtol=0, atol=1e-6)
    assert torch.equal(images, before)
    assert found.dtype == torch.float32
