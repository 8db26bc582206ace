"""Changes in one line: a test names only what it is about."""

from typing import Any

from machmeter.results.change import Change, identifier
from machmeter.results.confirmations import Confirmation
from machmeter.results.history import SeriesName

SERIES = SeriesName("epyc-2c-24g-3fa91c2e", "py3.11", "loaders.time_epoch", ("'blosc'", "4"))
ORDINARY: dict[str, Any] = {
    "param_names": ("strategy", "workers"),
    "unit": "seconds",
    "kind": "regression",
    "index": 20,
    "base": "a" * 40,
    "head": "b" * 40,
    "earliest": "a" * 40,
    "latest": "b" * 40,
    "date": "2026-03-01T08:00:00+00:00",
    "before": 0.05,
    "after": 0.0562,
    "ratio": 1.124,
    "low": 1.11,
    "high": 1.137,
    "p_value": 1e-9,
    "standing": "stands",
    "recovered_in": None,
    "causes": (),
    "answer": None,
}


def make_change(series: SeriesName = SERIES, **changes: Any) -> Change:
    """Make a regression of 12.4% that stands, with the given differences."""
    fields = ORDINARY | changes
    return Change(identifier=identifier(series, fields["base"], fields["head"]), series=series, **fields)


def make_answer(verdict: str, ratio: float | None = 1.12) -> Confirmation:
    """Make the gate's answer to the ordinary change."""
    commits = (ORDINARY["base"], ORDINARY["head"])
    return Confirmation(
        "0123456789",
        *commits,
        verdict=verdict,
        ratio=ratio,
        low=ratio,
        high=ratio,
        pairs=12,
        tag=SERIES.machine,
        node="node01",
        measured_at="2026-03-02T08:00:00+00:00",
        alpha=0.01,
        threshold=0.01,
    )
