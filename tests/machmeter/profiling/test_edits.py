"""Which functions of two sources do something else."""

import textwrap

import pytest

from machmeter.profiling.edits import Edits

BASE = '''
import numpy as np

LIMIT = 3


class Ring:
    """A ring."""

    size: int = 4

    def decode(self, block, scale=1.0):
        """Decode."""
        value = block * scale
        return [value + each for each in range(3)]


def outer(n):
    def inner(k):
        return k + n
    return inner(1)
'''


def edits(old: str, new: str) -> Edits:
    return Edits.between({"src/pkg/rings.py": (old, new)})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Decode."""', '"""Decode a block into three values."""'),
        ("value = block * scale\n", "# a comment\n        value = (block * scale)\n"),
        ("block, scale=1.0):", "block: bytes, scale: float = 1.0) -> list[float]:"),
        ("value", "product"),
        ("size: int = 4", "size: float = 4"),
    ],
    ids=["docstring", "comment", "annotation", "renamed local", "annotated field"],
)
def test_what_does_not_run_is_no_edit(old: str, new: str) -> None:
    """Only what the interpreter does counts."""
    assert not edits(BASE, BASE.replace(old, new)).known


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("block * scale", "block * scale * 1.0", "pkg.rings:Ring.decode"),
        ("scale=1.0", "scale=2.0", "pkg.rings:Ring.decode"),
        ("    def decode", "    @functools.cache\n    def decode", "pkg.rings:Ring.decode"),
        ("k + n", "n + k", "pkg.rings:outer.<locals>.inner"),
        ("return inner(1)", "return inner(2)", "pkg.rings:outer"),
        ("LIMIT = 3", "LIMIT = 4", "pkg.rings:<module>"),
        ("size: int = 4", "size: int = 5", "pkg.rings:<module>"),
        ("value = block * scale", "scale = block * scale", "pkg.rings:Ring.decode"),
    ],
)
def test_what_runs_is_an_edit_of_one_function(old: str, new: str, name: str) -> None:
    """Of the function that holds it, and of no other one."""
    found = edits(BASE, BASE.replace(old, new))
    assert found.of(name) == "changed"
    assert len(found.changed) + len(found.added) + len(found.removed) == 1


def test_added_and_removed_functions() -> None:
    """Each side's own ones; who defines them has changed as well."""
    found = edits(BASE, BASE + "\n\ndef more():\n    return 1\n")
    assert (found.of("pkg.rings:more"), found.removed) == ("added", frozenset())
    assert edits(BASE + "\n\ndef more():\n    return 1\n", BASE).of("pkg.rings:more") == "removed"


def test_renamed_arguments_are_an_edit() -> None:
    """Callers may pass them by name."""
    assert edits(BASE, BASE.replace("block", "piece")).of("pkg.rings:Ring.decode") == "changed"


def test_names_of_closures_are_kept() -> None:
    """What an inner function reads must not be renamed behind its back."""
    old = "def f():\n    a, b = 1, 2\n    def g():\n        return a\n    return g() + b\n"
    assert edits(old, old.replace("a, b", "b, a")).of("pkg.rings:f") == "changed"


@pytest.mark.parametrize("text", ["def f(:\n", "\x00", "("])
def test_sources_that_do_not_parse_are_named(text: str) -> None:
    """They say nothing about what was edited."""
    found = edits(BASE, text)
    assert (found.unknown, found.known) == (("src/pkg/rings.py",), False)


def test_new_and_deleted_files() -> None:
    """All of their functions were added or removed."""
    source = textwrap.dedent("def f():\n    return 1\n")
    assert Edits.between({"a/b.py": (None, source)}).of("b:f") == "added"
    assert Edits.between({"a/b/__init__.py": (source, None)}).of("a.b:f") == "removed"


def test_another_module_of_the_same_name_is_another_one() -> None:
    """A name fits from its package on."""
    found = edits(BASE, BASE.replace("block * scale", "block"))
    assert found.of("ings:Ring.decode") == ""
    assert found.of("other.pkg.rings:Ring.decode") == ""
