"""The command ``machmeter``: parse, call one function, print."""

import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from asv.config import Config
from asv.util import UserError

from machmeter.environment import session
from machmeter.errors import MachmeterError
from machmeter.machine import document, limits
from machmeter.machine.comparison import difference
from machmeter.machine.doctor.examination import examine
from machmeter.machine.doctor.finding import is_fit
from machmeter.machine.fingerprint import fingerprint
from machmeter.report import doctor_text, labels, machine_text, machines_text, text
from machmeter.report.summary import summarise
from machmeter.results import health_records, machines, sidecars
from machmeter.results.layout import samples_dir

#: Exit codes of the design: something is unfit or slow; usage or configuration; nothing measured.
_UNFIT, _USAGE, _NOTHING = 1, 2, 4


class _Group(click.Group):
    """Prints deliberate errors in one paragraph instead of a traceback."""

    def invoke(self, context: click.Context) -> Any:  # noqa: ANN401 - click's signature
        try:
            return super().invoke(context)
        except (MachmeterError, UserError) as error:
            click.echo(f"machmeter: {error}", err=True)
            sys.exit(_USAGE)


def _suite_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add ``--config`` and ``--json`` and pass the suite's configuration on."""

    @click.option(
        "--config", type=click.Path(dir_okay=False, path_type=Path), help="asv's configuration file."
    )
    @click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
    @functools.wraps(command)
    def with_suite(config: Path | None, **options: Any) -> None:  # noqa: ANN401 - click passes what it parsed
        command(suite=_Suite(config), **options)

    return with_suite


class _Suite:
    """Folders of the suite that a configuration file describes, read when they are needed."""

    def __init__(self, config: Path | None) -> None:
        self._config = config

    @functools.cached_property
    def _conf(self) -> Config:
        return Config.load(None if self._config is None else str(self._config))

    def _folder(self, name: str) -> Path:
        return (Path() if self._config is None else self._config.parent) / name

    @property
    def results_dir(self) -> Path:
        """asv's results directory."""
        return self._folder(self._conf.results_dir)

    @property
    def env_dir(self) -> Path:
        """Where asv's environments lie."""
        return self._folder(self._conf.env_dir)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="machmeter")
def main() -> None:
    """Show how fast the code is relative to its machine.

    Measurements are made by asv ("asv run", "asv publish") with the machmeter plugin.
    """


@main.command()
@click.option("--list", "list_all", is_flag=True, help="List every machine that has results in this suite.")
@click.option("--diff", "tags", nargs=2, metavar="TAG TAG", help="Show which facts of two machines differ.")
@_suite_options
def machine(suite: _Suite, tags: tuple[str, str] | None, *, list_all: bool, as_json: bool) -> None:
    """Show this machine's tag and the facts that it stands for."""
    here, out = fingerprint(), text.console()
    if list_all:
        found = machines.known(suite.results_dir)
        click.echo(machines_text.known_json(found), nl=False) if as_json else machines_text.show_known(
            found, out
        )
    elif tags:
        one, other = (machines.find(suite.results_dir, tag, here) for tag in tags)
        facts = difference(one, other)
        if as_json:
            click.echo(machines_text.difference_json(one, other, facts), nl=False)
        else:
            machines_text.show_difference(one, other, facts, out)
    elif as_json:
        click.echo(document.to_json(here), nl=False)
    else:
        click.echo(here.tag)
        for name, value in [*here.identity.items(), *here.state.items()]:
            shown = value if isinstance(value, str | int | float) else json.dumps(value)
            click.echo(f"  {name.replace('_', ' ')}: {_shortened(str(shown))}")


@main.command()
@_suite_options
def doctor(suite: _Suite, *, as_json: bool) -> None:
    """Tell whether this node is fit to measure now, and what to do if not.

    Changes no setting. Exit code 0: fit; 1: unfit.
    """
    data = session.data_directory()
    try:
        results = suite.results_dir
    except UserError:  # a node can be examined before there is a suite on it
        results = data
    findings = examine(data, results)
    if as_json:
        click.echo(doctor_text.to_json(findings), nl=False)
    else:
        doctor_text.show(findings, text.console())
    sys.exit(0 if is_fit(findings) else _UNFIT)


@main.command()
@_suite_options
def health(suite: _Suite, *, as_json: bool) -> None:
    """Run the reference kernels (5 s) and compare this node with its class.

    The observation is kept. Exit code 0: healthy or not known yet; 1: slow.
    """
    record = session.observe(suite.results_dir, session.suite_python(suite.env_dir))
    if as_json:
        click.echo(machine_text.to_json(record), nl=False)
    else:
        text.console().print(machine_text.health_table(record))
        click.echo(machine_text.advice(record.health))
    sys.exit(_UNFIT if record.health.slow else 0)


@main.command(name="limits")
@click.argument("directory", required=False, type=click.Path(file_okay=False, exists=True, path_type=Path))
@_suite_options
def show_limits(suite: _Suite, directory: Path | None, *, as_json: bool) -> None:
    """Measure what this node can do at most (under a minute): copies, reads, decoding, products.

    DIRECTORY is where the storage is measured; the data directory by default. The record is kept.
    """
    setting = session.here(session.suite_python(suite.env_dir), directory)
    click.echo("Measuring the limits of this node (under a minute) ...", err=True)
    record = limits.measure(setting)
    health_records.write(suite.results_dir, record)
    if as_json:
        click.echo(machine_text.to_json(record), nl=False)
    else:
        text.console().print(machine_text.limits_table(record))


@main.command()
@click.option("--commit", help="Only commits that start with this hash.")
@click.option("-b", "--bench", help="Only benchmarks whose name holds this text.")
@click.option("--all-machines", is_flag=True, help="Every machine's samples, not only this one's.")
@_suite_options
def samples(
    suite: _Suite, commit: str | None, bench: str | None, *, all_machines: bool, as_json: bool
) -> None:
    """Show the samples of this machine: seconds and CPU seconds an item, items a second."""
    folder = samples_dir(suite.results_dir, fingerprint().tag)
    found = sidecars.read(folder.parent if all_machines else folder)
    for problem in found.problems:
        click.echo(f"machmeter: {labels.printable(problem)}", err=True)
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


def _shortened(value: str, most: int = 100) -> str:
    return value if len(value) <= most else f'{value[:most]}… ("--json" shows all)'
