"""Who is named, who is not, and why."""

from typing import Any

import pytest
from profiles_of import drawn, profile

from machmeter.errors import ForeignProfileError
from machmeter.profiles import Difference
from machmeter.profiling.difference import Evidence, Ratio, subtract
from machmeter.profiling.edits import Edits

BASE = {
    "pkg.a:run": 0.1,
    "pkg.a:run>pkg.a:load": 0.3,
    "pkg.a:run>pkg.a:norm>numpy:mean": 0.3,
    "pkg.a:run>pkg.b:save": 0.3,
}


def edited(*names: str) -> Edits:
    return Edits(changed=frozenset(names))


def difference(
    more: dict[str, float], *, seed: int = 0, evidence: Evidence | None = None, samples: int = 400
) -> Difference:
    """Subtract profiles of the base from those of a head that costs more on some paths."""
    head = {path: BASE.get(path, 0.0) + more.get(path, 0.0) for path in {**BASE, **more}}
    ratio = sum(head.values()) / sum(BASE.values())
    return subtract(
        drawn(BASE, seed=seed, samples=samples),
        drawn(head, seed=seed + 1, samples=samples, commit="b" * 40),
        Ratio(ratio, ratio - 0.005, ratio + 0.005, 0.01),
        evidence,
    )


def test_the_function_that_spends_more_is_named() -> None:
    """With what it adds, and an interval that holds it."""
    found = difference({"pkg.a:run>pkg.a:load": 0.2}).culprit
    assert found is not None
    assert found.name == "pkg.a:load"
    assert found.low < 0.2 < found.high


def test_time_in_libraries_belongs_to_who_called_them() -> None:
    """numpy got no slower; the project asks for more."""
    found = difference({"pkg.a:run>pkg.a:norm>numpy:mean": 0.2}).culprit
    assert found is not None
    assert found.name == "pkg.a:norm"


def test_an_edited_caller_that_asks_for_more_is_named() -> None:
    """The function that spends the time was not edited and is called more often."""
    calls = (("", "pkg.a:run", 1.0), ("pkg.a:run", "pkg.a:load", 1.0))
    more = (("", "pkg.a:run", 1.0), ("pkg.a:run", "pkg.a:load", 2.0))
    found = difference(
        {"pkg.a:run>pkg.a:load": 0.2}, evidence=Evidence(edited("pkg.a:run"), calls, more)
    ).culprit
    assert found is not None
    assert (found.name, found.via) == ("pkg.a:run", "pkg.a:load")


def test_an_unedited_function_called_as_often_is_not_accused() -> None:
    """Nor is its edited caller: what both work on may have changed elsewhere."""
    calls = (("", "pkg.a:run", 1.0), ("pkg.a:run", "pkg.a:load", 1.0))
    found = difference({"pkg.a:run>pkg.a:load": 0.2}, evidence=Evidence(edited("pkg.a:run"), calls, calls))
    assert found.culprit is None
    assert "pkg.a:load" in found.reason
    assert found.functions[0].name == "pkg.a:load"


def test_an_edit_elsewhere_is_not_accused() -> None:
    """Of two edited functions the one that got slower is named."""
    found = difference(
        {"pkg.a:run>pkg.a:load": 0.15}, evidence=Evidence(edited("pkg.a:load", "pkg.b:save"))
    ).culprit
    assert found is not None
    assert found.name == "pkg.a:load"


def test_two_equal_shares_name_nobody() -> None:
    """Half each: neither explains it."""
    found = difference({"pkg.a:run>pkg.a:load": 0.1, "pkg.a:run>pkg.b:save": 0.1}, samples=2000)
    assert found.culprit is None
    assert found.reason


def test_equal_commits_name_nobody() -> None:
    """There is nothing to explain, whatever the profiles happen to show."""
    base, head = drawn(BASE, seed=3), drawn(BASE, seed=4)
    found = subtract(base, head, Ratio(1.001, 0.996, 1.006, 0.01), Evidence(edited("pkg.a:load")))
    assert (found.culprit, found.reason) == (None, "there is no certain difference to explain")


def test_a_false_alarm_of_the_gate_rarely_names_somebody() -> None:
    """Equal code, but the gate said +2%: the profiles do not support it."""
    named = 0
    for seed in range(100):
        base, head = drawn(BASE, seed=seed), drawn(BASE, seed=5000 + seed)
        found = subtract(
            base, head, Ratio(1.02, 1.015, 1.025, 0.01), Evidence(edited("pkg.a:load", "pkg.b:save"))
        )
        named += found.culprit is not None
    assert named / 100 <= 0.1


def test_other_versions_and_other_results_are_said() -> None:
    """A library's release may be the whole difference."""
    base = drawn(BASE, seed=1, versions={"numpy": "1.26"}, work="x")
    head = drawn(BASE, seed=2, versions={"numpy": "2.4"}, work="y")
    notes = subtract(base, head, Ratio(1.1, 1.05, 1.15, 0.01)).notes
    assert notes == (
        "numpy differs: 1.26 at the base, 2.4 at the head",
        "the work changed: base and head computed different results",
    )


def test_an_added_function_has_that_status() -> None:
    """So has one that is gone."""
    found = difference(
        {"pkg.a:run>pkg.a:new": 0.3}, evidence=Evidence(Edits(added=frozenset({"src.pkg.a:new"})))
    )
    status = {each.name: each.status for each in found.functions}
    assert (status["pkg.a:new"], status["pkg.a:load"]) == ("added", "")
    assert found.culprit is not None


@pytest.mark.parametrize(
    "other", [{"tag": "elsewhere"}, {"benchmark": "other"}, {"params": ("1",)}, {"clock": "wall"}]
)
def test_foreign_profiles_are_never_subtracted(other: dict[str, Any]) -> None:
    """Another machine's, another benchmark's, another clock's."""
    mine, theirs = profile({("main", "pkg:f"): 50}), profile({("main", "pkg:f"): 50}, **other)
    with pytest.raises(ForeignProfileError):
        subtract([mine], [theirs], Ratio(1.1, 1.0, 1.2, 0.01))


def test_nodes_come_parents_first_and_hold_all_below_them() -> None:
    """The root of each role is the whole of it."""
    found = difference({"pkg.a:run>pkg.a:load": 0.2})
    seen: set[tuple[str, ...]] = set()
    for node in found.nodes:
        assert len(node.stack) == 1 or node.stack[:-1] in seen
        seen.add(node.stack)
    assert found.nodes[0].total.base_s == pytest.approx(0.01)
    assert found.nodes[0].total.delta_s == pytest.approx(0.002)
