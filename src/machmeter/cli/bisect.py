"""The command that finds the first slow commit."""

import sys
from typing import Any

import click

from machmeter.cli.gate import (
    INCONCLUSIVE,
    SLOWER,
    Pattern,
    Share,
    asv_suite,
    exit_code,
)
from machmeter.cli.options import INTERRUPTED, NOTHING, Suite, suite_options
from machmeter.cli.progress import Progress
from machmeter.errors import NothingToMeasureError
from machmeter.gate import environments
from machmeter.gate.bisect import STOPPED, Hooks, bisect
from machmeter.gate.compare import Request
from machmeter.pairs import Comparison
from machmeter.report import bisection_text, labels, text, verdict_text
from machmeter.results import bisections
from machmeter.results.bisections import Bisection


@click.command(name="bisect")
@click.argument("good")
@click.argument("bad")
@click.option(
    "-b",
    "--bench",
    "pattern",
    type=Pattern(),
    metavar="REGEX",
    required=True,
    help="The benchmark; with its parameters where it has any.",
)
@click.option(
    "--threshold", type=Share(), default="1%", show_default=True, help="The smallest slowdown that counts."
)
@click.option(
    "--alpha", type=Share(), default="0.01", show_default=True, help="Error rate of the confirmation."
)
@click.option(
    "--budget",
    "budget_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="For measuring and installing; the search takes what it needs by default.",
)
@click.option("-E", "--environment", metavar="NAME", help="asv's name of it, where the matrix has several.")
@click.option("--resume", is_flag=True, help="Go on with the pairs of an earlier search.")
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown"]), default="text", help="Of the table."
)
@suite_options
def bisect_command(suite: Suite, good: str, bad: str, *, form: str, as_json: bool, **asked: Any) -> None:  # noqa: ANN401
    """Find the commit after GOOD that made a benchmark slower in BAD.

    First BAD is confirmed to be slower. Then commits of the main line between them (first parents) are
    compared with GOOD, a few pairs each, until one is the first slow commit with a probability of 99%.
    Commits that do not build, or where the benchmark fails, are passed over. Every pair is kept; Ctrl-C
    prints what is known, and "--resume" goes on.

    Exit code 0: BAD is not slower; 1: a slow commit was found; 2: usage or configuration; 3: inconclusive, or
    the time was over; 4: no such benchmark; 6: it failed; 130: interrupted.
    """
    with asv_suite(suite) as (conf, repo), Progress(sys.stderr) as progress:
        try:
            request = Request(
                base=environments.commit_of(repo, good), head=environments.commit_of(repo, bad), **asked
            )
            confirmed, found = bisect(conf, repo, request, Hooks(progress.trials, progress.say))
        except NothingToMeasureError as error:
            click.echo(f"machmeter: {error}", err=True)
            sys.exit(NOTHING)
        except KeyboardInterrupt:
            click.echo(
                'machmeter: stopped while confirming; "--resume" goes on with the pairs so far.', err=True
            )
            sys.exit(INTERRUPTED)
    _show(confirmed, found, "json" if as_json else form)
    sys.exit(_exit_code(confirmed, found))


def _show(confirmed: Comparison, found: Bisection, form: str) -> None:
    if form == "json":
        click.echo(bisections.to_json(found), nl=False)
    elif form == "markdown":
        click.echo(verdict_text.markdown(confirmed))
        click.echo(bisection_text.markdown(found) if found.steps else _not_slower(found), nl=False)
    else:
        out = text.console()
        verdict_text.show(confirmed, out)
        if found.steps:
            bisection_text.show(found, out)
        else:
            click.echo(_not_slower(found))


def _not_slower(found: Bisection) -> str:
    bad, good = labels.short_commit(found.bad), labels.short_commit(found.good)
    return f"Nothing to search for: {bad} is not known to be slower than {good} ({found.word})."


def _exit_code(confirmed: Comparison, found: Bisection) -> int:
    if found.ended == STOPPED:
        return INTERRUPTED
    if found.ended:
        return INCONCLUSIVE
    return SLOWER if found.steps else exit_code(confirmed)
