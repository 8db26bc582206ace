"""Explains a verdict: profiles of both commits on the stage that measured them, and their difference."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from machmeter.errors import ProfileRefusedError
from machmeter.gate.plan import Plan
from machmeter.gate.questions import Question
from machmeter.gate.sources import Sources
from machmeter.gate.stage import Stage
from machmeter.gate.watching import Manner, Watcher
from machmeter.pairs import Verdict
from machmeter.profiles import Difference, Profile
from machmeter.profiling.difference import Evidence, Ratio, subtract

#: Stacks a side by which a change of this size, relative to the base, is well seen in a function that takes a
#: quarter of the time: five standard errors (docs/decisions/0007).
_STACKS_AT_FULL_SIZE: Final = 9.4
_LEAST_S: Final = 6.0


def seconds_for(verdict: Verdict, most_s: float, rate_hz: int) -> float:
    """Choose how long a side is profiled: small changes need more stacks.

    Parameters
    ----------
    verdict : Verdict
        What is to be explained.
    most_s : float, seconds
        Not longer than this.
    rate_hz : int
        Stacks a second.
    """
    size = abs((verdict.ratio or 1.0) - 1.0)
    wanted = _STACKS_AT_FULL_SIZE / max(size, 1e-3) ** 2 / rate_hz
    return min(most_s, max(_LEAST_S, wanted))


def clock_of(verdict: Verdict) -> str:
    """Choose what is profiled for a clock of the gate.

    Raises
    ------
    ProfileRefusedError
        If the benchmark returns a number that is no time.
    """
    if verdict.clock == "value":
        raise ProfileRefusedError(
            "the benchmark returns a number, which py-spy cannot trace to a function",
            'For memory there is "machmeter flame --memory".',
        )
    return "cpu" if verdict.clock == "cpu" else "wall"


def explain(  # noqa: PLR0913 - what is measured, how, and where it comes from
    stage: Stage,
    question: Question,
    plan: Plan,
    verdict: Verdict,
    manner: Manner,
    *,
    environment: str,
    repository: Path,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> tuple[Difference, list[Profile]]:
    """Profile both commits and subtract.

    Parameters
    ----------
    stage : Stage
        Opened.
    question, plan
        The benchmark, and how its pairs were taken.
    verdict : Verdict
        What is to be explained.
    manner : Manner
        How; its clock is replaced by the verdict's.
    environment : str
        asv's name of it.
    repository : Path
        Of the project.
    progress : callable, optional
        Takes the number of profiles taken and wanted.

    Returns
    -------
    difference : Difference
        With the culprit, or the reason why there is none.
    profiles : list of Profile
        Of both sides.

    Raises
    ------
    ProfileRefusedError
        If no valid profiles can be taken.
    """
    chosen = replace(
        manner, clock=clock_of(verdict), seconds=seconds_for(verdict, manner.seconds, manner.rate_hz)
    )
    watcher = Watcher(stage, question, plan, chosen, environment)
    taken, refused = watcher.profiles(("base", "head"), progress)
    sources = Sources(repository)
    base, head = stage.setting.base.commit, stage.setting.head.commit
    evidence = Evidence(
        edits=sources.edits(base, head),
        base_calls=watcher.calls("base"),
        head_calls=watcher.calls("head"),
        notes=(f"{len(refused)} profiles were refused ({refused[-1]})",) if refused else (),
    )
    ratio = Ratio(
        value=verdict.ratio or 1.0,
        low=verdict.low or verdict.ratio or 1.0,
        high=verdict.high or verdict.ratio or 1.0,
        base_s=verdict.base or 0.0,
    )
    found = subtract(taken["base"], taken["head"], ratio, evidence)
    if found.culprit is not None:
        editor = sources.editor(base, head, found.culprit.name)
        found = replace(found, culprit=replace(found.culprit, commit=editor))
    return found, [*taken["base"], *taken["head"]]
