"""Statistics of a few hundred numbers."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Summary:
    """What a column looks like."""

    count: int
    mean: float
    deviation: float
    median: float
    spread: float
    low: float
    high: float


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which a share of ordered values lies, interpolated."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return math.fsum(values) / len(values)


def moments(values: Iterable[float]) -> tuple[int, float, float]:
    """Return count, mean and variance in one pass (Welford, 1962)."""
    count, centre, squares = 0, 0.0, 0.0
    for value in values:
        count += 1
        step = value - centre
        centre += step / count
        squares += step * (value - centre)
    return count, centre, squares / max(count - 1, 1)


def absolute_deviation(ordered: Sequence[float]) -> float:
    """Return the median distance from the median."""
    middle = quantile(ordered, 0.5)
    return quantile(sorted(abs(value - middle) for value in ordered), 0.5)


def resamples(values: Sequence[float], rounds: int, seed: int) -> Iterator[list[float]]:
    """Yield samples drawn with replacement."""
    draw = Random(seed)  # noqa: S311 - statistics
    for _ in range(rounds):
        yield draw.choices(values, k=len(values))


def bootstrap(values: Sequence[float], rounds: int, seed: int) -> tuple[float, float]:
    """Return a 90% interval of the mean."""
    means = sorted(mean(sample) for sample in resamples(values, rounds, seed))
    return quantile(means, 0.05), quantile(means, 0.95)


def ranks(values: Sequence[float]) -> list[float]:
    """Return the place of each value in order, the mean place where several are equal."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    first = 0
    while first < len(order):
        last = first
        while last + 1 < len(order) and values[order[last + 1]] == values[order[first]]:
            last += 1
        for place in order[first : last + 1]:
            found[place] = (first + last) / 2
        first = last + 1
    return found


def correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Spearman's correlation."""
    a, b = ranks(first), ranks(second)
    middle = (len(a) - 1) / 2
    product = sum((x - middle) * (y - middle) for x, y in zip(a, b, strict=True))
    size = math.sqrt(sum((x - middle) ** 2 for x in a) * sum((y - middle) ** 2 for y in b))
    return product / size if size else 0.0


def histogram(values: Iterable[float], low: float, high: float, bins: int) -> list[int]:
    """Count values in equal bins; those outside belong to the outermost."""
    counts = [0] * bins
    scale = bins / max(high - low, 1e-9)
    for value in values:
        place = int((value - low) * scale)
        counts[min(max(place, 0), bins - 1)] += 1
    return counts


def entropy(counts: Sequence[int]) -> float:
    """Return the entropy of counts, in bits."""
    total = sum(counts)
    return -sum(count / total * math.log2(count / total) for count in counts if count)


def summarise(values: Sequence[float]) -> Summary:
    """Describe a column."""
    count, centre, variance = moments(values)
    ordered = sorted(values)
    low, high = bootstrap(values, 12, count)
    return Summary(
        count, centre, math.sqrt(variance), quantile(ordered, 0.5), absolute_deviation(ordered), low, high
    )
