"""Asks the gate whether the two commits of a change are really that far apart on this hardware."""

import math
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from asv import environment
from asv.config import Config
from asv.repo import Repo

from machmeter.errors import ForeignChangeError, NothingToMeasureError, UnknownChangeError, UnknownTagError
from machmeter.gate import environments
from machmeter.gate.compare import Request, compare
from machmeter.gate.single import exactly
from machmeter.gate.trial import Trial
from machmeter.machine.fingerprint import fingerprint
from machmeter.pairs import Comparison
from machmeter.results import changes, choice, confirmations, history, machines
from machmeter.results.change import Change
from machmeter.results.confirmations import Confirmation

#: Bounds of the threshold. Below the smaller one an answer takes minutes. Above the larger one a suspected
#: 20% that is a real 2% would be called unchanged, and at 1% an answer takes some ten pairs all the same.
_LEAST_THRESHOLD: Final = 0.005
_LARGEST_THRESHOLD: Final = 0.01


@dataclass(frozen=True, slots=True)
class Wish:
    """How a change is to be confirmed.

    Parameters
    ----------
    threshold : float or None
        Smallest difference that counts, as a share; `default_threshold` if None.
    alpha : float
        Error rate.
    budget_s : float or None, seconds
        For measuring; the gate's own by default.
    environment : str or None
        asv's name; that of the change by default.
    resume : bool
        Whether pairs of an interrupted run count.
    profile : bool
        Whether the function that made it slower is searched for.
    """

    threshold: float | None = None
    alpha: float = 0.01
    budget_s: float | None = None
    environment: str | None = None
    resume: bool = False
    profile: bool = False


def find(results_dir: Path, start: str, project: Path | None) -> Change:
    """Find a change by the beginning of its identifier, on this machine first.

    Parameters
    ----------
    results_dir : Path
        asv's.
    start : str
        At least one digit of the identifier.
    project : Path or None
        The project's repository, for dates that the files do not have.

    Raises
    ------
    UnknownChangeError
        If there is none, or more than one.
    """
    known, here = history.machines_with_results(results_dir), fingerprint().tag
    if here in known:
        try:
            return _identified(results_dir, start, (here,), project)
        except UnknownChangeError:
            pass  # it may be another machine's, which is said in other words
    return _identified(results_dir, start, known, project)


def default_threshold(change: Change) -> float:
    """Choose the smallest difference that counts: half of what is suspected, between 0.5% and 1%."""
    return min(_LARGEST_THRESHOLD, max(_LEAST_THRESHOLD, change.magnitude / 2))


def check_hardware(results_dir: Path, change: Change) -> None:
    """Make sure that the change was seen on hardware like this.

    Raises
    ------
    ForeignChangeError
        If it was not, or nobody knows.
    """
    here = fingerprint()
    try:
        seen = machines.find(results_dir, change.series.machine).tag
    except UnknownTagError:
        seen = change.series.machine
    if seen != here.tag:
        raise ForeignChangeError(change.identifier, seen, here.tag)


def confirm(
    conf: Config,
    repo: Repo,
    change: Change,
    wish: Wish,
    progress: Callable[[Sequence[Trial], float], None] = lambda *_: None,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Comparison, Change]:
    """Measure the ends of a change's commit range, and keep the answer.

    Parameters
    ----------
    conf, repo
        asv's; the working directory is that of the configuration.
    change : Change
        What is suspected.
    wish : Wish
        How.
    progress, say : callable, optional
        As in `machmeter.gate.compare.compare`.

    Returns
    -------
    comparison : Comparison
        Of the one benchmark.
    answered : Change
        With the answer.

    Raises
    ------
    MachmeterError
        If it was seen on other hardware or nothing can be compared.
    """
    results_dir = Path(conf.results_dir)
    check_hardware(results_dir, change)
    named, notes = _environment(conf, change, wish.environment)
    request = Request(
        base=environments.commit_of(repo, change.earliest),
        head=environments.commit_of(repo, change.latest),
        pattern=exactly((change.series.benchmark, change.series.params)),
        threshold=wish.threshold or default_threshold(change),
        alpha=wish.alpha,
        budget_s=wish.budget_s,
        environment=named,
        resume=wish.resume,
        notes=notes,
        profile="slower" if wish.profile else "never",
    )
    done = compare(conf, repo, request, progress, say)
    answer = _answer(change, done)
    confirmations.write(results_dir, answer)
    return done, replace(change, answer=answer)


def _identified(results_dir: Path, start: str, tags: Sequence[str], project: Path | None) -> Change:
    found = changes.find(results_dir, history.read(results_dir, tags, project))
    return choice.identified((change for change, _ in found.found), start)


def _environment(conf: Config, change: Change, wanted: str | None) -> tuple[str | None, tuple[str, ...]]:
    """Choose the environment of the change, if the configuration still has it, and say so if not."""
    if wanted is not None:
        return wanted, ()
    kept, conf.environment_type = conf.environment_type, "machmeter"
    try:
        names = [str(each.name) for each in environment.get_environments(conf, "")]
    finally:
        conf.environment_type = kept
    if change.series.environment in names:
        return change.series.environment, ()
    there = f"there is no environment {change.series.environment}, where the change was seen"
    return None, (f"{there}: measured in {names[0] if names else 'another one'}",)


def _answer(change: Change, done: Comparison) -> Confirmation:
    wanted = change.series.benchmark, change.series.params
    verdict = next((each for each in done.verdicts if (each.benchmark, each.params) == wanted), None)
    if verdict is None:
        raise NothingToMeasureError(exactly(wanted), done.notes)
    ratio, low, high = (_finite(each) for each in (verdict.ratio, verdict.low, verdict.high))
    return Confirmation(
        change.identifier,
        done.base,
        done.head,
        verdict=verdict.word,
        ratio=ratio,
        low=low,
        high=high,
        pairs=verdict.pairs,
        tag=done.tag,
        node=platform.node(),
        measured_at=datetime.now(UTC).isoformat(),
        alpha=done.alpha,
        threshold=done.threshold,
        cause=verdict.cause,
        page=Path(verdict.page).name,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
