import numpy as np
import pytest
from scipy.stats import binomtest

from machmeter.analysis.resolution import rate_interval, replay


@pytest.mark.parametrize(("hits", "runs"), [(0, 12), (3, 12), (12, 12), (19, 20)])
def test_the_interval_of_a_rate_is_the_exact_one(hits: int, runs: int) -> None:
    """scipy's binomial test gives the same."""
    oracle = binomtest(hits, runs).proportion_ci(0.95, "exact")
    assert rate_interval(hits / runs, runs) == pytest.approx((oracle.low, oracle.high), abs=1e-6)


def test_a_replay_stops_at_the_first_certain_look() -> None:
    """Pairs without noise are decided at the first look that may; too few are not."""
    exact = np.full(40, 0.05) + np.linspace(-1e-4, 1e-4, 40)
    assert replay(exact, 0.01, 0.01) == ("slower", 12)
    assert replay(exact - 0.05, 0.01, 0.01) == ("unchanged", 8)
    assert replay(exact[:6], 0.01, 0.01) == ("undecided", 6)
