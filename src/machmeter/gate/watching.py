"""Takes profiles on an open stage: a new process each, base and head in turns."""

import math
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from machmeter.errors import ProfileRefusedError
from machmeter.gate import pair as pairs
from machmeter.gate.peers import PeerError
from machmeter.gate.plan import Plan
from machmeter.gate.processes import BenchmarkError, Measurer, Side
from machmeter.gate.questions import Question
from machmeter.gate.stage import Stage
from machmeter.machine.fingerprint import fingerprint
from machmeter.machine.libraries import libraries
from machmeter.pairs import Side as SideName
from machmeter.profiles import Profile, ProfileFacts
from machmeter.profiling import validity
from machmeter.profiling.program import check_permission, denied, spy_program

#: Seconds of one profile at least. Several short ones tell how much processes differ, but one lasts no
#: shorter than some times what its process takes to be set up.
PROFILE_S: Final = 1.0
_SETUPS: Final = 10
#: Seconds of a sample where its calls share a setup; in between rests the garbage collector.
_SAMPLE_S: Final = 0.5
#: How many times as long a profile may take with all that is not watched.
_LONGEST: Final = 3
#: Attaching to a process and writing down what was seen may take this much longer than the benchmark.
_PATIENCE_S: Final = 60.0
#: Fewest profiles a side, and how many where setting up takes long.
FEWEST: Final = 4
_FEW: Final = 6
#: A profile that was refused is taken again, so often for each that is wanted.
_TRIES: Final = 2
#: A sample of a profile lasts longer than one of the gate: between samples nobody is watched.
_LONGER: Final = 8
#: Share of the calls that are made before and after, each, while nobody watches.
_PLAIN: Final = 0.125


@dataclass(frozen=True, slots=True)
class Manner:
    """How profiles are taken.

    Parameters
    ----------
    seconds : float
        Of all profiles of a side together.
    clock : str
        "cpu" or "wall"; see `ProfileFacts`.
    rate_hz : int
        Stacks a second.
    options : tuple of str
        "nonblocking", "native".
    """

    seconds: float = 20.0
    clock: str = "cpu"
    rate_hz: int = 100
    options: tuple[str, ...] = ()

    def length(self, setup_s: float) -> float:
        """Choose the seconds of one profile where a process is set up in so many."""
        return max(PROFILE_S, min(_SETUPS * setup_s, self.seconds / _FEW))

    def profiles(self, length_s: float) -> int:
        """How many of such a length a side."""
        return max(FEWEST, math.ceil(self.seconds / length_s))


