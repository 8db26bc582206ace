"""A whole bisection: confirms that bad is slower than good, then searches the commits between them."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from asv.config import Config
from asv.repo import Repo

from machmeter.analysis.bisection import Step
from machmeter.analysis.comparison import weigh
from machmeter.errors import AmbiguousBenchmarkError, ConfigurationError, NothingToMeasureError
from machmeter.gate import commits, environments
from machmeter.gate.commit_bench import CommitBench, Place
from machmeter.gate.compare import Request, compare
from machmeter.gate.interrupts import noticed
from machmeter.gate.questions import Key
from machmeter.gate.search import Located, Search, Seen
from machmeter.gate.single import UnmeasurableError, exactly
from machmeter.gate.stage import Stage
from machmeter.gate.trial import Trial
from machmeter.pairs import Comparison, Verdict
from machmeter.results import bisections
from machmeter.results.bisections import Bisection, FoundStep, Visited

#: Why a search ended that the user ended.
STOPPED: Final = "it was interrupted"
_NORMAL_95: Final = 1.96


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is told meanwhile.

    Parameters
    ----------
    progress : callable
        Takes the trials of the confirmation and the seconds that are left.
    say : callable
        Takes a line about what is going on.
    """

    progress: Callable[[Sequence[Trial], float], None] = lambda *_: None
    say: Callable[[str], None] = lambda _: None


def bisect(conf: Config, repo: Repo, request: Request, hooks: Hooks) -> tuple[Comparison, Bisection]:
    """Find the first slow commit.

    Parameters
    ----------
    conf, repo
        asv's; the working directory is that of the configuration.
    request : Request
        `base` is good, `head` is bad, the pattern matches one benchmark with one set of parameters.
    hooks : Hooks
        What is told meanwhile.

    Returns
    -------
    comparison : Comparison
        Of good and bad: without a slowdown there is no search.
    found : Bisection
        Also kept beside the results. Of an interrupted search, what is known.

    Raises
    ------
    MachmeterError
        If nothing can be searched for.
    """
    place = Place(conf, repo)
    listed = commits.between(repo, request.base, request.head)
    key = _the_only_one(place, request)
    hooks.say(f"Confirming that {request.head[:8]} is slower, {len(listed)} commits later")
    confirmed = compare(conf, repo, replace(request, pattern=exactly(key)), hooks.progress, hooks.say)
    found = _begin(confirmed, len(listed))
    if found.word == "slower":
        with CommitBench(place, confirmed, key, listed, resume=request.resume) as bench:
            found = _search(_Hunt(place, confirmed, listed, request, hooks), bench, found)
    bisections.write(place.results_dir, confirmed.identifier, found)
    return confirmed, found


@dataclass(frozen=True, slots=True)
class _Hunt:
    """What a search is about."""

    place: Place
    confirmed: Comparison
    commits: Sequence[str]
    request: Request
    hooks: Hooks


def _the_only_one(place: Place, request: Request) -> Key:
    """Find the one benchmark that is meant."""
    setting, _ = environments.install(place.conf, place.repo, request.base, request.head, request.environment)
    with Stage(setting) as stage:
        try:
            questions = place.questions(stage, request.pattern)
        except UnmeasurableError as error:
            raise ConfigurationError(
                f"The suite cannot be imported: {error.reason}.",
                "Nothing was measured.",
                '"asv check" says more.',
            ) from error
    if not questions:
        raise NothingToMeasureError(request.pattern, ())
    if len(questions) > 1:
        names = (
            f"{name}({', '.join(params)})" if params else name for name, params in (q.key for q in questions)
        )
        raise AmbiguousBenchmarkError(request.pattern or "", names)
    return questions[0].key


def _begin(confirmed: Comparison, count: int) -> Bisection:
    verdict = confirmed.verdicts[0]
    return Bisection(
        good=confirmed.base,
        bad=confirmed.head,
        benchmark=verdict.benchmark,
        params=verdict.params,
        tag=confirmed.tag,
        node=confirmed.node,
        started_at=confirmed.started_at,
        environment=confirmed.environment,
        threshold=confirmed.threshold,
        alpha=confirmed.alpha,
        commits=count,
        word=verdict.word,
        ratio=verdict.ratio,
        low=verdict.low,
        high=verdict.high,
        clock=verdict.clock,
        confirming_pairs=verdict.pairs,
    )


