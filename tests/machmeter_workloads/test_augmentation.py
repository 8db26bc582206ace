import torch

from machmeter_workloads.loaders.augmentation import Augmentation, augment, draw_augmentation

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
