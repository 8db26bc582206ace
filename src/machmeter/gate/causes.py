"""Looks for the causes of what a comparison found slower, and keeps what it saw."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from machmeter.errors import MachmeterError
from machmeter.gate.explain import explain
from machmeter.gate.peers import PeerError
from machmeter.gate.processes import BenchmarkError
from machmeter.gate.questions import Question
from machmeter.gate.scout import scout
from machmeter.gate.stage import Stage
from machmeter.gate.watching import Manner
from machmeter.pairs import Verdict
from machmeter.profiles import Difference, Profile
from machmeter.report import culprit_text, flamegraph, speedscope
from machmeter.results import profiles as files

#: So many benchmarks are looked into, those that lost most: a commit rarely has more causes than that.
_MOST = 3


@dataclass(frozen=True, slots=True)
class Search:
    """How causes are searched for.

    Parameters
    ----------
    results_dir : Path
        asv's; profiles and pages are kept beside it.
    repository : Path
        Of the project.
    environment : str
        asv's name of it.
    identifier : str
        Of the comparison; pages are named after it.
    manner : Manner
        How profiles are taken.
    always : bool
        Whether every verdict with a ratio is looked into, not only what is slower.
    """

    results_dir: Path
    repository: Path
    environment: str
    identifier: str
    manner: Manner = field(default_factory=Manner)
    always: bool = False


def search(
    stage: Stage,
    questions: Sequence[Question],
    verdicts: Sequence[Verdict],
    how: Search,
    say: Callable[[str], None] = lambda _: None,
) -> list[Verdict]:
    """Look for causes and put them into the verdicts.

    Parameters
    ----------
    stage : Stage
        Opened.
    questions : sequence of Question
        What was asked.
    verdicts : sequence of Verdict
        What was found.
    how : Search
        How.
    say : callable, optional
        Takes a line about what is going on.

    Returns
    -------
    list of Verdict
        The same ones, with ``cause`` and ``page`` where one was looked for. An interruption ends the search
        and keeps the verdicts.
    """
    asked = {question.key: question for question in questions}
    concerned = [each for each in verdicts if _concerns(each, how) and (each.benchmark, each.params) in asked]
    concerned.sort(key=lambda each: -abs((each.ratio or 1.0) - 1.0))
    found: dict[tuple[str, tuple[str, ...]], Verdict] = {}
    try:
        for verdict in concerned[:_MOST]:
            key = verdict.benchmark, verdict.params
            say(f"Profiling {verdict.benchmark} at both commits")
            found[key] = _explained(stage, asked[key], verdict, how)
    except KeyboardInterrupt:
        say("Interrupted while profiling; the verdicts stand.")
    return [found.get((each.benchmark, each.params), each) for each in verdicts]


def _concerns(verdict: Verdict, how: Search) -> bool:
    if how.always:
        return verdict.ratio is not None
    return verdict.word == "slower" and verdict.clock != "value"


def _explained(stage: Stage, question: Question, verdict: Verdict, how: Search) -> Verdict:
    try:
        plan = scout(stage, question).plan
        if plan is None:
            return verdict
        difference, profiles = explain(
            stage,
            question,
            plan,
            verdict,
            how.manner,
            environment=how.environment,
            repository=how.repository,
        )
        return replace(
            verdict, cause=culprit_text.sentence(difference), page=_keep(difference, profiles, how)
        )
    except MachmeterError as error:
        return replace(verdict, cause=error.fact)
    except (BenchmarkError, PeerError) as error:
        return replace(verdict, cause=f"No profile: {error}.")


def _keep(difference: Difference, profiles: Sequence[Profile], how: Search) -> str:
    """Write profiles and pages; return where the flame graph is."""
    files.save(how.results_dir, profiles)
    name = f"{how.identifier}-{files.slug(difference.benchmark, difference.params)}"
    files.save_page(how.results_dir, f"{name}.speedscope.json", speedscope.text(profiles))
    files.save_page(how.results_dir, f"{name}.json", json.dumps(asdict(replace(difference, nodes=()))) + "\n")
    return str(files.save_page(how.results_dir, f"{name}.html", flamegraph.render(difference)))
