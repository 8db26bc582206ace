"""What the pairs of a calibration say: the gate's rule replayed on them, for each slowdown."""

import platform
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import log1p, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from machmeter.analysis.bisection import MEDIAN_ERROR
from machmeter.analysis.comparison import expected_pairs, weigh
from machmeter.analysis.resolution import Replay, rate_interval, replay
from machmeter.machine.fingerprint import fingerprint
from machmeter.results.calibrations import Calibration, Kernel, Rate, Resolution

#: Slowdowns that are injected, the largest first.
EFFECTS: Final = (0.05, 0.02, 0.01, 0.005, 0.002)
ALPHA: Final = 0.01

#: Verdicts that are replayed for each rate and kernel, in random orders of its pairs.
_REPLAYS: Final = 300
#: Below so many verdicts without a common pair nothing is said about a rate.
_FEWEST_RUNS: Final = 3.0
_POWER: Final = 0.95


@dataclass(frozen=True, slots=True)
class Noise:
    """One pair of the workload.

    Parameters
    ----------
    kernel : str
        One of `reference.KERNELS`.
    effect : float
        The slowdown that was injected.
    ratio : float
        ln(head / base) by CPU time.
    seconds : float
        Of the pair and its side processes, as a gate of this benchmark alone would take.
    contended : bool
        Whether others disturbed it.
    """

    kernel: str
    effect: float
    ratio: float
    seconds: float
    contended: bool = False


def summarise(taken: Sequence[Noise], started_at: str, seconds: float, ended: str = "") -> Calibration:
    """Replay the gate's verdicts on the pairs.

    The slowdown only shifts the log ratios of a kernel, which "seen" verifies with the pairs that had it. So
    all pairs of a kernel, less the slowdown that each had, are its noise; a verdict about any slowdown is
    replayed on a random order of them, no pair twice. Base and head are copies, so each pair's noise may as
    well have the other sign, and gets one by chance: otherwise all replays shared the accidental centre of
    the few pairs. Whether the copies really cost the same is told by `null_seen`.
    """
    rng = np.random.default_rng(0)  # the same pairs give the same figures
    nulls = np.array([each.ratio for each in taken if not each.effect])
    seen, error = _centre(nulls)
    pools = _pools(taken)
    return Calibration(
        tag=fingerprint().tag,
        node=platform.node(),
        started_at=started_at,
        alpha=ALPHA,
        seconds=seconds,
        kernels=tuple(_kernel(name, taken) for name in pools),
        null_seen=seen,
        null_error=error,
        rows=tuple(_resolution(effect, taken, pools, rng) for effect in EFFECTS) if pools else (),
        ended=ended,
    )


def _pools(taken: Sequence[Noise]) -> dict[str, list[Noise]]:
    pools = defaultdict(list)
    for each in taken:
        pools[each.kernel].append(each)
    return dict(pools)


def _noise(pool: Sequence[Noise]) -> NDArray[np.float64]:
    """Give the log ratios less what was injected."""
    return np.array([each.ratio - log1p(each.effect) for each in pool])


def _kernel(name: str, taken: Sequence[Noise]) -> Kernel:
    pool = [each for each in taken if each.kernel == name]
    return Kernel(
        name,
        pairs=len(pool),
        contended=sum(each.contended for each in pool),
        spread=_spread(_noise(pool)),
        pair_s=float(np.median([each.seconds for each in pool])),
    )


def _resolution(
    effect: float, taken: Sequence[Noise], pools: dict[str, list[Noise]], rng: np.random.Generator
) -> Resolution:
    slowed = [_run(pool, effect, log1p(effect), rng) for pool in pools.values()]
    same = [_run(pool, effect, 0.0, rng) for pool in pools.values()]
    words = [run.word for runs, _ in slowed for run in runs]
    spent = np.array([seconds for _, each in slowed for seconds in each])
    hits = np.array([word == "slower" for word in words])
    with_it = np.array([each.ratio for each in taken if each.effect == effect])
    seen, error = _centre(with_it)
    unknown = np.sort(np.where(hits, spent, np.inf))
    late = float(unknown[int(np.ceil(_POWER * unknown.size)) - 1])
    return Resolution(
        effect=effect,
        injected=with_it.size,
        seen=seen,
        seen_error=error,
        found=_rate(slowed, pools, {"slower"}),
        false_alarms=_rate(same, pools, {"slower", "faster"}),
        undecided=_rate(same, pools, {"undecided"}),
        seconds=float(np.median(spent[hits])) if hits.any() else None,
        pairs=_median_pairs([run for runs, _ in slowed for run in runs if run.word == "slower"]),
        seconds_95=late if np.isfinite(late) else None,
        seconds_unchanged=float(np.median([seconds for _, each in same for seconds in each])),
        lacking_s=_lacking_s(effect, pools, slowed),
    )


def _run(
    pool: Sequence[Noise], threshold: float, shift: float, rng: np.random.Generator
) -> tuple[list[Replay], list[float]]:
    """Replay verdicts of one kernel, and add up the seconds that each took."""
    noise, cost = _noise(pool), np.array([each.seconds for each in pool])
    replays, seconds = [], []
    for _ in range(_REPLAYS):
        order = rng.permutation(noise.size)
        mirrored = noise[order] * rng.choice((-1.0, 1.0), noise.size)
        replays.append(replay(mirrored + shift, threshold, ALPHA))
        seconds.append(float(cost[order[: replays[-1].pairs]].sum()))
    return replays, seconds


def _rate(
    runs: Sequence[tuple[list[Replay], list[float]]], pools: dict[str, list[Noise]], words: set[str]
) -> Rate:
    share = float(np.mean([run.word in words for replays, _ in runs for run in replays]))
    independent = _independent(runs, pools)
    return Rate(share, *rate_interval(share, independent), independent)


def _independent(runs: Sequence[tuple[list[Replay], list[float]]], pools: dict[str, list[Noise]]) -> float:
    """Count the verdicts that the pairs give without using any of them twice."""
    return sum(
        len(pool) / float(np.mean([run.pairs for run in replays]))
        for (replays, _), pool in zip(runs, pools.values(), strict=True)
    )


def _lacking_s(
    effect: float, pools: dict[str, list[Noise]], slowed: Sequence[tuple[list[Replay], list[float]]]
) -> float:
    """Guess how much longer to measure, where many verdicts ran out of pairs."""
    undecided = np.mean([run.word == "undecided" for replays, _ in slowed for run in replays])
    if undecided <= 1 - _POWER and _independent(slowed, pools) >= _FEWEST_RUNS:
        return 0.0
    lacking = 0.0
    for pool in pools.values():
        needed = len(pool) + expected_pairs(weigh(_noise(pool) + log1p(effect), threshold=effect), effect)
        wanted = max(_FEWEST_RUNS * needed / len(pools), 2 * needed)
        lacking += max(0.0, wanted - len(pool)) * float(np.median([each.seconds for each in pool]))
    return lacking


def _centre(ratios: NDArray[np.float64]) -> tuple[float | None, float | None]:
    if not ratios.size:
        return None, None
    return float(np.median(ratios)), MEDIAN_ERROR * _spread(ratios) / sqrt(ratios.size)


def _spread(ratios: NDArray[np.float64]) -> float:
    return 1.4826 * float(np.median(np.abs(ratios - np.median(ratios))))


def _median_pairs(replays: Sequence[Replay]) -> float | None:
    return float(np.median([each.pairs for each in replays])) if replays else None
