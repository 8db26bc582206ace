"""Artificial histories: noise of several kinds, steps of known size at known places; knows no detector."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Noise = NDArray[np.float64]
Maker = Callable[[np.random.Generator, int], Noise]


def gaussian(rng: np.random.Generator, n: int) -> Noise:
    """Independent normal noise."""
    return rng.normal(size=n)


def heavy_tails(rng: np.random.Generator, n: int) -> Noise:
    """Student's t with three degrees of freedom, scaled to variance one."""
    noise: Noise = rng.standard_t(3, size=n) / np.sqrt(3.0)
    return noise


def autoregressive(rng: np.random.Generator, n: int, phi: float = 0.5) -> Noise:
    """AR(1) with coefficient `phi`, stationary from the start."""
    innovations = rng.normal(size=n) * np.sqrt(1 - phi**2)
    innovations[0] = rng.normal()
    noise = np.empty(n)
    last = 0.0
    for index, innovation in enumerate(innovations):
        last = phi * last + innovation if index else innovation
        noise[index] = last
    return noise


def modes(rng: np.random.Generator, shares: tuple[float, ...], drawn: NDArray[np.int64]) -> Noise:
    """Noise around equally distant modes, three tenths of the variance's root wide, of variance one."""
    places = np.arange(len(shares), dtype=np.float64)
    mean = float(np.dot(shares, places))
    spread = float(np.sqrt(np.dot(shares, (places - mean) ** 2)))
    within = 0.3
    between: Noise = (places[drawn] - mean) / spread * np.sqrt(1 - within**2)
    return between + rng.normal(size=drawn.size) * within


def bimodal(rng: np.random.Generator, n: int) -> Noise:
    """Each commit falls into the fast mode (70%) or the slow one, independently of its neighbours."""
    return modes(rng, (0.7, 0.3), rng.choice(2, size=n, p=(0.7, 0.3)))


def trimodal(rng: np.random.Generator, n: int) -> Noise:
    """As `bimodal` with three modes of 60, 30 and 10%."""
    return modes(rng, (0.6, 0.3, 0.1), rng.choice(3, size=n, p=(0.6, 0.3, 0.1)))


def sticky_modes(rng: np.random.Generator, n: int) -> Noise:
    """Two modes of equal share; the machine stays in one for four commits on average."""
    switched = rng.random(n) < 0.25
    return modes(rng, (0.5, 0.5), (rng.integers(2) + np.cumsum(switched)) % 2)


def outliers(rng: np.random.Generator, n: int) -> Noise:
    """Normal noise; one commit in twenty is slower by 5 to 25 standard deviations."""
    return rng.normal(size=n) + (rng.random(n) < 0.05) * rng.uniform(5.0, 25.0, size=n)


def drift(rng: np.random.Generator, n: int) -> Noise:
    """Normal noise on a random walk whose steps are 3% of its standard deviation."""
    return rng.normal(size=n) + np.cumsum(rng.normal(size=n) * 0.03)


def heteroscedastic(rng: np.random.Generator, n: int) -> Noise:
    """Normal noise whose standard deviation waves slowly by a factor of three; variance one on average."""
    phase = rng.uniform(0, 2 * np.pi)
    spread = 2.0 + np.sin(2 * np.pi * np.arange(n) / 80 + phase)
    noise: Noise = rng.normal(size=n) * spread / np.sqrt(4.5)
    return noise


#: The first seven are the families the requirement names; the last two are harder company.
FAMILIES: Mapping[str, Maker] = MappingProxyType(
    {
        "gaussian": gaussian,
        "heavy tails": heavy_tails,
        "AR(1) 0.5": autoregressive,
        "bimodal": bimodal,
        "outliers": outliers,
        "drift": drift,
        "heteroscedastic": heteroscedastic,
        "trimodal": trimodal,
        "sticky modes": sticky_modes,
    }
)


def resampled(
    recorded: list[NDArray[np.float64]], rng: np.random.Generator, n: int, block: int = 20
) -> Noise:
    """Draw blocks of neighbouring residuals of one recorded series until there are `n`.

    Parameters
    ----------
    recorded : list of ndarray, each shape (any,), float64
        Residuals of real series, any unit.
    rng : numpy.random.Generator
        Decides everything.
    n : int
        How many values.
    block : int
        How many neighbours stay together (moving-block bootstrap; Kuensch, Annals of Statistics 1989).
    """
    series = recorded[int(rng.integers(len(recorded)))]
    block = min(block, series.size)
    starts = rng.integers(series.size - block + 1, size=-(-n // block))
    return np.concatenate([series[start : start + block] for start in starts])[:n]


def with_steps(noise: Noise, steps: Mapping[int, float], sigma: float = 0.02) -> NDArray[np.float64]:
    """Give the seconds of a history: noise of relative size `sigma`, and steps that stay.

    Parameters
    ----------
    noise : ndarray, shape (n,), float64
        Of variance about one.
    steps : mapping of int to float
        The position of the first measurement after a step, and by what share it is slower: 0.05 for 5%.
    sigma : float
        Relative size of the noise.
    """
    level = np.zeros(noise.size)
    for position, size in steps.items():
        level[position:] += np.log1p(size)
    seconds: NDArray[np.float64] = 0.01 * np.exp(level + sigma * noise)
    return seconds
