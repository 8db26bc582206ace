import os
from contextlib import closing
from dataclasses import replace
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from machmeter_workloads.data.cube_set import CubeSet
from machmeter_workloads.loaders.contract import Batch, Lifetime, LoaderSettings
from machmeter_workloads.loaders.registry import STRATEGIES, open_loader

# scripts may ask for more: MACHMETER_EXAMPLES=100.
EXAMPLES = int(os.environ.get("MACHMETER_EXAMPLES", "6"))

# Rounding to float16 moves a value by at most 2**-11 of it. Bilinear interpolation is a mean of values that
# are not negative, with weights that are not negative, so it moves no further; what float32 rounds on the way
# is 2**-23 a step. Below 2**-14 float16 is spaced by 2**-24.
RELATIVE, ABSOLUTE = 2**-10, 2**-24

# Newer versions of Python warn of every fork beside a thread, and numpy's libraries have some.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    # More workers than processors are slower, and must be right all the same.
    pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes:UserWarning"),
]

ASKED = st.builds(
    LoaderSettings,
    batch_size=st.integers(1, 7),
    workers=st.sampled_from([0, 1, 2, 4]),
    prefetch=st.integers(1, 3),
    seed=st.integers(0, 2**32),
    augment=st.booleans(),
    crop=st.none() | st.tuples(st.integers(1, 24), st.integers(1, 32)),
)


@cache
def original(cubes: CubeSet, asked: LoaderSettings, numbers: tuple[int, ...]) -> list[Batch]:
    """What all others are compared with, computed once: every strategy is asked the same."""
    return epochs("original", cubes, replace(asked, workers=0), numbers)


def epochs(strategy: str, cubes: CubeSet, asked: LoaderSettings, numbers: tuple[int, ...]) -> list[Batch]:
    """Copies: what is lent is gone when the next is asked for."""
    with closing(open_loader(strategy, cubes, asked)) as loader:
        return [
            Batch(each.cubes.clone(), each.masks.clone(), each.indices.clone())
            for number in numbers
            for each in loader.epoch(number)
        ]


@pytest.mark.parametrize("strategy", STRATEGIES)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(
    asked=ASKED,
    count=st.integers(1, 5),
    numbers=st.lists(st.integers(0, 9), min_size=1, max_size=3).map(tuple),
)
def test_every_strategy_delivers_the_batches_of_original(
    cubes: CubeSet, strategy: str, asked: LoaderSettings, count: int, numbers: tuple[int, ...]
) -> None:
    """Element by element, within float16, over epochs, seeds, sizes, windows, augmentation and workers."""
    part = replace(cubes, count=count)
    expected = original(part, asked, numbers)
    got = epochs(strategy, part, asked, numbers)
    assert [each.indices.tolist() for each in got] == [each.indices.tolist() for each in expected]
    for one, other in zip(got, expected, strict=True):
        assert torch.equal(one.masks, other.masks)
        torch.testing.assert_close(one.cubes, other.cubes, rtol=RELATIVE, atol=ABSOLUTE)


@pytest.mark.parametrize("strategy", STRATEGIES)
@settings(max_examples=EXAMPLES // 3, deadline=None, derandomize=True)
@given(asked=ASKED, taken=st.integers(0, 3))
def test_an_epoch_that_was_left_changes_nothing_about_the_next(
    cubes: CubeSet, strategy: str, asked: LoaderSettings, taken: int
) -> None:
    """However many of its batches were taken."""
    expected = original(cubes, asked, (1,))
    with closing(open_loader(strategy, cubes, asked)) as loader:
        for _ in zip(range(taken), loader.epoch(0), strict=False):
            pass
        got = [each.indices.tolist() for each in loader.epoch(1)]
    assert got == [each.indices.tolist() for each in expected]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_a_strategy_gives_away_stays(cubes: CubeSet, strategy: str) -> None:
    """Batches of a strategy that says they are owned are the same at the end of the next epoch."""
    with closing(open_loader(strategy, cubes, LoaderSettings(workers=2))) as loader:
        seen = [(batch.cubes, batch.cubes.clone()) for batch in loader.epoch(0)]
        for _ in loader.epoch(1):
            pass
        if loader.lifetime is Lifetime.OWNED:
            assert all(torch.equal(given, kept) for given, kept in seen)
        else:
            assert loader.lifetime is Lifetime.UNTIL_NEXT
