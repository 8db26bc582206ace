"""The command about samples."""

import sys

import click

from machmeter.cli.options import NOTHING, Suite, suite_options
from machmeter.machine.fingerprint import fingerprint
from machmeter.report import labels, text
from machmeter.report.summary import summarise
from machmeter.results import sidecars
from machmeter.results.layout import samples_dir


@click.command(name="samples")
@click.option("--commit", help="Only commits that start with this hash.")
@click.option("-b", "--bench", help="Only benchmarks whose name holds this text.")
@click.option("--all-machines", is_flag=True, help="Every machine's samples, not only this one's.")
@suite_options
def show_samples(
    suite: Suite, commit: str | None, bench: str | None, *, all_machines: bool, as_json: bool
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
        sys.exit(NOTHING)
    rows = summarise(chosen)
    if as_json:
        click.echo(text.json_lines(rows), nl=False)
        return
    for table in text.tables(rows):
        text.console().print(table)
