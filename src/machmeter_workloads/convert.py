"""The command "python -m machmeter_workloads.convert": cubes from one storage format to another."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self, TextIO

from machmeter_workloads.errors import UnwritableError, WorkloadError
from machmeter_workloads.storage.atomic import remove_abandoned
from machmeter_workloads.storage.conversion import Job, Outcome, Status, find_jobs
from machmeter_workloads.storage.conversion_pool import convert_all
from machmeter_workloads.storage.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Sequence

OK, SOME_FAILED, USAGE = 0, 1, 2
# HTC has one command for both: "htc raw16 --precision 16" writes what is called "fp16" here.
PRECISIONS = {("blosc", 32): "blosc", ("blosc", 16): "fp16", ("fp16", 16): "fp16"}
MEGA = 1e6

DESCRIPTION = """\
Convert cubes from one storage format to another.

Every file of SOURCE_DIR and its subfolders that has the suffix of the source's format becomes one file of the
same name and subfolder in TARGET_DIR. A file appears there only when it is complete, and is read back and
compared with its source. Files that are there already are kept, so an interrupted conversion is resumed by
running it again. A source that cannot be read is named, and the others are converted."""

EPILOG = """\
formats:
  original  the camera's own: big-endian float32 (.dat)
  blosc     Blosc, Zstandard, float32 (.blosc), as HTC writes it with "htc raw16 --precision 32"
  fp16      the same as float16 (.blosc), as HTC writes it with "htc raw16 --precision 16"
  raw16     uncompressed float16, to be mapped into memory (.raw16)
  lz4_16    float16, LZ4 in pieces of a MiB, quick to decode (.lz4)
  b2nd      float16, LZ4 in tiles of 32 x 32 pixels, for windows of a cube (.b2nd)

exit status:
  0  every file is converted, or was before
  1  some files could not be converted; they are named on stderr
  2  wrong arguments, or nothing to convert
  130, 143  interrupted; finished files are kept

example:
  python -m machmeter_workloads.convert data/camera data/half --from original --to fp16"""


@dataclass
class Summary:
    """What happened so far.

    Parameters
    ----------
    counts : Counter of Status
        Files.
    source_bytes, target_bytes : int
        Of those that did not fail.
    failures : list of Outcome
        Those that did.
    """

    counts: Counter[Status] = field(default_factory=Counter)
    source_bytes: int = 0
    target_bytes: int = 0
    failures: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one more file.

        Parameters
        ----------
        outcome : Outcome
            What became of it.
        """
        self.counts[outcome.status] += 1
        self.source_bytes += outcome.source_bytes
        self.target_bytes += outcome.target_bytes
        if outcome.status is Status.FAILED:
            self.failures.append(outcome)

    @property
    def done(self) -> int:
        """Files that are through, whatever became of them."""
        return self.counts.total()

    def __str__(self) -> str:
        return ", ".join(f"{self.counts[status]} {status.value}" for status in Status)


class Progress:
    """Shows how far it is: one line that is written over on a terminal, else a line for each percent.

    Parameters
    ----------
    total : int
        Files.
    stream : TextIO
        Usually stderr.
    """

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._overwrite = stream.isatty()
        self._percent = 0
        self._started = time.monotonic()

    def show(self, outcome: Outcome, summary: Summary) -> None:
        """Tell of one more file; a failure gets lines of its own.

        Parameters
        ----------
        outcome : Outcome
            The latest.
        summary : Summary
            With the latest.
        """
        if outcome.status is Status.FAILED:
            self._line(" ".join(part for part in (outcome.problem, outcome.advice) if part))
        percent = 100 * summary.done // self._total
        if self._overwrite:
            self._stream.write(f"\r\x1b[K{self._text(summary)}")
            self._stream.flush()
        elif percent > self._percent:
            self._line(self._text(summary))
        self._percent = percent

    def end(self) -> None:
        """Leave the line that is written over."""
        if self._overwrite:
            self._line("")

    def _line(self, text: str) -> None:
        self._stream.write(f"\r\x1b[K{text}\n" if self._overwrite and text else f"{text}\n")
        self._stream.flush()

    def _text(self, summary: Summary) -> str:
        elapsed = max(time.monotonic() - self._started, 1e-9)
        left = round(elapsed / summary.done * (self._total - summary.done))
        rate = summary.source_bytes / elapsed / MEGA
        return f"{summary.done} of {self._total} files ({summary}), {rate:.0f} MB/s, {left} s left"


