"""`asv compare` in a suite with the plugin: like with like, or an error, or a note."""

from pathlib import Path

import pytest
from toy import Suite, toy_source

from machmeter.machine import sources
from machmeter.machine.fingerprint import fingerprint

pytestmark = pytest.mark.system


@pytest.fixture
def two_commits(suite: Suite) -> tuple[Suite, str, str]:
    """Two commits, the first one measured here."""
    first = suite.git("rev-parse", "HEAD")
    second = suite.commit("second", {"toy.py": toy_source(2)})
    suite.asv("run", "HEAD~1^!", "--quick", "--bench", "track_value", "--bench", "time_spin")
    return suite, first, second


def test_commits_of_two_machines_are_not_compared(
    two_commits: tuple[Suite, str, str], tmp_path: Path
) -> None:
    """The second commit was measured elsewhere: both tags are named, and there is no number."""
    suite, first, second = two_commits
    here = sources.collect()
    other = here.changed({"lscpu": (here["lscpu"] or "").replace('"CPU family:"', '"CPU kindred:"')})
    record = tmp_path / "other.json"
    record.write_text(other.to_json("this machine, pretending"))
    suite.asv("run", "HEAD^!", "--quick", "--bench", "track_value", MACHMETER_FACTS_FILE=str(record))
    output = suite.asv("compare", first, second, expect=1)
    assert f"Refusing to compare {first[:8]} ({fingerprint().tag})" in output
    assert f"{second[:8]} ({fingerprint(other).tag})" in output
    assert "Traceback" not in output


def test_other_thread_settings_are_noted_beside_the_numbers(two_commits: tuple[Suite, str, str]) -> None:
    """The table is shown, with a sentence that says what differed."""
    suite, first, second = two_commits
    suite.asv(
        "run", "HEAD^!", "--quick", "--bench", "track_value", "--bench", "time_spin", OMP_NUM_THREADS="3"
    )
    output = suite.asv("compare", first, second)
    assert "Different threads: OMP_NUM_THREADS not set and 3" in output
    assert "track_value" in output


def test_the_same_conditions_are_compared_without_a_note(two_commits: tuple[Suite, str, str]) -> None:
    """Nothing stands above the table."""
    suite, first, second = two_commits
    suite.asv("run", "HEAD^!", "--quick", "--bench", "track_value", "--bench", "time_spin")
    output = suite.asv("compare", first, second)
    assert "Different" not in output
    assert "track_value" in output