class Watcher:
    """Profiles of one benchmark on a stage.

    Parameters
    ----------
    stage : Stage
        Opened.
    question : Question
        Of that stage.
    plan : Plan
        How its pairs were taken.
    manner : Manner
        How the profiles are.
    environment : str
        asv's name of it.
    """

    def __init__(
        self, stage: Stage, question: Question, plan: Plan, manner: Manner, environment: str
    ) -> None:
        self._stage, self._question, self._plan = stage, question, plan
        self._manner, self._environment = manner, environment
        check_permission()
        self._program = spy_program()
        self._number = plan.number * (_LONGER if plan.samples > 1 else 1)
        self._length_s = PROFILE_S
        self._steady = True

    @property
    def project(self) -> tuple[str, ...]:
        """Top-level modules of the project and the suite."""
        setting = self._stage.setting
        return (*setting.names, setting.suite.name)

    def calls(self, name: SideName) -> tuple[tuple[str, str, float], ...]:
        """Count the project's calls in an iteration on one side; nothing where that fails."""
        self._stage.renew()
        request = {"op": "count", "number": max(1, self._plan.number // _LONGER), "project": self.project}
        try:
            process = self._start(name)
            try:
                answer = process.ask(request, self._question.timeout_s)
            finally:
                process.end()
        except (BenchmarkError, PeerError, pairs.SkippedError):
            return ()
        return tuple((caller, each, count / answer["items"]) for caller, each, count in answer["calls"])

    def profiles(
        self, sides: Sequence[SideName], progress: Callable[[int, int], None] = lambda *_: None
    ) -> tuple[dict[SideName, list[Profile]], list[str]]:
        """Take all profiles, the sides in turns.

        Returns
        -------
        profiles : dict of side to list of Profile
            Valid ones.
        refused : list of str
            Why others were not.

        Raises
        ------
        ProfileRefusedError
            If too many were refused: nothing can be said.
        """
        taken: dict[SideName, list[Profile]] = defaultdict(list)
        refused: list[str] = []
        self._examine(sides)
        wanted = self._manner.profiles(self._length_s)
        for turn in range(_TRIES * wanted):
            if all(len(taken[name]) >= wanted for name in sides):
                break
            self._stage.renew()
            for name in sides if turn % 2 == 0 else reversed(sides):
                if len(taken[name]) < wanted:
                    profile = self._profile(name)
                    reason = validity.problem(profile)
                    if reason:
                        refused.append(reason)
                    else:
                        taken[name].append(profile)
                    progress(sum(map(len, taken.values())), wanted * len(sides))
            if len(refused) > wanted and len(refused) > 2 * sum(map(len, taken.values())):
                break
        if any(len(taken[name]) < FEWEST for name in sides):
            raise ProfileRefusedError(
                f"{len(refused)} profiles were refused ({refused[-1]})",
                'Try again when the node is quiet; "machmeter doctor" says what disturbs it.',
            )
        return dict(taken), refused

    def _profile(self, name: SideName) -> Profile:
        started_at = datetime.now(UTC).isoformat()
        process = self._start(name)
        try:
            turns = self._turns(process)
            watch = {
                "program": self._program,
                "rate_hz": self._manner.rate_hz,
                "clock": self._manner.clock,
                "options": self._manner.options,
            }
            request = {
                "op": "profile",
                "number": self._number,
                "turns": turns,
                "plain": max(1, round(_PLAIN * turns * self._number)),
                "steady": self._steady,
                "watch": watch,
            }
            answer = process.ask(request, self._question.timeout_s + _PATIENCE_S)
            if "refused" in answer:
                raise denied(answer["refused"])
            ended = process.ask({"op": "finish"}, self._question.timeout_s)
        finally:
            process.end()
        return self._made(name, started_at, answer, ended)

    def _turns(self, process: Measurer) -> int:
        """Choose how many samples make a profile; setups and starts of interpreters take time as well."""
        began = time.monotonic()
        request = {"op": "sample", "number": self._number, "steady": self._steady}
        sampled = process.ask(request, self._question.timeout_s)
        elapsed_s = time.monotonic() - began
        wanted = self._length_s / max(float(sampled["wall_s"]), 1e-6)
        return max(1, math.ceil(min(wanted, _LONGEST * self._length_s / elapsed_s)))

    def _examine(self, sides: Sequence[SideName]) -> None:
        """Find out what it takes to set a process up, and whether calls can share a setup on all sides."""
        self._stage.renew()
        call_s = math.inf
        for name in sides:
            began = time.monotonic()
            process = self._start(name)
            self._length_s = self._manner.length(time.monotonic() - began)
            try:
                answer = process.ask({"op": "share", "number": self._number}, self._question.timeout_s)
            finally:
                process.end()
            self._steady = self._steady and answer["steady"]
            call_s = min(call_s, answer["call_s"])
        if self._steady:
            self._number = max(self._number, math.ceil(_SAMPLE_S / call_s))

    def _start(self, name: SideName) -> Measurer:
        fork = not (self._stage.fresh or self._question.fresh)
        side: Side = self._stage.sides()[name]
        process = pairs.launch(side, self._question, None, fork=fork)
        try:
            pairs.settle(process, self._question)
        except BaseException:
            process.end()
            raise
        return process

    def _made(
        self, name: SideName, started_at: str, answer: dict[str, Any], ended: dict[str, Any]
    ) -> Profile:
        side = getattr(self._stage.setting, name)
        facts = ProfileFacts(
            benchmark=self._question.benchmark,
            params=self._question.params,
            commit=side.commit,
            tag=fingerprint().tag,
            node=platform.node(),
            environment=self._environment,
            started_at=started_at,
            clock=self._manner.clock,
            iterations=int(answer["items"]),
            **{key: answer[key] for key in _MEASURED},
            samples=answer["samples"],
            errors=answer["errors"],
            rate_hz=answer.get("rate_hz", self._manner.rate_hz),
            options=self._manner.options,
            versions=libraries(side.packages),
            project=self.project,
            work=ended.get("work"),
        )
        return Profile(facts, {tuple(stack): count for stack, count in answer["stacks"]})


_MEASURED: Final = ("wall_s", "cpu_s", "run_delay_s", "others_cpu_s", "plain_wall_s", "late_s")
