"""Commands about this machine: what it is, whether it is fit, how fast it can be."""

import json
import sys
from pathlib import Path

import click
from asv.util import UserError

from machmeter.cli.options import UNFIT, Suite, suite_options
from machmeter.environment import session
from machmeter.machine import document, limits
from machmeter.machine.comparison import difference
from machmeter.machine.doctor.examination import examine
from machmeter.machine.doctor.finding import is_fit
from machmeter.machine.fingerprint import fingerprint
from machmeter.report import doctor_text, machine_text, machines_text, text
from machmeter.results import health_records, machines


@click.command(name="machine")
@click.option("--list", "list_all", is_flag=True, help="List every machine that has results in this suite.")
@click.option("--diff", "tags", nargs=2, metavar="TAG TAG", help="Show which facts of two machines differ.")
@suite_options
def show_machine(suite: Suite, tags: tuple[str, str] | None, *, list_all: bool, as_json: bool) -> None:
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


@click.command()
@suite_options
def doctor(suite: Suite, *, as_json: bool) -> None:
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
    sys.exit(0 if is_fit(findings) else UNFIT)


@click.command()
@suite_options
def health(suite: Suite, *, as_json: bool) -> None:
    """Run the reference kernels (5 s) and compare this node with its class.

    The observation is kept. Exit code 0: healthy or not known yet; 1: slow.
    """
    record = session.observe(suite.results_dir, session.suite_python(suite.env_dir))
    if as_json:
        click.echo(machine_text.to_json(record), nl=False)
    else:
        text.console().print(machine_text.health_table(record))
        click.echo(machine_text.advice(record.health))
    sys.exit(UNFIT if record.health.slow else 0)


@click.command(name="limits")
@click.argument("directory", required=False, type=click.Path(file_okay=False, exists=True, path_type=Path))
@suite_options
def show_limits(suite: Suite, directory: Path | None, *, as_json: bool) -> None:
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


def _shortened(value: str, most: int = 100) -> str:
    return value if len(value) <= most else f'{value[:most]}… ("--json" shows all)'
