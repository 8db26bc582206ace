"""What a confirmation says about a change: a few sentences, and JSON."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import asdict

from machmeter.pairs import Comparison
from machmeter.report import changes_labels, changes_text
from machmeter.report.labels import printable, short_commit
from machmeter.results import choice
from machmeter.results.change import CONFIRMED, REFUTED, Change

_MEANINGS = {
    CONFIRMED: "The two commits differ on this hardware.",
    REFUTED: "The two commits do not differ like that: something else made the history step.",
}


def sentences(change: Change) -> Iterator[str]:
    """Say what became of the suspicion and what to do next.

    Parameters
    ----------
    change : Change
        With its answer.
    """
    size, interval = changes_labels.size(change), changes_labels.interval(change)
    was = f"{size} ({interval})" if interval else size
    yield f"{change.identifier}: history {was}; {changes_labels.status(change)}."
    if change.status in _MEANINGS:
        yield _MEANINGS[change.status]
    if change.status != CONFIRMED and change.causes:
        yield f"What else changed then: {'; '.join(printable(cause) for cause in change.causes)}."
    if change.status == CONFIRMED and change.answer is not None and change.answer.verdict == "slower":
        yield f"If several commits lie between: {_bisect(change)}"


def _bisect(change: Change) -> str:
    name = choice.spelled(change.series.benchmark, change.series.params)
    pattern = shlex.quote(f"^{re.escape(name)}$")
    return printable(
        f"machmeter bisect {short_commit(change.earliest)} {short_commit(change.latest)} -b {pattern}"
    )


def to_json(comparison: Comparison, change: Change) -> str:
    """Spell the change with its answer and status, and the comparison as the gate prints it."""
    told = {"change": changes_text.record(change), "comparison": asdict(comparison)}
    return json.dumps(told, indent=1) + "\n"
