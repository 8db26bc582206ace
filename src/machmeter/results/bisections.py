"""What a bisection found: frozen values, and the file that keeps them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from machmeter.files import write_text
from machmeter.results.layout import companion_dir

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Commit:
    """What the repository knows of a commit.

    Parameters
    ----------
    commit : str
        Full hash.
    author, date, subject : str
        Name, ISO 8601, first line of the message; others' words, as they are.
    """

    commit: str
    author: str = ""
    date: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Visited:
    """A commit that was compared with the good one, or could not be.

    Parameters
    ----------
    position : int
        In the range, 1 for the first commit after the good one.
    commit : str
        Full hash.
    word : str
        "slow" as the bad commit, "fast" as the good one, "between", "unsettled" or "skipped".
    ratio, low, high : float or None
        Cost relative to the good commit with its interval of 95%, below 6 pairs the range of the pairs.
    pairs : int
        Pairs of processes.
    reason : str
        Why it was skipped.
    """

    position: int
    commit: str
    word: str
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    pairs: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FoundStep:
    """Where the cost steps up.

    Parameters
    ----------
    commits : tuple of Commit
        The first slow commit; several where those between could not be measured or time was over.
    probability : float
        That the step is there.
    ratio, low, high : float
        Cost after it over cost before it, with an interval of 95%.
    share : float
        Part of the whole slowdown, as logarithms.
    """

    commits: tuple[Commit, ...]
    probability: float
    ratio: float
    low: float
    high: float
    share: float


@dataclass(frozen=True, slots=True)
class Bisection:
    """A whole search.

    Parameters
    ----------
    good, bad : str
        Full hashes.
    benchmark, params : str, tuple of str
        As in a `Verdict`.
    tag, node, started_at, environment : str
        As in a `Comparison`.
    threshold, alpha : float
        Of the confirmation.
    commits : int
        In the range, without the good one.
    word : str
        Of the confirmation; there are steps only if it is "slower".
    ratio, low, high : float or None
        Cost of bad over cost of good, with its interval of 95%.
    clock : str or None
        What decided.
    confirming_pairs, pairs : int
        Pairs that showed that bad is slower, and pairs of the search.
    installed : int
        How often a commit was installed during the search.
    seconds : float
        Wall time of the search, installations included.
    steps : tuple of FoundStep
        The largest first.
    tested : tuple of Visited
        By position.
    ended : str
        Why the search ended before it was sure; empty if it was.
    """

    good: str
    bad: str
    benchmark: str
    params: tuple[str, ...]
    tag: str
    node: str
    started_at: str
    environment: str
    threshold: float
    alpha: float
    commits: int
    word: str
    ratio: float | None
    low: float | None
    high: float | None
    clock: str | None
    confirming_pairs: int
    pairs: int = 0
    installed: int = 0
    seconds: float = 0.0
    steps: tuple[FoundStep, ...] = ()
    tested: tuple[Visited, ...] = ()
    ended: str = ""


def write(results_dir: Path, name: str, found: Bisection) -> Path:
    """Keep what was found.

    Raises
    ------
    UnwritableError
        If the disk is full or the folder cannot be written.
    """
    path = companion_dir(results_dir) / "bisections" / f"{name}.json"
    write_text(path, to_json(found))
    return path


def to_json(found: Bisection) -> str:
    """Everything, as one JSON object."""
    return json.dumps({"schema": SCHEMA, **asdict(found)}, indent=1, allow_nan=False) + "\n"
