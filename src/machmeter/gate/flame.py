"""Profiles of one commit, without a comparison."""

from collections.abc import Callable, Iterator
from pathlib import Path

from asv.config import Config
from asv.repo import Repo

from machmeter.errors import BrokenBenchmarkProcessError, NothingToMeasureError, ProfileRefusedError
from machmeter.gate import environments
from machmeter.gate.peers import PeerError
from machmeter.gate.processes import BenchmarkError
from machmeter.gate.questions import Question, ask
from machmeter.gate.scout import scout
from machmeter.gate.stage import Stage
from machmeter.gate.watching import Manner, Watcher
from machmeter.profiles import Profile
from machmeter.report import flamegraph, speedscope
from machmeter.results import profiles as files


def profile_commit(  # noqa: PLR0913 - what is measured, how, and where it comes from
    conf: Config,
    repo: Repo,
    commit: str,
    pattern: str,
    *,
    manner: Manner,
    environment: str | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[list[Profile], Path]]:
    """Profile the benchmarks of one commit that match.

    Parameters
    ----------
    conf, repo
        asv's; the working directory is that of the configuration.
    commit : str
        Full hash.
    pattern : str
        Regular expression.
    manner : Manner
        How.
    environment : str, optional
        asv's name of it.
    say : callable, optional
        Takes a line about what is going on.

    Yields
    ------
    profiles : list of Profile
        Of one benchmark.
    page : Path
        Its flame graph.

    Raises
    ------
    MachmeterError
        If nothing matches, or no valid profile can be taken.
    """
    setting, name = environments.install(conf, repo, commit, commit, environment)
    with Stage(setting) as stage:
        try:
            questions, _, notes = ask(stage.open(), pattern, conf.default_benchmark_timeout)
            if not questions:
                raise NothingToMeasureError(pattern, notes)
            for question in questions:
                say(f"Profiling {question.benchmark}")
                yield _profiled(stage, question, manner, name, Path(conf.results_dir).absolute())
        except BenchmarkError as error:
            raise BrokenBenchmarkProcessError(error.reason, error.output) from error
        except PeerError as error:
            raise BrokenBenchmarkProcessError(f"The benchmark process {error}", "") from error


def _profiled(
    stage: Stage, question: Question, manner: Manner, environment: str, results_dir: Path
) -> tuple[list[Profile], Path]:
    found = scout(stage, question)
    if found.plan is None:
        raise ProfileRefusedError(
            f"{question.benchmark} cannot be measured ({found.reason})", '"asv check" looks at the suite.'
        )
    watcher = Watcher(stage, question, found.plan, manner, environment)
    taken, _ = watcher.profiles(("head",))
    profiles = taken["head"]
    files.save(results_dir, profiles)
    facts = profiles[0].facts
    project = set(facts.project)
    page = flamegraph.render_profile(
        *profiles, project=lambda frame: frame.partition(":")[0].partition(".")[0] in project
    )
    name = f"{facts.commit[:12]}-{files.slug(facts.benchmark, facts.params)}"
    files.save_page(results_dir, f"{name}.speedscope.json", speedscope.text(profiles))
    return profiles, files.save_page(results_dir, f"{name}.html", page)
