"""How long is profiled, by which clock, and what stored profiles say."""

from pathlib import Path

import pytest
from profiles_of import drawn

from machmeter.errors import ProfileRefusedError
from machmeter.gate import stored
from machmeter.gate.explain import clock_of, seconds_for
from machmeter.machine.fingerprint import fingerprint
from machmeter.pairs import Verdict
from machmeter.results import profiles

BASE, HEAD = "a" * 40, "b" * 40
COSTS = {"pkg.a:run": 0.5, "pkg.a:run>pkg.a:load": 0.5}
SLOWER = {"pkg.a:run": 0.5, "pkg.a:run>pkg.a:load": 0.8}


def verdict(ratio: float | None, clock: str = "cpu") -> Verdict:
    return Verdict("suite.time_load", (), "slower", clock=clock, ratio=ratio)


@pytest.mark.parametrize(
    ("ratio", "seconds"), [(1.3, 6.0), (1.07, 19.2), (1.02, 20.0), (None, 20.0), (0.7, 6.0)]
)
def test_small_changes_are_profiled_longer(ratio: float | None, seconds: float) -> None:
    """Within what the user allows."""
    assert seconds_for(verdict(ratio), 20.0, 100) == pytest.approx(seconds, abs=0.1)


def test_the_clock_is_the_verdicts() -> None:
    """What waits is looked at while it waits; a number is no time."""
    assert [clock_of(verdict(1.1, clock)) for clock in ("cpu", "wall", "gpu")] == ["cpu", "wall", "wall"]
    with pytest.raises(ProfileRefusedError):
        clock_of(verdict(1.1, "value"))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Profiles of two commits on this machine."""
    folder = tmp_path / "results"
    for commit, costs in ((BASE, COSTS), (HEAD, SLOWER)):
        for number in range(6):
            facts = {
                "commit": commit,
                "tag": fingerprint().tag,
                "started_at": f"2026-01-0{number + 1}T00:00:00+00:00",
                "cpu_s": sum(costs.values()) * (1 + 0.01 * (number % 3)),
            }
            profiles.save(folder, drawn(costs, seed=number, profiles=1, samples=300, **facts))
    return folder


def test_what_is_on_record_is_subtracted(results: Path, tmp_path: Path) -> None:
    """Nothing is measured: the ratio is that of the profiles."""
    (found,) = stored.differences(results, tmp_path, BASE, HEAD, "time_load")
    assert found.ratio == pytest.approx(1.3, rel=0.02)
    assert found.culprit is not None
    assert found.culprit.name == "pkg.a:load"


@pytest.mark.parametrize(("base", "pattern"), [("c" * 40, "time_load"), (BASE, "no_such")])
def test_without_profiles_of_both_it_says_how_to_take_them(
    results: Path, tmp_path: Path, base: str, pattern: str
) -> None:
    """The next command is named."""
    with pytest.raises(ProfileRefusedError, match="machmeter flame"):
        list(stored.differences(results, tmp_path, base, HEAD, pattern))
