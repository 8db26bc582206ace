"""Takes the complements of profiles on a stage: memory and torch passes of both commits, in turns."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from asv.config import Config
from asv.repo import Repo

from machmeter.errors import BrokenBenchmarkProcessError, NothingToMeasureError, ProfileRefusedError
from machmeter.gate import environments
from machmeter.gate import pair as pairs
from machmeter.gate.peers import PeerError
from machmeter.gate.processes import BenchmarkError
from machmeter.gate.questions import Question, ask
from machmeter.gate.scout import scout
from machmeter.gate.stage import Stage
from machmeter.pairs import Side as SideName
from machmeter.profiling.complements import Complement, Sheet, Subject, memory_sheet, subtract, torch_sheet

#: Processes of each side: how much they differ is what a change has to exceed. An even number, so that each
#: side goes first as often as the other: the later process of a turn finds warmer caches.
PROCESSES: Final = 4
_SIDES: Final[tuple[SideName, ...]] = ("base", "head")
#: Seconds that torch profiles in each of them.
_TORCH_S: Final = 0.5
#: Following every allocation makes a benchmark so many times slower, at worst.
_SLOWER: Final = 20

_ADVICE: Final = {
    "memray": 'Add "pip+memray" to the matrix in asv.conf.json: "matrix": {"req": {"pip+memray": [""]}}.',
    "torch": 'Choose a benchmark that computes with torch ("-b"), or add it to the matrix in asv.conf.json.',
}
_OTHERWISE: Final = 'Choose another benchmark with "-b".'


def complements(  # noqa: PLR0913 - what is traced, where, and how
    conf: Config,
    repo: Repo,
    commits: tuple[str, str],
    pattern: str,
    subjects: Sequence[Subject],
    *,
    environment: str | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Complement]:
    """Trace the benchmarks that match at two commits and subtract.

    Parameters
    ----------
    conf, repo
        asv's; the working directory is that of the configuration.
    commits : (str, str)
        Full hashes of base and head.
    pattern : str
        Regular expression.
    subjects : sequence of Subject
        What is traced.
    environment : str, optional
        asv's name of it.
    say : callable, optional
        Takes a line about what is going on.

    Yields
    ------
    Complement
        One a benchmark and subject.

    Raises
    ------
    MachmeterError
        If nothing matches, or a pass is not possible.
    """
    setting, _ = environments.install(conf, repo, *commits, environment)
    with Stage(setting) as stage:
        try:
            questions, _, notes = ask(stage.open(), pattern, conf.default_benchmark_timeout)
            if not questions:
                raise NothingToMeasureError(pattern, notes)
            for question in questions:
                _check(stage, question)
                for subject in subjects:
                    say(f"Tracing {subject.name} of {question.benchmark} at both commits")
                    yield _traced(stage, question, subject)
        except BenchmarkError as error:
            raise BrokenBenchmarkProcessError(error.reason, error.output) from error
        except PeerError as error:
            raise BrokenBenchmarkProcessError(f"The benchmark process {error}", "") from error


def _check(stage: Stage, question: Question) -> None:
    """Run the benchmark once on each side, its ``setup_cache`` included."""
    found = scout(stage, question)
    if found.plan is None:
        raise ProfileRefusedError(
            f"{question.benchmark} cannot be measured ({found.reason})", '"asv check" looks at the suite.'
        )


def _traced(stage: Stage, question: Question, subject: Subject) -> Complement:
    taken: dict[SideName, list[Sheet]] = {"base": [], "head": []}
    for turn in range(PROCESSES):
        stage.renew()
        for name in _SIDES if turn % 2 == 0 else reversed(_SIDES):
            taken[name].append(_sheet(stage, question, subject, name))
    return subtract(subject, taken["base"], taken["head"], question.benchmark, question.params)


def _sheet(stage: Stage, question: Question, subject: Subject, name: SideName) -> Sheet:
    """Take one pass in a process of its own."""
    project = [*stage.setting.names, stage.setting.suite.name]
    asked: dict[str, Any] = {"project": project} if subject.name == "memory" else {"seconds": _TORCH_S}
    answer = _answer(stage, question, name, {"op": subject.name} | asked)
    if "refused" in answer:
        reason = str(answer["refused"])
        advice = next((told for word, told in _ADVICE.items() if reason.startswith(word)), _OTHERWISE)
        raise ProfileRefusedError(reason, advice)
    return memory_sheet(answer["rows"], project) if subject.name == "memory" else torch_sheet(answer["rows"])


def _answer(stage: Stage, question: Question, name: SideName, request: dict[str, Any]) -> dict[str, Any]:
    fork = not (stage.fresh or question.fresh)
    process = pairs.launch(stage.sides()[name], question, None, fork=fork)
    try:
        pairs.settle(process, question)
        answer = process.ask(request, _SLOWER * question.timeout_s)
        process.ask({"op": "finish"}, question.timeout_s)
    finally:
        process.end()
    return answer