def _search(hunt: _Hunt, bench: CommitBench, found: Bisection) -> Bisection:
    """Search; an interruption ends with what is known."""
    step, error = _step(hunt.confirmed.verdicts[0])
    began = time.monotonic()
    budget_s = math.inf if hunt.request.budget_s is None else hunt.request.budget_s
    seconds = max(0.0, budget_s - hunt.confirmed.seconds)
    search = Search(step, error, len(hunt.commits), bench, seconds=seconds)
    try:
        with noticed() as check:

            def tell(position: int) -> None:
                check()
                hunt.hooks.say(_told(search, hunt, position))

            search.tell = tell
            located = search.run()
    except KeyboardInterrupt:
        located = search.stop(STOPPED)
    return replace(
        found,
        pairs=sum(seen.pairs for seen in search.seen.values()),
        installed=bench.installed,
        seconds=time.monotonic() - began,
        steps=tuple(_found(each, step, hunt) for each in located),
        tested=tuple(_tested(search, hunt, position) for position in sorted(search.seen)),
        ended=search.ended,
    )


def _step(verdict: Verdict) -> tuple[Step, float]:
    """Give the step that the confirmation measured, and the standard error of its level.

    The level of the bad commit is itself an estimate from so many pairs, which widens what a pair may be off.
    """
    assert verdict.ratio is not None  # noqa: S101 - it is slower
    spread = (verdict.spread or 0.0) * math.sqrt(1 + 1 / verdict.pairs)
    error = spread / math.sqrt(verdict.pairs)
    return Step(0.0, math.log(verdict.ratio), spread), error


def _told(search: Search, hunt: _Hunt, position: int) -> str:
    """Say how a commit was, and what is left."""
    commit = hunt.commits[position - 1]
    now = search.now()
    left = (
        f"{now.last - now.first + 1} commits left" if now.last > now.first else f"{now.probability:.1%} sure"
    )
    reason = search.skipped.get(position)
    if reason is not None:
        return f"{commit[:8]} is passed over, {reason}; {left}"
    seen = search.seen[position]
    if not seen.ratios:
        return f"{commit[:8]} was disturbed; {left}"
    percent = (math.exp(float(np.median(seen.ratios))) - 1) * 100
    return f"{commit[:8]} is {search.word(position)} ({percent:+.2f}%, {seen.pairs} pairs); {left}"


def _found(located: Located, step: Step, hunt: _Hunt) -> FoundStep:
    group, rise, error = located
    chosen = hunt.commits[group.first - 1 : group.last]
    return FoundStep(
        commits=tuple(commits.describe(hunt.place.repo, commit) for commit in chosen),
        probability=group.probability,
        ratio=math.exp(rise),
        low=math.exp(rise - _NORMAL_95 * error),
        high=math.exp(rise + _NORMAL_95 * error),
        share=rise / (step.after - step.before),
    )


def _tested(search: Search, hunt: _Hunt, position: int) -> Visited:
    commit, seen = hunt.commits[position - 1], search.seen[position]
    if position in search.skipped:
        return Visited(position, commit, "skipped", pairs=seen.pairs, reason=search.skipped[position])
    if not seen.ratios:
        return Visited(position, commit, "unsettled", pairs=seen.pairs)
    ratio, low, high = _interval(seen, hunt.request.threshold)
    return Visited(position, commit, search.word(position), ratio, low, high, seen.pairs)


def _interval(seen: Seen, threshold: float) -> list[float | None]:
    """Give the ratio and its interval; an endless one is none."""
    evidence = weigh(np.array(seen.ratios), threshold=threshold, generations=np.array(seen.generations))
    figures = (evidence.ratio, evidence.low, evidence.high)
    return [each if math.isfinite(each) else None for each in figures]
