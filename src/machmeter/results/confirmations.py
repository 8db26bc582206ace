"""What the gate answered about a suspected change: one file an answer."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from machmeter.files import write_text
from machmeter.results import typed
from machmeter.results.layout import companion_dir

SCHEMA: Final = 1

_IDENTIFIER: Final = re.compile(r"[0-9a-f]{4,64}")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The verdict of the gate on the two commits of a change.

    Parameters
    ----------
    change : str
        Identifier of the change.
    base, head : str
        Full hashes of the commits that were measured.
    verdict : str
        As the gate says it: "slower", "faster", "unchanged", "inconclusive", "work changed" or "failed".
    ratio, low, high : float or None
        Head over base and its interval of 95%; None where nothing was measured.
    pairs : int
        Pairs of processes.
    tag, node, measured_at : str
        The hardware, the host, and when it answered: UTC, ISO 8601.
    alpha, threshold : float
        Of the gate: its error rate, and the relative difference that counts.
    cause : str
        Which function explains it, in a sentence; empty if nobody looked.
    page : str
        Name of the flame graph's file, if there is one.
    """

    change: str
    base: str
    head: str
    verdict: str
    ratio: float | None
    low: float | None
    high: float | None
    pairs: int
    tag: str
    node: str
    measured_at: str
    alpha: float
    threshold: float
    cause: str = ""
    page: str = ""

    @property
    def is_decisive(self) -> bool:
        """Whether it says that there is a difference, or that there is none."""
        return self.verdict in {"slower", "faster", "unchanged"}


def folder(results_dir: Path) -> Path:
    """Folder of all answers."""
    return companion_dir(results_dir) / "confirmations"


def write(results_dir: Path, answer: Confirmation) -> Path:
    """Keep an answer; earlier ones of the same change stay.

    Returns
    -------
    Path
        Its file.

    Raises
    ------
    UnwritableError
        If the folder cannot be written or the disk is full.
    ValueError
        If the change's identifier is none.
    """
    if not _IDENTIFIER.fullmatch(answer.change):
        msg = f"{answer.change!r} is no identifier of a change"
        raise ValueError(msg)
    moment = re.sub(r"[^0-9TZ]", "", answer.measured_at)
    node = hashlib.sha256(answer.node.encode(errors="replace")).hexdigest()[:4]
    path = folder(results_dir) / f"{answer.change}-{moment}-{node}.json"
    write_text(path, json.dumps({"schema": SCHEMA, **asdict(answer)}, indent=1, allow_nan=False) + "\n")
    return path


def read(results_dir: Path) -> tuple[Mapping[str, Confirmation], tuple[str, ...]]:
    """Read the last answer to each change; one that decides counts more than a later one that does not.

    Returns
    -------
    answers : mapping of str to Confirmation
        By the identifier of the change.
    problems : tuple of str
        One sentence for every file that is no answer; it is left alone.
    """
    answers: list[Confirmation] = []
    problems: list[str] = []
    for path in sorted(folder(results_dir).glob("*.json")):
        try:
            answers.append(_answer(json.loads(path.read_bytes())))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            problems.append(f"{path} is not a confirmation: {type(error).__name__}: {error}")
    answers.sort(key=lambda answer: (answer.is_decisive, answer.measured_at))
    return {answer.change: answer for answer in answers}, tuple(problems)


def _answer(row: Any) -> Confirmation:  # noqa: ANN401 - any JSON
    answer = typed.build(Confirmation, row)
    if row.get("schema") != SCHEMA:
        msg = f"its schema is {row.get('schema')!r}, this machmeter reads {SCHEMA}"
        raise ValueError(msg)
    return answer
