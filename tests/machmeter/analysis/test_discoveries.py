import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from machmeter.analysis.discoveries import false_discoveries

p_values = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.001, 0.01, 0.02])), max_size=12)


def by_definition(given_values: list[float], alpha: float) -> list[bool]:
    """Try every number of discoveries, the largest first."""
    for count in range(len(given_values), 0, -1):
        bound = alpha * count / len(given_values)
        if sum(p <= bound for p in given_values) >= count:
            return [p <= bound for p in given_values]
    return [False] * len(given_values)


@given(p_values, st.floats(0.001, 0.5))
def test_discoveries_follow_the_definition(values: list[float], alpha: float) -> None:
    """The discoveries are the p-values below the largest bound that enough of them reach."""
    assert by_definition(values, alpha) == false_discoveries(values, alpha).tolist()


def test_the_example_of_the_paper() -> None:
    """Benjamini and Hochberg's 15 p-values give four discoveries at 5%."""
    values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    values += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    found = false_discoveries(values, 0.05)
    assert np.flatnonzero(found).tolist() == [0, 1, 2, 3]


def test_the_share_of_false_discoveries_is_kept() -> None:
    """Among 20 benchmarks of which 5 changed, at most a twentieth of the discoveries is false on average."""
    rng = np.random.default_rng(6)
    shares = []
    for _ in range(1000):
        found = false_discoveries(np.concatenate([rng.uniform(0, 0.01, 5), rng.uniform(size=15)]), 0.05)
        shares.append(found[5:].sum() / max(1, found.sum()))
    assert 0.02 < np.mean(shares) <= 0.05


@pytest.mark.parametrize(
    ("values", "alpha"), [([-0.1], 0.01), ([1.1], 0.01), ([float("nan")], 0.01), ([0.5], 0), ([0.5], 1)]
)
def test_what_is_no_probability_is_refused(values: list[float], alpha: float) -> None:
    """p-values outside 0 to 1 and levels that are none are errors."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        false_discoveries(values, alpha)
