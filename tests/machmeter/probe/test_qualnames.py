from pathlib import Path

import pytest

from machmeter.probe.qualnames import Qualnames

SOURCE = """\
import functools


class Ring:
    size = [each for each in range(3)]

    @functools.cache
    def decode(self):
        def inner():
            return 1
        return [inner() for _ in range(3)]

    class Slot:
        def decode(self):
            return 2


if True:
    def decode():
        return (lambda: 3)()

rows = [decode() for _ in range(2)]
"""


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(SOURCE.splitlines(), 1) if text in line)


@pytest.mark.parametrize(
    ("name", "text", "qualname"),
    [
        ("decode", "return [inner", "Ring.decode"),
        ("decode", "@functools.cache", "Ring.decode"),
        ("inner", "return 1", "Ring.decode.<locals>.inner"),
        ("<listcomp>", "return [inner", "Ring.decode"),
        ("decode", "return 2", "Ring.Slot.decode"),
        ("decode", "lambda", "decode"),
        ("<lambda>", "lambda", "decode"),
        ("Ring", "size", "Ring"),
        ("<listcomp>", "rows", "<listcomp>"),
        ("<module>", "rows", "<module>"),
        ("Ring.decode", "rows", "Ring.decode"),
    ],
)
def test_a_line_and_a_name_tell_the_function(tmp_path: Path, name: str, text: str, qualname: str) -> None:
    """Methods, inner functions and expressions within them; a qualified name is one already."""
    file = tmp_path / "rings.py"
    file.write_text(SOURCE)
    assert Qualnames().of(name, str(file), line_of(text)) == qualname


@pytest.mark.parametrize("content", [None, b"def broken(", b"\xff\x00", b"x = 1\n"])
def test_where_the_source_does_not_tell_the_name_stays(tmp_path: Path, content: bytes | None) -> None:
    """A file that is gone, is no Python, or has no such function."""
    file = tmp_path / "odd.py"
    if content is not None:
        file.write_bytes(content)
    assert Qualnames().of("decode", str(file), 1) == "decode"
