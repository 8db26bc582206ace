import pytest

from machmeter.machine.threads import VARIABLES, thread_settings


def test_only_what_is_set() -> None:
    """Variables that are set are given in alphabetical order, others of the environment are not."""
    environ = {"OMP_NUM_THREADS": "4", "MKL_NUM_THREADS": " 2 ", "HOME": "/home/somebody", "OMP_PLACES": ""}
    assert thread_settings(environ) == {"MKL_NUM_THREADS": "2", "OMP_NUM_THREADS": "4"}


@pytest.mark.parametrize("value", ["4\n4", "x" * 300, "\x00"])
def test_garbled_value_is_unknown(value: str) -> None:
    """A value that nobody could read is on record as unknown: it is set."""
    assert thread_settings({"OMP_NUM_THREADS": value}) == {"OMP_NUM_THREADS": "unknown"}


def test_nothing_set() -> None:
    """Without any of them there is nothing to say."""
    assert thread_settings({}) == {}


def test_variables_are_listed_once_in_order() -> None:
    """The list is alphabetical, so that a new variable has one place."""
    assert list(VARIABLES) == sorted(set(VARIABLES))
