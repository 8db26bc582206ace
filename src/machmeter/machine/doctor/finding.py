"""What the doctor found: the fact, why it matters, what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: A name of a process or user that is longer says nothing more.
_MOST_CHARACTERS: Final = 60


class Level(StrEnum):
    """How much a finding matters, the worst last."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    UNFIT = "unfit"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    check : str
        Name of the check, the same on every machine.
    level : Level
        ``unfit`` only for what makes timings meaningless now.
    found : str
        The fact, with its numbers.
    why : str
        Why it matters; empty if all is well.
    advice : str
        What to do or type next; empty if there is nothing to do.
    """

    check: str
    level: Level
    found: str
    why: str = ""
    advice: str = ""


def is_fit(findings: Iterable[Finding]) -> bool:
    """Whether timings taken now would mean something: no finding is ``unfit``."""
    return all(finding.level is not Level.UNFIT for finding in findings)


def ok(check: str, found: str) -> Finding:
    """Say that all is well."""
    return Finding(check, Level.OK, found)


def unknown(check: str, source: str) -> Finding:
    """Say that the machine does not tell."""
    return Finding(check, Level.NOTE, f"unknown, {source} says nothing (usual in virtual machines)")


def shown(text: str) -> str:
    """Make a text of somebody else safe to show: no control characters, no more than a line."""
    plain = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return plain if len(plain) <= _MOST_CHARACTERS else f"{plain[: _MOST_CHARACTERS - 1]}…"
