from collections.abc import Callable
from typing import Any

from machmeter.model import Pressure, Sample
from machmeter.report import labels
from machmeter.report.summary import commit_order, summarise

MakeSample = Callable[..., Sample]
CONTENDED = Pressure(cpu_s=10.0)


def test_each_machine_benchmark_parameter_commit_and_environment_has_its_row(sample: MakeSample) -> None:
    """Nothing that differs in one of the five is ever put together."""
    variants: list[dict[str, Any]] = [
        {},
        {"tag": "h200"},
        {"benchmark": "b"},
        {"params": ("1",)},
        {"commit": "b" * 40},
        {"environment": "e"},
    ]
    rows = summarise([sample(**change) for change in variants for _ in range(2)])
    assert [row.samples for row in rows] == [2] * 6


def test_figures_are_per_item(sample: MakeSample) -> None:
    """Seconds are divided by items; rates follow from the median."""
    (row,) = summarise([sample(items=4, wall_s=2.0, cpu_s=1.0, bytes=600.0)])
    assert (row.wall.median, row.cpu and row.cpu.median) == (0.5, 0.25)
    assert (row.items_per_s, row.bytes_per_s) == (2.0, 300.0)


def test_contended_samples_do_not_decide(sample: MakeSample) -> None:
    """One undisturbed sample outweighs any number of disturbed ones."""
    (row,) = summarise([sample(wall_s=1.0), *[sample(wall_s=9.0, pressure=CONTENDED)] * 5])
    assert (row.wall.median, row.contended, row.decided_by_contended) == (1.0, 5, False)


def test_contended_samples_alone_are_flagged(sample: MakeSample) -> None:
    """With nothing better they are shown, and the row says so."""
    (row,) = summarise([sample(wall_s=9.0, pressure=CONTENDED)])
    assert (row.wall.median, row.decided_by_contended) == (9.0, True)


def test_processes_are_counted_over_nodes_runs_and_rounds(sample: MakeSample) -> None:
    """The same round number on another node or in another run is another process."""
    places: list[dict[str, Any]] = [{}, {"index": 1}, {"round": 2}, {"node": "node02"}, {"run": "r2"}]
    (row,) = summarise([sample(**place) for place in places])
    assert (row.samples, row.processes, row.runs, row.nodes) == (5, 4, 2, ("node01", "node02"))


def test_without_cpu_time_there_is_none(sample: MakeSample) -> None:
    """A missing clock is no zero."""
    (row,) = summarise([sample()])
    assert (row.cpu, row.bytes_per_s) == (None, None)


def test_no_passed_time_gives_no_rate(sample: MakeSample) -> None:
    """A clock that saw no time pass leads to no division by zero."""
    (row,) = summarise([sample(wall_s=0.0, bytes=5.0)])
    assert (row.items_per_s, row.bytes_per_s) == (None, None)


def test_different_work_at_one_commit_is_flagged(sample: MakeSample) -> None:
    """Two digests within a row mean that its samples cannot be compared with each other."""
    (row,) = summarise([sample(work="x"), sample(work="y"), sample(work=None)])
    assert (row.works, row.works_differ) == (("x", "y"), True)


def test_changed_work_is_flagged_at_the_commit_that_changed_it(sample: MakeSample) -> None:
    """The commit before counts, over commits that recorded no work at all."""
    works = [("a", "x"), ("b", None), ("c", "x"), ("d", "y"), ("e", "y")]
    samples = [sample(commit=commit, work=work) for commit, work in works]
    rows = summarise(samples, {commit: place for place, (commit, _) in enumerate(works)})
    assert [row.work_changed for row in rows] == [False, False, False, True, False]


def test_commits_follow_the_history_then_the_clock(sample: MakeSample) -> None:
    """Known revisions come first in their order; unknown commits by when they were first measured."""
    at = {"new": "2026-01-01", "old": "2026-01-04", "late": "2026-01-03", "early": "2026-01-02"}
    samples = [sample(commit=commit, started_at=time) for commit, time in at.items()]
    assert commit_order(samples, {"old": 3, "new": 8}) == ("old", "new", "early", "late")


def test_other_conditions_are_marked(sample: MakeSample) -> None:
    """Samples of one commit under two thread settings, and a commit under others than the one before."""
    first = [sample(conditions="OMP_NUM_THREADS=1"), sample(conditions="OMP_NUM_THREADS=8", index=1)]
    later = sample(commit="b" * 40, conditions="OMP_NUM_THREADS=8", started_at="2026-03-02T08:00:00+00:00")
    one, two = summarise([*first, later])
    assert "conditions differ" in labels.marks(one)
    assert "conditions changed" in labels.marks(two)
    assert "conditions differ" not in labels.marks(two)


def test_samples_of_an_edited_benchmark_are_not_pooled(sample: MakeSample) -> None:
    """Only the latest version of the code is shown, as in asv."""
    old = sample(version="one", wall_s=1.0)
    new = sample(version="two", wall_s=50.0, started_at="2026-03-02T08:00:00+00:00")
    (row,) = summarise([old, new])
    assert (row.samples, row.wall.median) == (1, 50.0)
