"""How values, names and remarks are spelled for people."""

from collections.abc import Sequence
from typing import Final

from machmeter.model import Event
from machmeter.report.estimate import Estimate
from machmeter.report.summary import Row

#: A missing value.
NOTHING: Final = "-"

_SECONDS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_THOUSANDS: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_SHORT_COMMIT: Final = 8


def seconds(value: float) -> str:
    """Spell a duration in s, ms, µs or ns with three significant digits."""
    size, unit = next((known for known in _SECONDS if value >= known[0] * 0.9995), _SECONDS[-1])
    return f"{_three_digits(value / size)} {unit}"


def rate(value: float | None, unit: str = "") -> str:
    """Spell a rate per second with three significant digits and k, M, G or T."""
    if value is None:
        return NOTHING
    size, prefix = next((known for known in _THOUSANDS if value >= known[0] * 0.9995), _THOUSANDS[-1])
    return f"{_three_digits(value / size)} {prefix}{unit}".strip()


def surroundings(estimate: Estimate) -> str:
    """Spell the interval of an estimate; a mere range says so."""
    kind = "" if estimate.is_interval else "min-max "
    return f"{kind}{seconds(estimate.low)} to {seconds(estimate.high)}"


def parameters(values: Sequence[str], names: Sequence[str] = ()) -> str:
    """Spell parameters as ``name=value``, or the values alone when the names do not fit."""
    if len(names) != len(values):
        return ", ".join(values)
    return ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))


def short_commit(commit: str) -> str:
    """Shorten a commit's hash; a sample without one says so."""
    return commit[:_SHORT_COMMIT] or "(none)"


def moment(started_at: str) -> str:
    """Shorten an ISO 8601 time to the minute; UTC stands in the heading."""
    return started_at[:16].replace("T", " ")


def marks(row: Row) -> list[str]:
    """Name everything that a reader of a row's figures must know."""
    found = {
        "works differ": row.works_differ,
        "work changed": row.work_changed,
        "conditions differ": len(row.conditions) > 1,
        "conditions changed": row.conditions_changed,
        "all contended": row.decided_by_contended,
        f"contended {row.contended}/{row.samples}": row.contended and not row.decided_by_contended,
        f"unhealthy node {row.unhealthy}/{row.samples}": row.unhealthy,
        "min-max": not row.wall.is_interval,
    }
    return [mark for mark, holds in found.items() if holds]


def changes(event: Event) -> str:
    """Spell what an event changed."""
    pairs = event.changes.items()
    return "; ".join(f"{name.replace('_', ' ')} from {before} to {after}" for name, (before, after) in pairs)


def printable(text: str) -> str:
    """Replace whatever a terminal would obey instead of showing."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _three_digits(value: float) -> str:
    # Whole digits are kept: "1234" and not "1.23e+03".
    return f"{value:.0f}" if value >= 99.95 else f"{value:#.3g}"  # noqa: PLR2004 (rounds to three digits)
