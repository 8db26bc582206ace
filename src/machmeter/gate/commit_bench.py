"""Compares the commits of a range with the good one: installs one after the other and takes pairs."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from asv.config import Config
from asv.console import log
from asv.repo import Repo

from machmeter.environment.context import run_identifier
from machmeter.errors import UninstallableCommitError, WrongCommitError
from machmeter.gate import clock as clocks
from machmeter.gate import environments
from machmeter.gate.peers import PeerError
from machmeter.gate.processes import BenchmarkError
from machmeter.gate.questions import Key, Question, ask
from machmeter.gate.single import Single, UnmeasurableError
from machmeter.gate.stage import Setting, Stage
from machmeter.pairs import Comparison, Pair
from machmeter.results.gates import Journal, earlier


@dataclass(frozen=True, slots=True)
class Place:
    """Where commits are installed and what is kept where.

    Parameters
    ----------
    conf, repo
        asv's; the working directory is that of the configuration.
    """

    conf: Config
    repo: Repo

    @property
    def results_dir(self) -> Path:
        """asv's results directory."""
        return Path(self.conf.results_dir)

    def questions(self, stage: Stage, pattern: str | None) -> list[Question]:
        """Open a stage and list what both of its commits have; `UnmeasurableError` if it cannot be opened."""
        try:
            greetings = stage.open()
        except (BenchmarkError, PeerError, WrongCommitError) as error:
            raise UnmeasurableError(str(error).rstrip(".")) from error
        return ask(greetings, pattern, self.conf.default_benchmark_timeout)[0]


class CommitBench:
    """Compares commits with the good one, one installed at a time; a context manager.

    Parameters
    ----------
    place : Place
        Where.
    confirmed : Comparison
        Of the good and the bad commit: what it was measured with holds for all of them.
    key : Key
        Benchmark and parameters.
    commits : sequence of str
        Full hashes; the first one's position is 1.
    resume : bool
        Whether pairs of an earlier search count.
    """

    def __init__(
        self, place: Place, confirmed: Comparison, key: Key, commits: Sequence[str], *, resume: bool
    ) -> None:
        self._place, self._confirmed, self._key, self._commits = place, confirmed, key, commits
        self._resume = resume
        self._clock: clocks.Clock = _clock_of(confirmed)
        self._pairs: dict[int, list[Pair]] = {}
        self._kept: dict[int, list[Pair]] = {}
        self._journals: dict[int, Journal] = {}
        self._position: int | None = None
        self._single: Single | None = None
        self._open = ExitStack()
        self.installed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def take(self, position: int) -> tuple[float | None, int]:
        """Take a pair of a commit; see `machmeter.gate.search.Bench`."""
        if position != self._position:
            self._move(position)
        known = self._pairs.setdefault(position, [])
        pair = self._next(position, len(known))
        known.append(pair)
        ratios, _ = clocks.log_ratios([pair], self._clock)
        return (ratios[0] if ratios else None), pair.generation

    def _next(self, position: int, index: int) -> Pair:
        if self._kept.get(position):
            return self._kept[position].pop(0)
        assert self._single is not None  # noqa: S101 - set by _move
        pair = self._single.take(index)
        if None not in {pair.base.work, pair.head.work} and pair.base.work != pair.head.work:
            raise UnmeasurableError("it computed something else than the good commit")
        self._journals[position].pair(pair)
        return pair

    def _move(self, position: int) -> None:
        """Install a commit and find the benchmark there."""
        self._open.close()
        self._position, self._single = position, None
        commit = self._commits[position - 1]
        setting = self._install(commit)
        stage = self._open.enter_context(Stage(setting))
        found = [each for each in self._place.questions(stage, self._key[0]) if each.key == self._key]
        if not found:
            raise UnmeasurableError("the benchmark is not there, or its module cannot be imported")
        if position in self._journals:  # back again: other sides than the first time
            stage.generation = max((pair.generation for pair in self._pairs[position]), default=-1)
        else:
            self._begin(position, commit, stage)
        self._single = Single(stage, found[0])

    def _install(self, commit: str) -> Setting:
        self.installed += 1
        good, environment = self._confirmed.base, self._confirmed.environment
        try:
            with log.set_level(logging.CRITICAL):  # a build that fails prints pages: its last line is told
                return environments.install(self._place.conf, self._place.repo, good, commit, environment)[0]
        except UninstallableCommitError as error:
            raise UnmeasurableError(f"it does not build: {_tail(error)}") from error

    def _begin(self, position: int, commit: str, stage: Stage) -> None:
        header = replace(
            self._confirmed,
            identifier=f"{self._confirmed.base[:8]}-{commit[:8]}-{run_identifier()}",
            head=commit,
            started_at=datetime.now(UTC).isoformat(),
            mode=f"fresh processes: {stage.fresh}" if stage.fresh else "zygote",
            notes=(),
            verdicts=(),
            seconds=0.0,
        )
        kept = earlier(self._place.results_dir, header)[1] if self._resume else []
        self._kept[position] = [each for each in kept if (each.benchmark, each.params) == self._key]
        stage.generation += len({each.generation for each in self._kept[position]})
        self._journals[position] = Journal(self._place.results_dir, header)
        for pair in self._kept[position]:
            self._journals[position].pair(pair)


def _clock_of(confirmed: Comparison) -> clocks.Clock:
    clock = confirmed.verdicts[0].clock
    if clock not in {"cpu", "wall", "gpu", "value"}:
        msg = f"{clock!r} is no clock"
        raise ValueError(msg)
    return clock  # type: ignore[return-value] # just checked


def _tail(error: UninstallableCommitError) -> str:
    """Cut what is known anyway from what an error says."""
    return error.fact.partition(": ")[2].rstrip(".")
