"""How changes are spelled for people, wherever they are shown."""

from typing import Final

from machmeter.report import labels
from machmeter.results.change import RECOVERED, SUSPECTED, Change

#: Above this ratio a factor reads better than a percentage.
_FACTOR: Final = 3.0

_BINARY: Final = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B"))


def size(change: Change) -> str:
    """Spell how much changed: "+12.4%", or "4.05x" where a percentage would be hard to read."""
    if change.ratio is None:
        return f"{level(change.before, change.unit)} to {level(change.after, change.unit)}"
    return _relative(change.ratio, change.ratio)


def interval(change: Change) -> str:
    """Spell the interval of 95%; empty where there is none."""
    if change.ratio is None or change.low is None or change.high is None:
        return ""
    low, high = _relative(change.low, change.ratio), _relative(change.high, change.ratio)
    return f"{low.removesuffix('%')} to {high}"


def level(value: float, unit: str) -> str:
    """Spell a level in its unit."""
    if unit == "seconds" and value > 0:
        return labels.seconds(value)
    if unit == "bytes" and value >= 1:
        factor, name = next(known for known in _BINARY if value >= known[0])
        return f"{value / factor:.4g} {name}"
    return f"{value:.4g} {unit}".strip()


def commits(change: Change) -> str:
    """Spell the commits around a change as git does: the last before it, the first after it."""
    return f"{labels.short_commit(change.base)}..{labels.short_commit(change.head)}"


def possible_commits(change: Change) -> str:
    """Spell where else the change may have happened; empty if nowhere else."""
    if (change.earliest, change.latest) == (change.base, change.head):
        return ""
    return f"{labels.short_commit(change.earliest)}..{labels.short_commit(change.latest)}"


def standing(change: Change) -> str:
    """Spell what became of a change."""
    if change.standing == RECOVERED and change.recovered_in:
        return f"recovered in {labels.short_commit(change.recovered_in)}"
    return change.standing


def status(change: Change) -> str:
    """Spell what is known, with the gate's own figures where it was asked."""
    answer = change.answer
    if answer is None:
        return SUSPECTED
    ratio = "" if answer.ratio is None else f" {_relative(answer.ratio, answer.ratio)}"
    return f"{change.status} ({answer.verdict}{ratio}, {answer.pairs} pairs)"


def params(change: Change) -> str:
    """Spell the parameters with their names."""
    return labels.parameters(change.series.params, change.param_names)


def date(change: Change) -> str:
    """Spell the day."""
    return change.date[:10]


def _relative(value: float, leading: float) -> str:
    """Spell a ratio; `leading` decides how, so that a size and its interval are spelled alike."""
    if leading >= _FACTOR:
        return f"{value:.3g}x"
    percent = (value - 1) * 100
    return f"{percent:+.1f}%" if abs(leading - 1) < 1 else f"{percent:+.0f}%"
