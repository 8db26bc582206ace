"""The command ``machmeter``: parse, call one function, print."""

import signal
import sys
import traceback
from typing import Any, NoReturn

import click
from asv.util import UserError

from machmeter.cli import bisect, calibrate, changes, confirm, flame, gate, machine, samples
from machmeter.cli.options import DEFECT, INTERRUPTED, USAGE
from machmeter.errors import MachmeterError


class _Group(click.Group):
    """Prints deliberate errors in one paragraph, and never ends by accident with a code that is a verdict."""

    def invoke(self, context: click.Context) -> Any:  # noqa: ANN401 - click's signature
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            return super().invoke(context)
        except (MachmeterError, UserError) as error:
            click.echo(f"machmeter: {error}", err=True)
            sys.exit(USAGE)
        except KeyboardInterrupt:
            click.echo("machmeter: interrupted.", err=True)
            sys.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception:  # noqa: BLE001 - Python's own exit code for it is 1, which means "slower"
            traceback.print_exc()
            click.echo("machmeter: this is a defect of machmeter; please report the lines above.", err=True)
            sys.exit(DEFECT)


def _interrupt(*_: object) -> NoReturn:
    """End in order on SIGTERM as on Ctrl-C: temporary folders and processes are removed."""
    raise KeyboardInterrupt


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="machmeter")
def main() -> None:
    """Show how fast the code is relative to its machine.

    Measurements are made by asv ("asv run", "asv publish") with the machmeter plugin.
    """


for _command in (
    machine.show_machine,
    machine.doctor,
    machine.health,
    machine.show_limits,
    samples.show_samples,
    changes.show_changes,
    gate.gate,
    confirm.confirm_command,
    flame.flame,
    bisect.bisect_command,
    calibrate.calibrate_command,
):
    main.add_command(_command)
