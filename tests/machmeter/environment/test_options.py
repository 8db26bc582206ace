from pathlib import Path

import pytest

from machmeter.environment.options import Options
from machmeter.errors import ConfigurationError


def test_nothing_said_means_the_defaults(tmp_path: Path) -> None:
    """A suite that only adds the two lines has no constraints, and its project's dependencies."""
    assert Options.parse(None, tmp_path) == Options(constraints=(), dependencies=True)


def test_constraint_files_are_relative_to_the_configuration(tmp_path: Path) -> None:
    """One name or a list of names, made absolute."""
    (tmp_path / "c.txt").write_text("")
    expected = Options(constraints=((tmp_path / "c.txt").resolve(),))
    assert Options.parse({"constraints": "c.txt"}, tmp_path) == expected
    assert Options.parse({"constraints": ["c.txt"]}, tmp_path) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "is not an object"),
        ({"constrain": []}, "unknown option 'constrain'"),
        ({"constraints": 3}, "has constraints 3"),
        ({"constraints": ["no.txt"]}, "no.txt, which does not exist"),
        ({"dependencies": 1}, "has dependencies 1"),
    ],
)
def test_anything_else_is_named(given: object, said: str, tmp_path: Path) -> None:
    """The message holds what was said and what can be said."""
    with pytest.raises(ConfigurationError, match=said):
        Options.parse(given, tmp_path)
