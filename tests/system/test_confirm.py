"""A real confirmation of changes in a history that was made up around two real commits."""

import json
from pathlib import Path

import pytest
from asv_results import row, steps, write_result
from commands import machmeter, machmeter_json
from toy import Suite

from machmeter.machine.fingerprint import fingerprint

pytestmark = pytest.mark.system

BENCHMARKS = """\
import toy


def time_slower():
    for i in range(toy.UNITS):
        i * i % 7


def time_same():
    for i in range(10_000):
        i * i % 7
"""


@pytest.fixture
def identifiers(suite: Suite) -> dict[str, str]:
    """Both benchmarks have a step of 20% between the two commits, by the history alone."""
    base = suite.commit("base", {"toy.py": "UNITS = 10_000\n", "benchmarks/bench.py": BENCHMARKS})
    head = suite.commit("head", {"toy.py": "UNITS = 12_000\n"})
    for number, value in enumerate(steps(1.0, 1.2)):
        real = {19: {"commit_hash": base}, 20: {"commit_hash": head}}.get(number, {})
        both = {"bench.time_slower": row([value]), "bench.time_same": row([value])}
        write_result(suite.folder / "results", number, both, machine=fingerprint().tag, **real)
    return statuses(suite, "id")


def statuses(suite: Suite, key: str) -> dict[str, str]:
    """What "machmeter changes" says of each benchmark's change."""
    lines = machmeter(suite, "changes", "--json", expect=0).splitlines()
    return {row["benchmark"]: row[key] for row in map(json.loads, lines)}


def test_a_real_change_is_confirmed_and_an_unreal_one_refuted(
    suite: Suite, identifiers: dict[str, str]
) -> None:
    """Exit code 1 and 0; "machmeter changes" knows both answers afterwards."""
    found = machmeter_json(suite, "confirm", identifiers["bench.time_slower"][:6], expect=1)
    assert found["change"]["status"] == "confirmed"
    assert [each["benchmark"] for each in found["comparison"]["verdicts"]] == ["bench.time_slower"]
    arguments = (identifiers["bench.time_same"], "--threshold", "5%", "--format", "markdown")
    assert "refuted" in machmeter(suite, "confirm", *arguments, expect=0)
    assert statuses(suite, "status") == {"bench.time_slower": "confirmed", "bench.time_same": "refuted"}
    answers = Path(suite.folder / "results.machmeter" / "confirmations")
    assert len(list(answers.iterdir())) == 2
