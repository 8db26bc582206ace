"""The command ``machmeter``: parse, call one function, print."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from asv.config import Config
from asv.util import UserError

from machmeter.errors import MachmeterError
from machmeter.machine import document
from machmeter.machine.fingerprint import fingerprint
from machmeter.report import text
from machmeter.report.summary import summarise
from machmeter.results import sidecars
from machmeter.results.layout import samples_dir

#: Exit codes of the design: usage or configuration; nothing measured.
_USAGE, _NOTHING = 2, 4


class _Group(click.Group):
    """Prints deliberate errors in one paragraph instead of a traceback."""

    def invoke(self, context: click.Context) -> Any:  # noqa: ANN401 - click's signature
        try:
            return super().invoke(context)
        except (MachmeterError, UserError) as error:
            click.echo(f"machmeter: {error}", err=True)
            sys.exit(_USAGE)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="machmeter")
def main() -> None:
    """Show how fast the code is relative to its machine.

    Measurements are made by asv ("asv run", "asv publish") with the machmeter plugin.
    """


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the whole fingerprint as JSON.")
def machine(*, as_json: bool) -> None:
    """Show this machine's tag and the facts that it stands for."""
    here = fingerprint()
    if as_json:
        click.echo(document.to_json(here), nl=False)
        return
    click.echo(here.tag)
    for name, value in [*here.identity.items(), *here.state.items()]:
        shown = value if isinstance(value, str | int | float) else json.dumps(value)
        click.echo(f"  {name.replace('_', ' ')}: {_shortened(str(shown))}")


@main.command()
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="asv's configuration file.")
@click.option("--commit", help="Only commits that start with this hash.")
@click.option("-b", "--bench", help="Only benchmarks whose name holds this text.")
@click.option("--all-machines", is_flag=True, help="Every machine's samples, not only this one's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def samples(
    config: Path | None, commit: str | None, bench: str | None, *, all_machines: bool, as_json: bool
) -> None:
    """Show the samples of this machine: seconds and CPU seconds an item, items a second."""
    found = sidecars.read(_samples_folder(config, all_machines=all_machines))
    for problem in found.problems:
        click.echo(f"machmeter: {problem}", err=True)
    chosen = [
        sample
        for sample in found.samples
        if sample.commit.startswith(commit or "") and (bench or "") in sample.benchmark
    ]
    if not chosen:
        click.echo(
            'machmeter: no samples. They are taken by "asv run"; see "machmeter samples --help".', err=True
        )
        sys.exit(_NOTHING)
    rows = summarise(chosen)
    if as_json:
        click.echo(text.json_lines(rows), nl=False)
        return
    for table in text.tables(rows):
        text.console().print(table)


def _samples_folder(config: Path | None, *, all_machines: bool) -> Path:
    """Find the folder that the suite's configuration names, relative to that file."""
    conf = Config.load(None if config is None else str(config))
    base = Path() if config is None else config.parent
    folder = samples_dir(base / conf.results_dir, fingerprint().tag)
    return folder.parent if all_machines else folder


def _shortened(value: str, most: int = 100) -> str:
    return value if len(value) <= most else f'{value[:most]}… ("--json" shows all)'
