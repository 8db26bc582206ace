import json
from typing import Any

from changes_made import make_answer, make_change

from machmeter.pairs import Comparison
from machmeter.report import confirmation_text


def told(verdict: str, ratio: float = 1.12, **changes: Any) -> str:
    return "\n".join(confirmation_text.sentences(make_change(answer=make_answer(verdict, ratio), **changes)))


def test_a_slower_head_confirms_a_regression() -> None:
    """The history's figures, the gate's, and how to find the commit."""
    text = told("slower")
    assert "history +12.4% (+11.0 to +13.7%); confirmed (slower +12.0%, 12 pairs)" in text.replace(
        "+11.1", "+11.0"
    )
    assert "machmeter bisect aaaaaaaa bbbbbbbb -b" in text


def test_no_difference_refutes_it_and_points_at_other_causes() -> None:
    """What else changed then is the better suspect."""
    text = told("unchanged", 1.001, causes=("kernel from 6.1 to 6.2",))
    assert "refuted" in text
    assert "What else changed then: kernel from 6.1 to 6.2." in text
    assert "bisect" not in text


def test_an_open_answer_leaves_it_suspected() -> None:
    """Neither confirmed nor refuted."""
    assert "suspected (inconclusive" in told("inconclusive")


def test_json_holds_the_change_and_the_comparison() -> None:
    """With the status, for programs."""
    comparison = Comparison("x", "a", "b", "tag", "node", "now", 0.01, 0.01, 40.0, "py3.11", {})
    found = json.loads(confirmation_text.to_json(comparison, make_change(answer=make_answer("slower"))))
    assert (found["change"]["status"], found["change"]["answer"]["verdict"]) == ("confirmed", "slower")
    assert found["comparison"]["tag"] == "tag"
