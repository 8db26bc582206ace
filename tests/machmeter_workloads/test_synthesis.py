import pytest
import torch

from machmeter_workloads.errors import UnfitSizeError, UnknownNameError
from machmeter_workloads.synthesis import OPTIMIZERS, MetamerSynthesis, scales_for


def losses_of(synthesis: MetamerSynthesis) -> tuple[float, ...]:
    result = synthesis.run().result
    assert isinstance(result, tuple)
    losses, _ = result
    assert isinstance(losses, tuple)
    return losses


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_loss_decreases(optimizer: str) -> None:
    """Every iteration from noise comes closer to the target."""
    losses = losses_of(MetamerSynthesis(64, optimizer, iterations=3))
    assert len(losses) == 4
    assert list(losses) == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]


def test_a_run_says_what_was_done() -> None:
    """Items are iterations, and bytes those of the image in each."""
    work = MetamerSynthesis(64, "adam", iterations=2).run()
    assert (work.items, work.bytes) == (2, 2 * 64 * 64 * 4)


def test_every_run_does_the_same_work() -> None:
    """A second run starts from the same image, whatever the global generator holds."""
    synthesis = MetamerSynthesis(64, "adam", iterations=2)
    first = synthesis.run()
    torch.manual_seed(99)
    assert synthesis.run() == first


def test_another_seed_starts_from_another_image() -> None:
    """The seed reaches the initial image."""
    assert losses_of(MetamerSynthesis(64, "adam", 1, seed=0)) != losses_of(
        MetamerSynthesis(64, "adam", 1, seed=1)
    )


def test_the_global_generator_is_left_as_it_was() -> None:
    """What plenoptic draws for its checks is not seen outside."""
    before = torch.get_rng_state()
    MetamerSynthesis(64, "adam", iterations=1).run()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("size", "scales"), [(256, 4), (128, 4), (64, 3)])
def test_the_scales_fit_the_image(size: int, scales: int) -> None:
    """Four scales as in plenoptic's experiments, fewer where the coarsest would be too small."""
    assert scales_for(size) == scales


@pytest.mark.parametrize("size", [0, 100, 257])
def test_a_size_that_does_not_fit_is_named(size: int) -> None:
    """Sizes beyond the image, or that cannot be halved often enough, are refused with a way out."""
    with pytest.raises(UnfitSizeError, match=rf"{size} pixels a side.*Choose"):
        MetamerSynthesis(size, "adam", iterations=1)


def test_an_unknown_optimizer_is_answered_with_the_known_ones() -> None:
    """The error lists what there is."""
    with pytest.raises(UnknownNameError, match=r'no optimizer "sgd"\. Known are: adam, lbfgs\.'):
        MetamerSynthesis(64, "sgd", iterations=1)
