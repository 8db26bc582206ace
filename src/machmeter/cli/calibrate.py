"""The command that tells what a node can resolve."""

import contextlib
import sys
from collections.abc import Sequence
from typing import Final

import click
import numpy as np
from asv.util import UserError

from machmeter.cli.gate import INCONCLUSIVE
from machmeter.cli.options import INTERRUPTED, Suite, suite_options
from machmeter.cli.progress import Progress
from machmeter.gate.calibrate import calibrate
from machmeter.gate.replays import Noise
from machmeter.report import calibration_text, text
from machmeter.results import calibrations
from machmeter.results.calibrations import Calibration

#: Enough for about 20 verdicts on each kernel where a pair takes 0.2 s.
_SECONDS: Final = 120.0
#: How often it is told how far it is, in shares of the time.
_TOLD: Final = 0.2


@click.command(name="calibrate")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=_SECONDS,
    show_default=True,
    help="For measuring; smaller slowdowns and narrower ranges take longer.",
)
@suite_options
def calibrate_command(suite: Suite, *, seconds: float, as_json: bool) -> None:
    """Find out which slowdowns this node can find, how fast, and how often it is wrong.

    Measures a built-in workload against itself and against copies that do 0.2% to 5% more work, and replays
    the gate's verdicts on the pairs. Needs no repository; where there is a suite, the result is kept beside
    its results. Ctrl-C prints what is known so far.

    Exit code 0: at least 5% is found; 2: wrong usage; 3: not even 5%; 130: interrupted.
    """
    with Progress(sys.stderr) as progress:
        found = calibrate(seconds, _Teller(progress, seconds))
    if found.rows:
        _keep(suite, found)
    if as_json:
        click.echo(calibrations.to_json(found), nl=False)
    else:
        calibration_text.show(found, text.console())
    if found.ended:
        sys.exit(INTERRUPTED)
    sys.exit(0 if found.rows and found.rows[0].is_found else INCONCLUSIVE)


class _Teller:
    """Tells now and then how far it is."""

    def __init__(self, progress: Progress, seconds: float) -> None:
        self._progress, self._seconds = progress, seconds
        self._next_s = seconds

    def __call__(self, taken: Sequence[Noise], left_s: float) -> None:
        if left_s > self._next_s:
            return
        self._next_s = left_s - _TOLD * self._seconds
        same = [each.ratio for each in taken if not each.effect]
        centre = 100 * float(np.median(same)) if same else 0.0
        self._progress.say(
            f"{len(taken)} pairs, identical copies differ by {centre:+.2f}%, {max(0.0, left_s):.0f} s left"
        )


def _keep(suite: Suite, found: Calibration) -> None:
    """Keep it beside the results of a suite, if there is one here."""
    with contextlib.suppress(UserError):
        calibrations.write(suite.results_dir.absolute(), found)
