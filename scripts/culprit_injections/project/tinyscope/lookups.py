"""Tables that are made once, when the package is imported."""

import math
import re
from itertools import pairwise

Colour = tuple[int, ...]

_STOPS: dict[str, tuple[Colour, ...]] = {
    "grey": ((0, 0, 0), (255, 255, 255)),
    "fire": ((0, 0, 0), (180, 20, 0), (255, 200, 40), (255, 255, 255)),
    "ice": ((0, 0, 0), (0, 60, 160), (90, 200, 255), (255, 255, 255)),
    "green": ((0, 0, 0), (0, 255, 0)),
    "magenta": ((0, 0, 0), (255, 0, 255)),
}
_FIELDS = {
    "date": r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?:T(?P<hour>\d{2}):(?P<minute>\d{2}))?",
    "quantity": r"(?P<number>[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*(?P<unit>nm|um|mm|px|ms|s)",
    "number": r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?",
}


def _mix(low: Colour, high: Colour, weight: float) -> Colour:
    return tuple(round(a + (b - a) * weight) for a, b in zip(low, high, strict=True))


def _palette(stops: tuple[Colour, ...]) -> tuple[Colour, ...]:
    spans = list(pairwise(stops))
    colours = []
    for value in range(256):
        position = value / 255 * len(spans)
        span = min(int(position), len(spans) - 1)
        colours.append(_mix(*spans[span], position - span))
    return tuple(colours)


def _gamma(bits: int, exponent: float) -> tuple[int, ...]:
    top = (1 << bits) - 1
    return tuple(round(top * (value / top) ** exponent) for value in range(top + 1))


def _disc(radius: int) -> tuple[tuple[int, int], ...]:
    reach = range(-radius, radius + 1)
    inside = [(dy, dx) for dy in reach for dx in reach if math.hypot(dy, dx) <= radius]
    return tuple(sorted(inside, key=_squared))


def _squared(offset: tuple[int, int]) -> int:
    dy, dx = offset
    return dy * dy + dx * dx


def _patterns() -> dict[str, re.Pattern[str]]:
    return {name: re.compile(f"{pattern}$") for name, pattern in _FIELDS.items()}


def _scales() -> dict[str, float]:
    lengths = {prefix + "m": 10.0**power for prefix, power in (("n", -9), ("u", -6), ("m", -3))}
    times = {prefix + "s": 10.0**power for prefix, power in (("m", -3), ("", 0))}
    return lengths | times | {"px": 1.0}


#: 256 colours of each map.
PALETTES = {name: _palette(stops) for name, stops in _STOPS.items()}
#: Brightness of each of 4096 raw values.
GAMMA = {exponent: _gamma(12, exponent) for exponent in (0.5, 0.8)}
#: Offsets within each radius, nearest first.
DISCS = {radius: _disc(radius) for radius in range(1, 9)}
PATTERNS = _patterns()
SCALES = _scales()