class Interruption:
    """Turns a first Ctrl-C or SIGTERM into a request to stop after the files in hand; a second kills."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self) -> bool:
        """Tell whether to stop."""
        return self.signal is not None

    def __enter__(self) -> Self:
        self._before = {
            number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: object) -> None:
        self.signal = number
        signal.signal(number, signal.SIG_DFL)
        # Not print: the signal may have come in the middle of one.
        os.write(2, b"\nStopping after the files that are being written; once more stops at once.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert what the command line names.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; ``sys.argv`` if it is not given.

    Returns
    -------
    int
        The exit status.
    """
    options = _parser().parse_args(arguments)
    try:
        jobs = _plan(options)
    except WorkloadError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    with Interruption() as stop:
        summary = _convert(options, jobs, stop)
    if stop.signal is not None:
        return 128 + stop.signal
    return SOME_FAILED if summary.failures else OK


def _convert(options: argparse.Namespace, jobs: Sequence[Job], stop: Interruption) -> Summary:
    started = time.monotonic()
    progress, summary = Progress(len(jobs), sys.stderr), Summary()
    for outcome in convert_all(jobs, min(options.workers, len(jobs)), stop):
        summary.add(outcome)
        progress.show(outcome, summary)
    progress.end()
    _report(options, len(jobs), summary, time.monotonic() - started)
    return summary


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m machmeter_workloads.convert",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("source", type=Path, metavar="SOURCE_DIR", help="folder of cubes")
    add("target", type=Path, metavar="TARGET_DIR", help="folder for the converted cubes; made if missing")
    add("--from", dest="source_format", choices=FORMATS, required=True, help="format of the source")
    add("--to", dest="target_format", choices=FORMATS, required=True, help="format of the target")
    add(
        "--precision",
        type=int,
        choices=(16, 32),
        help="bits of a value, for --to blosc (as in HTC: 16 is fp16)",
    )
    add(
        "--verify",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="compare each target with its source, also those that were there before",
    )
    add("--workers", type=_positive, default=_usable_cpus(), help="processes (default: %(default)s)")
    add("--json", action="store_true", help="print a summary as JSON")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no number of processes")
    if int(text) < 1:
        raise argparse.ArgumentTypeError("at least 1 process is needed")
    return int(text)


def _usable_cpus() -> int:
    return len(os.sched_getaffinity(0))


def _plan(options: argparse.Namespace) -> list[Job]:
    options.target_format = _at_precision(options.target_format, options.precision)
    if options.source_format == options.target_format:
        raise WorkloadError(
            f'The cubes are to be converted from "{options.source_format}" to the same format.',
            "Nothing would change.",
            "Give another format to --to.",
        )
    suffix = FORMATS[options.source_format].suffix
    same_names = suffix == FORMATS[options.target_format].suffix
    if same_names and options.source.resolve() == options.target.resolve():
        raise WorkloadError(
            f"{options.target} is the source, and the converted files would have the same names.",
            "A source is never changed.",
            "Give another TARGET_DIR.",
        )
    jobs = find_jobs(
        options.source, options.target, options.source_format, options.target_format, verify=options.verify
    )
    if not jobs:
        raise WorkloadError(
            f'{options.source} holds no file that ends in "{suffix}".',
            f'Cubes of the format "{options.source_format}" do.',
            "Give the folder that holds them, or another format to --from.",
        )
    _tidy({job.target.parent for job in jobs})
    return jobs


def _at_precision(target_format: str, precision: int | None) -> str:
    if precision is None:
        return target_format
    if (target_format, precision) not in PRECISIONS:
        raise WorkloadError(
            f'There is no format "{target_format}" with {precision} bits.',
            'Only "blosc" exists with 16 and with 32.',
            "Leave --precision out, or write --to blosc.",
        )
    return PRECISIONS[target_format, precision]


def _tidy(folders: set[Path]) -> None:
    """Remove what killed conversions left behind."""
    for folder in folders:
        try:
            remove_abandoned(folder)
        except OSError as error:
            raise UnwritableError.of(folder, error) from error


def _report(options: argparse.Namespace, total: int, summary: Summary, seconds: float) -> None:
    left = total - summary.done
    if options.json:
        text = json.dumps(_facts(options, summary) | {"not_begun": left, "seconds": round(seconds, 3)})
    else:
        text = (
            f"{summary}{f', {left} not begun' if left else ''}: {summary.source_bytes / MEGA:.1f} MB of "
            f"{options.source_format} are {summary.target_bytes / MEGA:.1f} MB of {options.target_format}."
        )
    sys.stdout.write(f"{text}\n")


def _facts(options: argparse.Namespace, summary: Summary) -> dict[str, object]:
    return {
        "source": str(options.source),
        "target": str(options.target),
        "from": options.source_format,
        "to": options.target_format,
        "verified": options.verify,
        **{status.value: summary.counts[status] for status in Status},
        "source_bytes": summary.source_bytes,
        "target_bytes": summary.target_bytes,
        "failures": [{"file": str(each.job.source), "problem": each.problem} for each in summary.failures],
    }


if __name__ == "__main__":
    sys.exit(main())
