"""How the profiles of a flame graph were taken, one column a side."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from machmeter.profiles import ProfileFacts
from machmeter.report import labels
from machmeter.report.culprit_text import duration
from machmeter.report.frame_names import shown
from machmeter.report.markup import Markup, element

#: Different values of one fact, and versions that differ, of which more are only counted.
MOST_VALUES: Final = 4
MOST_VERSIONS: Final = 40

_LONGEST_VALUE: Final = 80

CLOCKS: Final = {"cpu": "CPU time", "wall": "wall time"}

_Side = Sequence[ProfileFacts]


def table(sides: Mapping[str, _Side]) -> Markup:
    """Lay out the facts.

    Parameters
    ----------
    sides : mapping of str to sequence of ProfileFacts
        By their headings; versions are compared where there are two.
    """
    rows = {
        **{name: [spell(side) for side in sides.values()] for name, spell in _FACTS.items()},
        **_versions(list(sides.values())),
    }
    head = element("tr", *(element("th", title, scope="col") for title in ("", *sides)))
    body = [
        element("tr", element("th", name, scope="row"), *(element("td", value) for value in values))
        for name, values in rows.items()
    ]
    return element("table", element("thead", head), element("tbody", *body), class_="facts")


def _versions(sides: Sequence[_Side]) -> dict[str, list[str]]:
    """List the distributions whose versions differ between the sides."""
    if len(sides) < 2:  # noqa: PLR2004 (two sides)
        return {}
    names = sorted({name for side in sides for facts in side for name in facts.versions})
    rows = {
        name: [_each(facts.versions.get(name, "none") for facts in side) for side in sides] for name in names
    }
    differing = {shown(name, _LONGEST_VALUE): told for name, told in rows.items() if len(set(told)) > 1}
    first = dict(list(differing.items())[:MOST_VERSIONS])
    rest = len(differing) - len(first)
    return first | ({"more versions that differ": [str(rest)] * len(sides)} if rest else {})


def _each(values: Iterable[str]) -> str:
    """List different values once each."""
    found = list(dict.fromkeys(values))
    told = ", ".join(shown(value, _LONGEST_VALUE) for value in found[:MOST_VALUES] if value)
    more = f" and {len(found) - MOST_VALUES} more" if len(found) > MOST_VALUES else ""
    return f"{told}{more}" or labels.NOTHING


def _total(name: str) -> Callable[[_Side], float]:
    return lambda side: sum(getattr(facts, name) for facts in side)


def _count(name: str) -> Callable[[_Side], str]:
    return lambda side: f"{_total(name)(side):,}"


def _spent(name: str) -> Callable[[_Side], str]:
    """Spell seconds of all profiles together, and of one iteration."""

    def spell(side: _Side) -> str:
        seconds, iterations = _total(name)(side), _total("iterations")(side)
        each = f", {duration(seconds / iterations)} an iteration" if iterations else ""
        return f"{duration(seconds)}{each}"

    return spell


def _share(part: str, of: str, *, growth: bool = False) -> Callable[[_Side], str]:
    """Spell what one sum is of another, or by how much it is larger."""

    def spell(side: _Side) -> str:
        total = _total(of)(side)
        if total <= 0:
            return labels.NOTHING
        share = _total(part)(side) / total
        return f"{share - 1:+.1%}" if growth else f"{share:.1%}"

    return spell


def _text(name: str) -> Callable[[_Side], str]:
    return lambda side: _each(str(getattr(facts, name)) for facts in side)


def _taken(side: _Side) -> str:
    moments = sorted(labels.moment(facts.started_at) for facts in side)
    return _each(dict.fromkeys([*moments[:1], *moments[-1:]]))


_FACTS: Final[Mapping[str, Callable[[_Side], str]]] = {
    "commit": lambda side: _each(labels.short_commit(facts.commit) for facts in side),
    "profiles": lambda side: str(len(side)),
    "iterations": _count("iterations"),
    "clock": lambda side: _each(CLOCKS.get(facts.clock, facts.clock) for facts in side),
    "stacks that were read": _count("samples"),
    "stacks that could not be read": _count("errors"),
    "samples a second": _text("rate_hz"),
    "wall time": _spent("wall_s"),
    "CPU time": _spent("cpu_s"),
    "waiting for a core, of the wall time": _share("run_delay_s", "wall_s"),
    "CPU time of others, of the wall time": _share("others_cpu_s", "wall_s"),
    "slower by being watched": _share("wall_s", "plain_wall_s", growth=True),
    "sampling late by at most": lambda side: duration(max((facts.late_s for facts in side), default=0.0)),
    "digest of the work": lambda side: _each(facts.work or "none" for facts in side),
    "options": lambda side: _each(", ".join(facts.options) or "none" for facts in side),
    "machine": _text("tag"),
    "node": _text("node"),
    "environment": _text("environment"),
    "taken (UTC)": _taken,
}
