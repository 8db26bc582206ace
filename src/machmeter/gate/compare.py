"""A whole comparison: installs two commits, asks every benchmark, keeps every pair."""

import contextlib
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asv.config import Config
from asv.repo import Repo

from machmeter.environment.context import run_identifier
from machmeter.errors import BrokenBenchmarkProcessError, NothingToMeasureError
from machmeter.gate import environments
from machmeter.gate.causes import Search, search
from machmeter.gate.commits import clone
from machmeter.gate.gate import Observer, Rule, decide
from machmeter.gate.peers import PeerError
from machmeter.gate.processes import BenchmarkError
from machmeter.gate.questions import Question, ask
from machmeter.gate.stage import Setting, Stage
from machmeter.gate.trial import Trial
from machmeter.gate.watching import Manner
from machmeter.machine.fingerprint import fingerprint
from machmeter.machine.threads import thread_settings
from machmeter.pairs import Comparison, Pair, Verdict
from machmeter.results.gates import Journal, earlier, finish

#: Seconds for each benchmark where no budget is given.
BUDGET_S = 40.0


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks of the gate.

    Parameters
    ----------
    base, head : str
        Full hashes.
    pattern : str or None
        Regular expression for the benchmarks.
    threshold, alpha : float
        See `Rule`.
    budget_s : float or None, seconds
        For all benchmarks; `BUDGET_S` for each by default.
    environment : str or None
        asv's name of the environment; the first of the matrix by default.
    resume : bool
        Whether to go on with the pairs of an interrupted comparison.
    fresh : bool
        Whether every process is to import everything itself.
    notes : tuple of str
        To be passed on to the reader.
    profile : str
        Whose cause is looked for: "slower", "always" or "never".
    manner : Manner
        How profiles are taken.
    """

    base: str
    head: str
    pattern: str | None = None
    threshold: float = 0.01
    alpha: float = 0.01
    budget_s: float | None = None
    environment: str | None = None
    resume: bool = False
    fresh: bool = False
    notes: tuple[str, ...] = ()
    profile: str = "never"
    manner: Manner = field(default_factory=Manner)


def compare(
    conf: Config,
    repo: Repo,
    request: Request,
    progress: Callable[[Sequence[Trial], float], None] = lambda *_: None,
    say: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Compare two commits on this node.

    Parameters
    ----------
    conf, repo
        asv's; the working directory is that of the configuration.
    request : Request
        What is compared.
    progress : callable, optional
        Takes all trials and the seconds that are left, after each pair.
    say : callable, optional
        Takes a line about what is going on.

    Raises
    ------
    MachmeterError
        If nothing can be compared: no such environment, no benchmark, a full disk.

    Notes
    -----
    The node's health is not asked: what slows the node slows both sides.
    """
    results_dir = Path(conf.results_dir)
    setting, name = environments.install(conf, repo, request.base, request.head, request.environment)
    if request.fresh and not setting.different:
        setting = replace(setting, different="it was asked for")
    say("Importing what both sides share")
    with _staged(setting) as stage:
        questions, answered, notes = ask(stage.open(), request.pattern, conf.default_benchmark_timeout)
        if not questions and not answered:
            raise NothingToMeasureError(request.pattern, notes)
        rule = Rule(request.threshold, request.alpha, request.budget_s or BUDGET_S * len(questions))
        many = "benchmark" if len(questions) == 1 else "benchmarks"
        say(f"Measuring {len(questions)} {many}, {rule.budget_s:.0f} s at most")
        facts = {"versions": {question.benchmark: question.version for question in questions}}
        begun = _begin(
            request, rule, stage, setting, environment=name, notes=(*request.notes, *notes), facts=facts
        )
        done = _measure(results_dir, stage, questions, answered, rule, begun, progress, resume=request.resume)
        if request.profile == "never":
            return done
        how = Search(
            results_dir=results_dir.absolute(),
            repository=clone(repo),
            environment=name,
            identifier=done.identifier,
            manner=request.manner,
            always=request.profile == "always",
        )
        explained = tuple(search(stage, questions, done.verdicts, how, say))
        if explained == done.verdicts:
            return done
        done = replace(done, verdicts=explained)
        finish(results_dir, done)
        return done


@contextlib.contextmanager
def _staged(setting: Setting) -> Iterator[Stage]:
    """Open a stage; what ends it is an error that a person can act on, and never looks like a verdict."""
    try:
        with Stage(setting) as stage:
            yield stage
    except BenchmarkError as error:
        raise BrokenBenchmarkProcessError(error.reason, error.output) from error
    except PeerError as error:
        raise BrokenBenchmarkProcessError(f"The zygote {error}", "") from error


def _measure(  # noqa: PLR0913, PLR0917 - the parts of one comparison
    results_dir: Path,
    stage: Stage,
    questions: list[Question],
    answered: list[Verdict],
    rule: Rule,
    begun: Comparison,
    progress: Callable[[Sequence[Trial], float], None],
    *,
    resume: bool,
) -> Comparison:
    """Take the pairs, keep them, and give the verdicts."""
    kept: dict[object, list[Pair]] = defaultdict(list)
    if resume:
        path, found = earlier(results_dir, begun)
        for pair in found:
            kept[pair.benchmark, pair.params].append(pair)
        note = f"{len(found)} pairs come from {path.name}" if path else "there was nothing to resume"
        begun = replace(begun, notes=(*begun.notes, note))
    journal = Journal(results_dir, begun)
    for pairs in kept.values():
        for pair in pairs:
            journal.pair(pair)
    began = time.monotonic()
    decided = decide(stage, questions, rule, Observer(journal.pair, progress), kept)
    done = replace(
        begun,
        verdicts=(*decided, *answered),
        seconds=time.monotonic() - began,
        mode=f"fresh processes: {stage.fresh}" if stage.fresh else "zygote",
    )
    journal.finish(done)
    return done


def _begin(  # noqa: PLR0913 - the facts of one comparison
    request: Request,
    rule: Rule,
    stage: Stage,
    setting: Setting,
    *,
    environment: str,
    notes: tuple[str, ...],
    facts: dict[str, Any],
) -> Comparison:
    return Comparison(
        identifier=f"{request.base[:8]}-{request.head[:8]}-{run_identifier()}",
        base=request.base,
        head=request.head,
        tag=fingerprint().tag,
        node=platform.node(),
        started_at=datetime.now(UTC).isoformat(),
        threshold=rule.threshold,
        alpha=rule.alpha,
        budget_s=rule.budget_s,
        environment=environment,
        threads=thread_settings(setting.variables),
        mode=f"fresh processes: {stage.fresh}" if stage.fresh else "zygote",
        notes=notes,
        facts=facts,
    )
