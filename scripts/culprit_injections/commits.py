"""The files of each commit."""

from pathlib import Path
from random import Random

from .data import Decoy, Injection, apply
from .decoys import DECOYS

_PROJECT = Path(__file__).parent / "project"
_SHARED = 3
_OTHERS = 2

#: The files of the base commit by their paths.
BASE = {
    path.relative_to(_PROJECT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(_PROJECT.rglob("*"))
    if path.suffix in {".py", ".toml", ".json"}
}


def draw(injection: Injection) -> list[Decoy]:
    """Choose the decoys beside an injection, three of five in functions that its benchmark runs."""
    files = apply(BASE, injection.edits)
    possible = [decoy for decoy in DECOYS if _fits(decoy, injection, files)]
    random = Random(injection.identifier)  # noqa: S311 - the same each time
    shared = random.sample([decoy for decoy in possible if injection.benchmark in decoy.benchmarks], _SHARED)
    return shared + random.sample([decoy for decoy in possible if decoy not in shared], _OTHERS)


def head_files(injection: Injection) -> dict[str, str]:
    """Return the files of the commit that holds an injection and its decoys."""
    return apply(BASE, (*injection.edits, *(decoy.edit for decoy in draw(injection))))


def _fits(decoy: Decoy, injection: Injection, files: dict[str, str]) -> bool:
    """Whether a decoy edits none of the right answers, and finds its text after the injection."""
    return decoy.function not in injection.right and files[decoy.edit.file].count(decoy.edit.old) == 1
