import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest

from machmeter.errors import AmbiguousBenchmarkError, NothingToMeasureError
from machmeter.gate import bisect as module
from machmeter.gate import commits, environments
from machmeter.gate.bisect import STOPPED, Hooks, bisect
from machmeter.gate.compare import Request
from machmeter.gate.questions import Question
from machmeter.gate.single import UnmeasurableError, exactly
from machmeter.pairs import Comparison, Verdict
from machmeter.results.bisections import Bisection, Commit

COMMITS = tuple(f"{number:040d}" for number in range(1, 9))
GOOD, BAD = "0" * 40, COMMITS[-1]


class World:
    """Commits of which the sixth is slower by 30%; what the search asks of asv and git is answered here."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, word: str = "slower") -> None:
        self.word, self.said, self.asked = word, list[str](), list[Request]()
        self.broken, self.stop_at = {4}, -1
        self.installed = self.taken = 0
        for name, stand_in in {
            "compare": self.compare,
            "CommitBench": self.bench,
            "_the_only_one": lambda *_: ("bench.time_x", ("'a'",)),
        }.items():
            monkeypatch.setattr(module, name, stand_in)
        monkeypatch.setattr(commits, "between", lambda *_: COMMITS)
        monkeypatch.setattr(commits, "describe", lambda _, commit: Commit(commit, "Ann"))

    def compare(self, conf: object, repo: object, request: Request, *_: object) -> Comparison:
        self.asked.append(request)
        verdict = Verdict(
            "bench.time_x", ("'a'",), self.word, clock="cpu",
            ratio=1.3, low=1.29, high=1.31, spread=0.005, pairs=12,
        )  # fmt: skip
        return Comparison(
            "x", GOOD, BAD, "tag", "node", "2026-01-01", 0.01, 0.01, 40.0, "py3.11", {}, verdicts=(verdict,)
        )

    def bench(self, *_: object, **__: object) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.installed = -1

    def take(self, position: int) -> tuple[float, int]:
        self.taken += 1
        if self.taken == self.stop_at:
            raise KeyboardInterrupt
        if position in self.broken:
            raise UnmeasurableError("it does not build: no compiler")
        return (0.262 if position >= 6 else 0.0), self.taken

    def run(self, folder: Path) -> Bisection:
        conf = SimpleNamespace(results_dir=str(folder / "results"))
        return bisect(conf, None, Request(GOOD, BAD, "x"), Hooks(say=self.said.append))[1]


def kept(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.machmeter" / "bisections" / "x.json").read_text())
    return found


def test_the_slow_commit_is_found_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what was tested and what was passed over, and why; the gate is asked for that benchmark alone."""
    world = World(monkeypatch)
    found = world.run(tmp_path)
    assert [commit.commit for commit in found.steps[0].commits] == [COMMITS[5]]
    assert found.steps[0].share == pytest.approx(1.0, abs=0.02)
    assert {each.position: each.word for each in found.tested} == {4: "skipped", 5: "fast", 6: "slow"}
    assert found.tested[0].reason == "it does not build: no compiler"
    assert found.pairs == 4
    assert kept(tmp_path)["steps"][0]["commits"][0]["commit"] == COMMITS[5]
    assert world.asked[0].pattern == exactly(("bench.time_x", ("'a'",)))
    assert any("is passed over, it does not build" in line for line in world.said)


@pytest.mark.parametrize("word", ["unchanged", "inconclusive", "faster", "failed", "work changed"])
def test_without_a_slowdown_nothing_is_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """The confirmation is the answer."""
    world = World(monkeypatch, word)
    found = world.run(tmp_path)
    assert (found.word, found.steps, world.taken) == (word, (), 0)


def test_an_interruption_keeps_what_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes end, and the commits that are left are told."""
    world = World(monkeypatch)
    world.broken, world.stop_at = set(), 3
    found = world.run(tmp_path)
    assert found.ended == STOPPED
    assert COMMITS[5] in {commit.commit for commit in found.steps[0].commits}
    assert world.installed == -1
    assert kept(tmp_path)["ended"] == STOPPED


@pytest.mark.parametrize(("count", "error"), [(0, NothingToMeasureError), (2, AmbiguousBenchmarkError)])
def test_exactly_one_benchmark_must_match(
    monkeypatch: pytest.MonkeyPatch, count: int, error: type[Exception]
) -> None:
    """None is nothing to measure; of several, all are named."""

    class NoStage:
        def __init__(self, _: object) -> None: ...
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None: ...

    def questions(*_: object) -> Sequence[Question]:
        return [Question("bench.time_x", (f"{number}",), {}) for number in range(count)]

    monkeypatch.setattr(environments, "install", lambda *_: (None, "py3.11"))
    monkeypatch.setattr(module, "Stage", NoStage)
    place: Any = SimpleNamespace(conf=None, repo=None, questions=questions)
    with pytest.raises(error, match="time_x"):
        module._the_only_one(place, Request(GOOD, BAD, "time_x"))
