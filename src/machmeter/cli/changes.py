"""The command about the history's changes."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from machmeter.cli.options import NOTHING, Suite, suite_options
from machmeter.errors import UnknownTagError
from machmeter.machine.fingerprint import fingerprint
from machmeter.report import changes_text, labels, text
from machmeter.results import changes, choice, history
from machmeter.results.change import Change
from machmeter.results.history import History

_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the results lie, and the project's repository if there is one here."""

    results_dir: Path
    project: Path | None


@click.command(name="changes")
@click.option("-b", "--bench", "pattern", metavar="REGEX", default="", help="Only benchmarks that match.")
@click.option("--machine", "tag", metavar="TAG", help="Of this machine; otherwise the one here, or all.")
@click.option(
    "--results",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Any asv results directory; needs no configuration and no repository.",
)
@click.option(
    "--since", metavar="COMMIT|DATE", help="Only what came after a commit, or from a date (UTC) on."
)
@click.option(
    "--minimum",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="PERCENT",
    help="Smallest change.",
)
@click.option("--all", "improvements", is_flag=True, help="Improvements too.")
@click.option(
    "--most",
    type=click.IntRange(min=0),
    default=_MOST,
    show_default=True,
    metavar="N",
    help="How many to print, the newest; 0: all. JSON is always whole.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown"]), default="text", help="Of the tables."
)
@click.option("-v", "--verbose", is_flag=True, help="Say what became of the cache beside the results.")
@suite_options
def show_changes(suite: Suite, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes what it parsed
    """Show at which commits benchmarks became slower, by how much, and whether they still are.

    Reads asv's result files. Each machine, environment and set of parameters is a history of its own. A
    benchmark that was changed, or did other work, is no regression. A change is suspected until
    "machmeter confirm ID" has measured its two commits here.

    Exit code 0: the results were read, whatever was found; 2: wrong usage; 4: there are no results, or no
    benchmark matches.
    """
    place = _place(suite, options["results"])
    found = history.read(place.results_dir, _machines(place.results_dir, options["tag"]), place.project)
    chosen = choice.matching(found.series, _compiled(options["pattern"]))
    _tell(found.problems)
    if not chosen:
        _stop(found, options["pattern"], place.results_dir)
    since = choice.since(options["since"], found, place.project) if options["since"] else None
    every = len(chosen) == len(found.series)
    result = changes.find(place.results_dir, found, None if every else chosen)
    _tell(result.problems)
    _tell_notes((*found.notes, *result.notes), verbose=options["verbose"])
    worth = choice.worth_showing(
        (change for change, _ in result.found),
        options["minimum"] / 100,
        since,
        improvements=options["improvements"],
    )
    _print(worth, len(chosen), "json" if as_json else options["form"], options["most"])


def _place(suite: Suite, results: Path | None) -> _Place:
    if results is not None:
        # Our files stand beside the folder: it needs a name of its own.
        return _Place(results.resolve() if ".." in results.parts else results.absolute(), None)
    repository = suite.folder / str(suite.conf.repo)
    return _Place(suite.results_dir.absolute(), repository if repository.is_dir() else None)


def _machines(results_dir: Path, tag: str | None) -> tuple[str, ...]:
    known = history.machines_with_results(results_dir)
    if tag is not None:
        if tag not in known:
            raise UnknownTagError(tag, known)
        return (tag,)
    here = fingerprint().tag
    if here in known:
        return (here,)
    if known:
        click.echo(
            f"machmeter: {here}, this machine, has no results here; those of all machines are shown.",
            err=True,
        )
    return known


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        msg = f'"{pattern}" is no regular expression: {error}.'
        raise click.UsageError(msg) from error


def _stop(found: History, pattern: str, results_dir: Path) -> None:
    """End where there is nothing to look at: that is never the same as nothing found."""
    if found.series:
        reason = (
            f'no benchmark matches "{labels.printable(pattern)}". {len(found.series):,} series are there.'
        )
    else:
        reason = f'{results_dir} holds no results. "asv run" measures; "--results DIR" reads others.'
    click.echo(f"machmeter: {reason}", err=True)
    sys.exit(NOTHING)


def _tell(problems: tuple[str, ...]) -> None:
    for problem in problems:
        click.echo(f"machmeter: {labels.printable(problem)}", err=True)


def _tell_notes(notes: tuple[str, ...], *, verbose: bool) -> None:
    for note in notes:
        if verbose or "could not be kept" in note:
            click.echo(f"machmeter: {labels.printable(note)}", err=True)


def _print(worth: list[Change], series: int, form: str, most: int) -> None:
    shown = worth[:most] if most else worth
    if form == "json":
        click.echo(changes_text.json_lines(worth), nl=False)
    elif form == "markdown":
        click.echo(changes_text.markdown(shown))
        click.echo(changes_text.summary(shown, worth, series))
    else:
        out = text.console()
        changes_text.show(shown, out)
        out.print(changes_text.summary(shown, worth, series), soft_wrap=True, highlight=False)
