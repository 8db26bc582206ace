"""The command that compares two commits now."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
from asv.config import Config
from asv.plugin_manager import plugin_manager
from asv.repo import Repo, get_repo

from machmeter.cli.options import INTERRUPTED, NOTHING, Suite, suite_options
from machmeter.cli.progress import Progress
from machmeter.errors import ConfigurationError, ForeignPairsError, NothingToMeasureError
from machmeter.gate import environments
from machmeter.gate.compare import BUDGET_S, Request, compare
from machmeter.gate.interrupts import noticed
from machmeter.gate.trial import Trial
from machmeter.pairs import Comparison
from machmeter.report import text, verdict_text

SLOWER: Final = 1
INCONCLUSIVE: Final = 3
MACHINES_DIFFER: Final = 5
FAILED: Final = 6


class Share(click.ParamType[float]):
    """A share above 0: "1%" or "0.01"."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        """Read the share."""
        if isinstance(value, float):
            return value
        try:
            share = float(str(value).removesuffix("%")) / (100 if str(value).endswith("%") else 1)
        except ValueError:
            share = 0.0
        if not 0 < share < 1:
            self.fail(f'{value!r} is no share above 0 and below 1; write "1%" or "0.01".', param, ctx)
        return share


class Pattern(click.ParamType[str]):
    """A regular expression, refused before anything is installed if it is none."""

    name = "regex"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401
        """Check that it can be compiled."""
        try:
            re.compile(str(value))
        except re.error as error:
            self.fail(
                f'{value!r} is no regular expression ({error}); "re.escape" of Python helps.', param, ctx
            )
        return str(value)


format_option: Final = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "github"]),
    default="text",
    help="Of the table; github: annotations and the step's summary.",
)


profile_option: Final = click.option(
    "--profile/--no-profile",
    default=True,
    help="Name the function that made a benchmark slower, by py-spy (some 20 s a benchmark).",
)


@click.command(name="gate")
@click.argument("base")
@click.argument("head", required=False)
@click.option("-b", "--bench", "pattern", type=Pattern(), metavar="REGEX", help="Only benchmarks that match.")
@click.option(
    "--threshold",
    type=Share(),
    default="1%",
    show_default=True,
    help="The smallest slowdown that must be found.",
)
@click.option(
    "--alpha",
    type=Share(),
    default="0.01",
    show_default=True,
    help="Rate of false discoveries over all benchmarks.",
)
@click.option(
    "--budget",
    "budget_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help=f"For measuring all of them; {BUDGET_S:g} for each by default.",
)
@click.option("-E", "--environment", metavar="NAME", help="asv's name of it, where the matrix has several.")
@click.option("--resume", is_flag=True, help="Go on with the pairs of the last run on the same commits.")
@click.option("--fresh", is_flag=True, help="Have every process import everything itself (slower).")
@profile_option
@format_option
@suite_options
def gate(
    suite: Suite,
    base: str,
    head: str | None,
    *,
    profile: bool,
    form: str,
    as_json: bool,
    **asked: Any,  # noqa: ANN401 - click passes what it parsed
) -> None:
    """Did HEAD get slower than BASE? Measures both commits here, in turns, until the answer is certain.

    HEAD is the checked-out commit by default. Every pair is kept, also when you stop with Ctrl-C.

    Exit code 0: nothing is slower; 1: slower; 2: usage or configuration; 3: inconclusive; 4: nothing was
    measured; 5: machines differ; 6: a benchmark failed; 130: interrupted.
    """
    with asv_suite(suite) as (conf, repo), Progress(sys.stderr) as progress, noticed() as check:
        notes = _check_tree(str(conf.repo), head)

        def watch(trials: Sequence[Trial], left_s: float) -> None:
            check()
            progress.trials(trials, left_s)

        try:
            request = Request(
                base=environments.commit_of(repo, base),
                head=environments.commit_of(repo, head or "HEAD"),
                notes=notes,
                profile="slower" if profile else "never",
                **asked,
            )
            done = compare(conf, repo, request, watch, progress.say)
        except NothingToMeasureError as error:
            click.echo(f"machmeter: {error}", err=True)
            sys.exit(NOTHING)
        except ForeignPairsError as error:
            click.echo(f"machmeter: {error}", err=True)
            sys.exit(MACHINES_DIFFER)
        except KeyboardInterrupt:
            click.echo('machmeter: interrupted; "--resume" goes on with the pairs taken so far.', err=True)
            sys.exit(INTERRUPTED)
    show(done, form, as_json=as_json)
    sys.exit(exit_code(done))


def show(done: Comparison, form: str, *, as_json: bool) -> None:
    """Print a comparison in the form that was asked for."""
    if as_json:
        click.echo(verdict_text.to_json(done), nl=False)
    elif form == "markdown":
        click.echo(verdict_text.markdown(done), nl=False)
    elif form == "github":
        for line in verdict_text.annotations(done):
            click.echo(line)
        _summarise(verdict_text.markdown(done))
    else:
        verdict_text.show(done, text.console())


def exit_code(done: Comparison) -> int:
    """Exit code of a comparison."""
    words = {verdict.word for verdict in done.verdicts}
    if "slower" in words:
        return SLOWER
    if "failed" in words:
        return FAILED
    if "inconclusive" in words or "work changed" in words:
        return INCONCLUSIVE
    return 0 if words & {"unchanged", "faster"} else NOTHING


@contextlib.contextmanager
def asv_suite(suite: Suite) -> Iterator[tuple[Config, Repo]]:
    """Read a suite and its repository as asv does, from the configuration's folder."""
    conf = suite.conf
    with contextlib.chdir(suite.folder):
        plugin_manager.import_plugin("asv.plugins.git")
        yield conf, get_repo(conf)


def _check_tree(project: str, head: str | None) -> tuple[str, ...]:
    """Say that uncommitted changes are not measured; without a named head they may be what was meant.

    Raises
    ------
    ConfigurationError
        If no head was named and there are such changes.
    """
    if not Path(project).is_dir():  # a repository somewhere else: nobody edits it here
        return ()
    command = ["git", "-C", project, "status", "--porcelain", "--untracked-files=no"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    changed = [line[3:] for line in done.stdout.splitlines()]
    if not changed:
        return ()
    if head is None:
        raise ConfigurationError(
            f"{len(changed)} files have uncommitted changes ({', '.join(changed[:3])}).",
            "The gate compares commits, so they would not be measured.",
            'Commit them first, or name the head ("machmeter gate BASE HEAD") to leave them out.',
        )
    return (
        f"{len(changed)} files have uncommitted changes: commits were measured, with the suite as it is here",
    )


def _summarise(markdown: str) -> None:
    """Append to the step's summary; print where there is none."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path is None:
        click.echo(markdown, nl=False)
        return
    with Path(path).open("a", encoding="utf-8") as stream:
        stream.write(markdown)
