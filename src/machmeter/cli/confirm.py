"""The command that asks the gate about a change of the history."""

import sys
from pathlib import Path
from typing import Any

import click

from machmeter.cli.gate import (
    MACHINES_DIFFER,
    Share,
    asv_suite,
    exit_code,
    format_option,
    profile_option,
    show,
)
from machmeter.cli.options import INTERRUPTED, NOTHING, Suite, suite_options
from machmeter.cli.progress import Progress
from machmeter.errors import ForeignChangeError, NothingToMeasureError
from machmeter.gate.confirm import Wish, confirm, find
from machmeter.pairs import Comparison
from machmeter.report import confirmation_text
from machmeter.results.change import Change


@click.command(name="confirm")
@click.argument("change")
@click.option(
    "--threshold",
    type=Share(),
    help="The smallest difference that counts; half of the suspected one by default, but 0.5% to 1%.",
)
@click.option("--alpha", type=Share(), default="0.01", show_default=True, help="Error rate.")
@click.option(
    "--budget",
    "budget_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="For measuring; the gate's by default.",
)
@click.option("-E", "--environment", metavar="NAME", help="asv's name of it; that of the change by default.")
@click.option("--resume", is_flag=True, help="Go on with the pairs of an interrupted run.")
@profile_option
@format_option
@suite_options
def confirm_command(suite: Suite, change: str, *, form: str, as_json: bool, **wishes: Any) -> None:  # noqa: ANN401
    """Measure the two commits of a CHANGE here, and keep the answer.

    CHANGE is the identifier that "machmeter changes" prints, or its beginning. The gate compares the last
    commit that was certainly before the change with the first one certainly after it. "slower" confirms a
    regression, "unchanged" refutes it, and "machmeter changes" shows that from then on.

    Exit code 0: not slower; 1: slower; 2: no such change, or wrong usage; 3: inconclusive; 4: nothing was
    measured; 5: the change was seen on other hardware; 6: the benchmark failed; 130: interrupted.
    """
    with asv_suite(suite) as (conf, repo), Progress(sys.stderr) as progress:
        try:
            suspect = find(Path(conf.results_dir).absolute(), change, _project(conf.repo))
            done, answered = confirm(conf, repo, suspect, Wish(**wishes), progress.trials, progress.say)
        except NothingToMeasureError as error:
            click.echo(f"machmeter: {error}", err=True)
            sys.exit(NOTHING)
        except ForeignChangeError as error:
            click.echo(f"machmeter: {error}", err=True)
            sys.exit(MACHINES_DIFFER)
        except KeyboardInterrupt:
            click.echo('machmeter: interrupted; "--resume" goes on with the pairs taken so far.', err=True)
            sys.exit(INTERRUPTED)
    _show(done, answered, form, as_json=as_json)
    sys.exit(exit_code(done))


def _project(repository: object) -> Path | None:
    folder = Path(str(repository))
    return folder if folder.is_dir() else None


def _show(done: Comparison, answered: Change, form: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(confirmation_text.to_json(done, answered), nl=False)
        return
    show(done, form, as_json=False)
    for line in confirmation_text.sentences(answered):
        click.echo(line)
