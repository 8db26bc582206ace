import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from machmeter_workloads.errors import UnfitSizeError
from machmeter_workloads.loaders.augmentation import (
    Augmentation,
    augment,
    augment_batch,
    draw_augmentation,
    draw_window,
)

NOTHING = Augmentation(
    affine=False, translation=(0, 0), scale=1, angle=0, horizontal_flip=False, vertical_flip=False
)
CUBE = torch.arange(2 * 4 * 6, dtype=torch.float32).reshape(2, 4, 6)
MASK = torch.arange(4 * 6).reshape(4, 6)


def test_the_same_seed_epoch_and_index_draw_the_same() -> None:
    """Nothing else decides the augmentation."""
    assert draw_augmentation(1, 2, 3) == draw_augmentation(1, 2, 3)


def test_seed_epoch_and_index_each_matter() -> None:
    """Changing any of the three changes the angle."""
    keys = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    assert len({draw_augmentation(*key).angle for key in keys}) == 4


def test_drawn_values_lie_within_their_bounds() -> None:
    """Translation, scale and angle stay within HTC's bounds, and each step is done every second time."""
    drawn = [draw_augmentation(0, 0, index) for index in range(1000)]
    assert max(abs(x) for each in drawn for x in each.translation) <= 0.0625
    assert all(0.9 <= each.scale <= 1.1 and abs(each.angle) <= 45 for each in drawn)
    for step in ("affine", "horizontal_flip", "vertical_flip"):
        assert 400 < sum(getattr(each, step) for each in drawn) < 600


def test_global_random_state_is_not_used() -> None:
    """Drawing and applying leave torch's generator untouched."""
    before = torch.get_rng_state()
    augment(draw_augmentation(0, 0, 0), CUBE, MASK)
    assert torch.equal(torch.get_rng_state(), before)


def test_nothing_changes_nothing() -> None:
    """Without any step cube and mask stay as they are."""
    cube, mask = augment(NOTHING, CUBE, MASK)
    assert torch.equal(cube, CUBE)
    assert torch.equal(mask, MASK)


def test_flips_turn_cube_and_mask_alike() -> None:
    """A horizontal flip reverses the columns and a vertical one the rows, of both."""
    both = Augmentation(
        affine=False, translation=(0, 0), scale=1, angle=0, horizontal_flip=True, vertical_flip=True
    )
    cube, mask = augment(both, CUBE, MASK)
    assert torch.equal(cube, CUBE.flip(1, 2))
    assert torch.equal(mask, MASK.flip(0, 1))


def test_a_translation_moves_by_whole_pixels_and_reflects() -> None:
    """Moving by one column of six repeats the edge, and the mask moves with the cube."""
    moved = Augmentation(
        affine=True, translation=(1 / 6, 0), scale=1, angle=0, horizontal_flip=False, vertical_flip=False
    )
    cube, mask = augment(moved, CUBE, MASK)
    torch.testing.assert_close(cube[:, :, 1:], CUBE[:, :, :-1])
    torch.testing.assert_close(cube[:, :, 0], CUBE[:, :, 0])
    assert torch.equal(mask[:, 1:], MASK[:, :-1])


def test_a_rotated_mask_holds_only_labels_that_were_there() -> None:
    """Labels are taken from the nearest pixel, never mixed."""
    turned = Augmentation(
        affine=True, translation=(0, 0), scale=1.1, angle=30, horizontal_flip=False, vertical_flip=False
    )
    mask = torch.tensor([[0, 4], [4, 0]]).repeat_interleave(4, 0).repeat_interleave(4, 1)
    _, result = augment(turned, torch.zeros(1, 8, 8), mask)
    assert set(result.unique().tolist()) == {0, 4}
    assert not torch.equal(result, mask)


def random_batch(count: int, height: int, width: int, bands: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(count)
    cubes = torch.rand(count, bands, height, width, generator=generator)
    return cubes, torch.randint(0, 5, (count, height, width), generator=generator)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 8),
    size=st.tuples(st.integers(2, 40), st.integers(2, 40)),
    channels_last=st.booleans(),
)
def test_a_batch_is_augmented_like_its_cubes(
    seed: int,
    count: int,
    size: tuple[int, int],
    channels_last: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Bit by bit the values of one by one, whichever cubes are warped or flipped, whatever the strides."""
    drawn = [draw_augmentation(seed, 0, index) for index in range(count)]
    cubes, masks = random_batch(count, *size)
    each = [augment(*one) for one in zip(drawn, cubes, masks, strict=True)]
    if channels_last:
        cubes = cubes.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    augmented_cubes, augmented_masks = augment_batch(drawn, cubes, masks)
    assert torch.equal(augmented_cubes, torch.stack([cube for cube, _ in each]))
    assert torch.equal(augmented_masks, torch.stack([mask for _, mask in each]))


def test_a_batch_is_augmented_where_it_lies() -> None:
    """The given tensors are returned, so that a slot needs no second one."""
    cubes, masks = random_batch(6, 8, 8)
    before = cubes.clone()
    result = augment_batch([draw_augmentation(0, 0, index) for index in range(6)], cubes, masks)
    assert result[0] is cubes
    assert result[1] is masks
    assert not torch.equal(cubes, before)


def test_a_batch_in_which_nothing_is_done_stays_as_it_is() -> None:
    """Without any step no value changes."""
    cubes, masks = random_batch(3, 5, 7)
    before = cubes.clone(), masks.clone()
    augment_batch([NOTHING] * 3, cubes, masks)
    assert torch.equal(cubes, before[0])
    assert torch.equal(masks, before[1])


def test_every_window_lies_within_the_cube_and_every_place_is_drawn() -> None:
    """Three places down and two across are all found, and no other."""
    drawn = {draw_window(0, 0, index, (5, 4), (3, 3)) for index in range(200)}
    assert drawn == {(top, left) for top in range(3) for left in range(2)}


def test_seed_epoch_and_index_each_move_the_window() -> None:
    """Changing any of the three gives another place, and the same three the same."""
    keys = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)]
    places = [draw_window(*key, (10_000, 10_000), (1, 1)) for key in keys]
    assert len(set(places)) == 4
    assert places[0] == places[-1]


def test_a_window_as_large_as_the_cube_is_the_cube() -> None:
    """There is only one place for it."""
    assert draw_window(1, 2, 3, (24, 32), (24, 32)) == (0, 0)


@pytest.mark.parametrize("crop", [(25, 32), (24, 33), (0, 5), (5, -1)])
def test_a_window_that_does_not_fit_is_refused(crop: tuple[int, int]) -> None:
    """The error names both sizes."""
    with pytest.raises(UnfitSizeError, match=rf"{crop[0]}x{crop[1]} pixels cannot be cut out of 24x32"):
        draw_window(0, 0, 0, (24, 32), crop)
