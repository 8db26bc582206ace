"""The command that profiles commits."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from machmeter.cli.gate import Pattern, asv_suite, exit_code, show
from machmeter.cli.options import INTERRUPTED, NOTHING, Suite, suite_options
from machmeter.cli.progress import Progress
from machmeter.errors import ConfigurationError, NothingToMeasureError
from machmeter.gate import environments
from machmeter.gate.commits import clone
from machmeter.gate.compare import Request, compare
from machmeter.gate.complements import complements
from machmeter.gate.flame import profile_commit
from machmeter.gate.interrupts import noticed
from machmeter.gate.stored import differences
from machmeter.gate.watching import Manner
from machmeter.profiling.complements import MEMORY, TORCH, Complement, Subject
from machmeter.report import complements_text, culprit_text, flamegraph, labels
from machmeter.results import profiles

_RANGE: Final = ".."


@click.command(name="flame")
@click.argument("commits", metavar="COMMIT|BASE..HEAD")
@click.option(
    "-b", "--bench", "pattern", type=Pattern(), required=True, metavar="REGEX", help="The benchmark."
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=20.0,
    show_default=True,
    help="Profiling time of each commit, at most.",
)
@click.option(
    "--rate",
    "rate_hz",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Stacks a second; above 100 the benchmark is slowed down noticeably.",
)
@click.option("--native", is_flag=True, help="Also frames of compiled libraries (much slower).")
@click.option("--nonblocking", is_flag=True, help="Never stop the benchmark; loses deep stacks.")
@click.option(
    "--clock",
    type=click.Choice(["cpu", "wall"]),
    default="cpu",
    show_default=True,
    help="Of a single commit: what computes, or also what waits.",
)
@click.option(
    "--budget",
    "budget_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="For measuring the difference before it is profiled; the gate's by default.",
)
@click.option("--memory", is_flag=True, help="Of BASE..HEAD: the peak of the heap by call path (memray).")
@click.option("--torch", is_flag=True, help="Of BASE..HEAD: torch's operators and CUDA kernels.")
@click.option("--stored", is_flag=True, help="Use the profiles on record; measure nothing.")
@click.option("-E", "--environment", metavar="NAME", help="asv's name of it, where the matrix has several.")
@suite_options
def flame(  # noqa: PLR0913 - one parameter an option
    suite: Suite,
    commits: str,
    *,
    pattern: str,
    native: bool,
    nonblocking: bool,
    seconds: float,
    rate_hz: int,
    clock: str,
    memory: bool,
    torch: bool,
    stored: bool,
    as_json: bool,
    **asked: Any,  # noqa: ANN401 - click passes what it parsed
) -> None:
    """Draw the flame graph of a COMMIT, or of the difference between BASE and HEAD.

    BASE..HEAD is measured first as "machmeter gate" does, then both commits are profiled by py-spy in turns.
    The page shows both and what differs between them beyond the noise; the function that explains the change
    is named if one does. Profiles, the page and a file for speedscope.app are kept beside the results.

    With --memory or --torch, py-spy is left out: what these tell of both commits is subtracted and printed.

    Exit code: for one commit 0; for BASE..HEAD that of "machmeter gate". 2: usage, or no valid profile; 4:
    nothing matches; 130: interrupted.
    """
    options = tuple(name for name, given in (("native", native), ("nonblocking", nonblocking)) if given)
    manner = Manner(seconds, clock, rate_hz, options)
    with asv_suite(suite) as (conf, repo), Progress(sys.stderr) as progress, noticed():
        try:
            subjects = [subject for subject, given in ((MEMORY, memory), (TORCH, torch)) if given]
            if subjects:
                environment = asked["environment"]
                _complements(conf, repo, commits, pattern, subjects, progress, environment, as_json=as_json)
                return
            if stored:
                _stored(conf, repo, commits, pattern, as_json=as_json)
                return
            if _RANGE in commits:
                base, head = _ends(commits)
                request = Request(
                    base=environments.commit_of(repo, base),
                    head=environments.commit_of(repo, head or "HEAD"),
                    pattern=pattern,
                    profile="always",
                    manner=manner,
                    **asked,
                )
                done = compare(conf, repo, request, progress.trials, progress.say)
                show(done, "text", as_json=as_json)
                sys.exit(exit_code(done))
            _one(conf, repo, commits, pattern, manner, progress, asked["environment"], as_json=as_json)
        except NothingToMeasureError as error:
            click.echo(f"machmeter: {error}", err=True)
            sys.exit(NOTHING)
        except KeyboardInterrupt:
            click.echo("machmeter: interrupted; the profiles taken so far are kept.", err=True)
            sys.exit(INTERRUPTED)


def _ends(commits: str) -> tuple[str, str]:
    base, _, head = commits.partition(_RANGE)
    if _RANGE not in commits or not base or head.startswith("."):
        raise ConfigurationError(
            f"{commits!r} is no range of commits.", "Two ends are needed.", 'Write "BASE..HEAD".'
        )
    return base, head


def _stored(conf: Any, repo: Any, commits: str, pattern: str, *, as_json: bool) -> None:  # noqa: ANN401 - asv's
    """Draw what is on record."""
    results_dir = Path(conf.results_dir).absolute()
    base, head = (environments.commit_of(repo, name or "HEAD") for name in _ends(commits))
    rows = []
    for found in differences(results_dir, clone(repo), base, head, pattern):
        name = f"{base[:8]}-{head[:8]}-{profiles.slug(found.benchmark, found.params)}.html"
        page = profiles.save_page(results_dir, name, flamegraph.render(found))
        rows.append({"benchmark": found.benchmark, "params": found.params, "page": str(page)})
        rows[-1]["cause"] = culprit_text.sentence(found)
        if not as_json:
            lines = [f"{found.benchmark}: {culprit_text.sentence(found)}", *culprit_text.lines(found)]
            click.echo("\n".join([*map(labels.printable, lines), f"flame graph in {page}"]))
    if as_json:
        click.echo(json.dumps({"base": base, "head": head, "differences": rows}, indent=1))


def _complements(  # noqa: PLR0913, PLR0917 - what is traced, where, and what is printed
    conf: Any,  # noqa: ANN401 - asv's
    repo: Any,  # noqa: ANN401 - asv's
    commits: str,
    pattern: str,
    subjects: Sequence[Subject],
    progress: Progress,
    environment: str | None,
    *,
    as_json: bool,
) -> None:
    """Print what differs in memory, or in torch's operators; each benchmark when it is done."""
    base, head = (environments.commit_of(repo, name or "HEAD") for name in _ends(commits))
    taken: list[Complement] = []
    for found in complements(
        conf, repo, (base, head), pattern, subjects, environment=environment, say=progress.say
    ):
        taken.append(found)
        if not as_json:
            click.echo("\n".join(complements_text.lines(found)))
    if as_json:
        click.echo(complements_text.document(base, head, taken), nl=False)


def _one(  # noqa: PLR0913, PLR0917 - what is profiled, how, and what is printed
    conf: Any,  # noqa: ANN401 - asv's
    repo: Any,  # noqa: ANN401 - asv's
    commit: str,
    pattern: str,
    manner: Manner,
    progress: Progress,
    environment: str | None,
    *,
    as_json: bool,
) -> None:
    """Profile one commit and say where the pages are."""
    full = environments.commit_of(repo, commit)
    rows = []
    for taken, page in profile_commit(
        conf, repo, full, pattern, manner=manner, environment=environment, say=progress.say
    ):
        facts = taken[0].facts
        stacks = sum(profile.count for profile in taken)
        rows.append(
            {"benchmark": facts.benchmark, "params": facts.params, "page": str(page), "stacks": stacks}
        )
        if not as_json:
            click.echo(f"{facts.benchmark}: {stacks} stacks in {len(taken)} profiles, {page}")
    if as_json:
        click.echo(json.dumps({"commit": full, "profiles": rows}, indent=1))
