"""What is being decided, while the gate runs: a live line on a terminal, a line a verdict elsewhere."""

import time
from collections.abc import Sequence
from typing import IO, Self

from rich.console import Console

from machmeter.gate.trial import Trial
from machmeter.report.labels import printable
from machmeter.report.verdict_text import change, name

_EVERY_S = 0.2


class Progress:
    """Shows how far a comparison is, on stderr.

    Parameters
    ----------
    stream : file
        Where to.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._console = Console(file=stream, highlight=False)
        self._live = stream.isatty()  # FORCE_COLOR makes rich take a log for a terminal
        self._told: set[object] = set()
        self._shown = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def say(self, line: str) -> None:
        """Tell what is going on."""
        self._clear()
        self._console.print(f"· {printable(line)}", markup=False, soft_wrap=True)

    def trials(self, trials: Sequence[Trial], left_s: float) -> None:
        """Tell which benchmarks are decided, and which one is being measured."""
        for trial in trials:
            if trial.verdict is not None and trial.question.key not in self._told:
                self._told.add(trial.question.key)
                self.say(
                    f"{trial.verdict.word}: {name(trial.verdict)} {change(trial.verdict.ratio)}"
                    f" ({trial.verdict.pairs} pairs, {trial.seconds:.0f} s)"
                )
        if self._live and time.monotonic() - self._shown > _EVERY_S:
            self._shown = time.monotonic()
            self._show(trials, left_s)

    def _show(self, trials: Sequence[Trial], left_s: float) -> None:
        waiting = [trial for trial in trials if trial.verdict is None]
        text = f"{len(trials) - len(waiting)} of {len(trials)} decided, {max(0, left_s):.0f} s left"
        if waiting:
            now = max(waiting, key=lambda trial: trial.pairs[-1].started_at if trial.pairs else "")
            ratio = None if now.evidence is None else now.evidence.ratio
            text += f"; {printable(now.question.benchmark)} {change(ratio)} after {len(now.pairs)} pairs"
        self._clear()
        self._console.file.write(text[: self._console.width - 1])
        self._console.file.flush()

    def _clear(self) -> None:
        if self._live:
            self._console.file.write("\r\x1b[2K")
