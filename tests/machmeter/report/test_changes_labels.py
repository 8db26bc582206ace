import pytest
from changes_made import make_answer, make_change

from machmeter.report import changes_labels


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(1.124, "+12.4%"), (0.9, "-10.0%"), (1.0004, "+0.0%"), (2.5, "+150%"), (4.05, "4.05x"), (120.0, "120x")],
)
def test_a_size_is_a_percentage_or_a_factor(ratio: float, shown: str) -> None:
    """A factor where a percentage would be hard to read."""
    assert changes_labels.size(make_change(ratio=ratio)) == shown


def test_an_interval_is_spelled_as_its_size() -> None:
    """Percentages with percentages, factors with factors."""
    assert changes_labels.interval(make_change()) == "+11.0 to +13.7%"
    assert changes_labels.interval(make_change(ratio=4.0, low=2.5, high=5.0)) == "2.5x to 5x"


def test_without_a_ratio_the_levels_are_shown() -> None:
    """From nothing to something has no percentage."""
    change = make_change(ratio=None, low=None, high=None, before=0.0, after=5.0, unit="errors")
    assert (changes_labels.size(change), changes_labels.interval(change)) == ("0 errors to 5 errors", "")


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.0123, "seconds", "12.3 ms"),
        (0.0, "seconds", "0 seconds"),
        (3 * 2**20, "bytes", "3 MiB"),
        (0.5, "bytes", "0.5 bytes"),
        (1200.0, "img/s", "1200 img/s"),
        (-2.0, "", "-2"),
    ],
)
def test_levels_have_their_unit(value: float, unit: str, shown: str) -> None:
    """Whatever the unit is."""
    assert changes_labels.level(value, unit) == shown


def test_other_possible_commits_are_named_only_if_there_are_any() -> None:
    """The last good commit may be earlier, the first bad one later."""
    assert changes_labels.possible_commits(make_change()) == ""
    assert changes_labels.possible_commits(make_change(latest="c" * 40)) == "aaaaaaaa..cccccccc"


def test_what_became_of_it_and_what_is_known() -> None:
    """A recovery names its commit, an answer its figures."""
    assert changes_labels.standing(make_change()) == "stands"
    recovered = make_change(standing="recovered", recovered_in="d" * 40)
    assert changes_labels.standing(recovered) == "recovered in dddddddd"
    assert changes_labels.status(make_change()) == "suspected"
    assert (
        changes_labels.status(make_change(answer=make_answer("slower")))
        == "confirmed (slower +12.0%, 12 pairs)"
    )
    assert (
        changes_labels.status(make_change(answer=make_answer("failed", None)))
        == "suspected (failed, 12 pairs)"
    )
