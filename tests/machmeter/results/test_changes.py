from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from asv_results import commit_of, row, steps, write_history, write_result, write_suite
from changes_made import make_answer

from machmeter.analysis.changepoints import change_points
from machmeter.model import RunRecord
from machmeter.probe.sidecar import Context, Sidecar
from machmeter.results import changes, history, machine_files, points, runs
from machmeter.results.change import Change, identifier
from machmeter.results.confirmations import Confirmation
from machmeter.results.confirmations import write as write_answer
from machmeter.results.layout import samples_dir

RISE = steps(1.0, 1.2)


def found_in(results_dir: Path) -> list[Change]:
    """Changes, the oldest first."""
    found = changes.find(results_dir, history.read(results_dir))
    assert found.problems == ()
    return [change for change, _ in reversed(found.found)]


def test_a_step_is_a_regression_with_its_commits_and_size(tmp_path: Path) -> None:
    """The last good and the first bad commit, and the ratio of the levels."""
    write_history(tmp_path / "r", RISE)
    (change,) = found_in(tmp_path / "r")
    assert (change.kind, change.standing, change.status) == ("regression", "stands", "suspected")
    assert (change.base, change.head) == (commit_of(19), commit_of(20))
    assert change.ratio == pytest.approx(1.2, abs=0.01)
    assert change.date == "2026-01-21T00:00:00+00:00"
    assert change.identifier == identifier(change.series, commit_of(19), commit_of(20))


@pytest.mark.parametrize(
    ("unit", "levels", "kind"),
    [
        ("seconds", (1.0, 1.2), "regression"),
        ("seconds", (1.2, 1.0), "improvement"),
        ("img/s", (1.0, 1.2), "improvement"),
        ("img/s", (1.2, 1.0), "regression"),
        ("loss", (1.0, 1.2), "regression"),
    ],
)
def test_only_of_rates_more_is_better(unit: str, levels: Sequence[float], kind: str, tmp_path: Path) -> None:
    """All other units are costs, as asv takes them."""
    write_suite(tmp_path / "r", track_x={"unit": unit})
    write_history(tmp_path / "r", steps(*levels), "track_x")
    assert [change.kind for change in found_in(tmp_path / "r")] == [kind]


def test_a_quiet_history_has_no_change(tmp_path: Path) -> None:
    """Neither has a constant one, nor one of a few commits."""
    write_history(tmp_path / "quiet", steps(1.0, each=40))
    write_history(tmp_path / "constant", [1.0] * 40)
    write_history(tmp_path / "short", [1.0, 2.0])
    assert [found_in(tmp_path / name) for name in ("quiet", "constant", "short")] == [[], [], []]


def test_a_recovery_does_not_hide_the_regression(tmp_path: Path) -> None:
    """It says where the regression was taken back; the recovery itself is an improvement."""
    write_history(tmp_path / "r", steps(1.0, 1.2, 1.0))
    regression, improvement = found_in(tmp_path / "r")
    assert (regression.standing, regression.recovered_in) == ("recovered", commit_of(40))
    assert (improvement.kind, improvement.standing) == ("improvement", "stands")


def test_less_than_half_is_no_recovery(tmp_path: Path) -> None:
    """A regression of 20% of which 5% were taken back stands."""
    write_history(tmp_path / "r", steps(1.0, 1.2, 1.14))
    assert [change.standing for change in found_in(tmp_path / "r")] == ["stands", "stands"]


def test_another_version_of_the_benchmark_is_no_change(tmp_path: Path) -> None:
    """It did other work; and nobody knows whether an earlier regression still stands."""
    for number, value in enumerate(steps(1.0, 1.2, 5.0)):
        version = "v2" if number >= 40 else "v1"
        write_result(tmp_path / "r", number, {"time_x": row([value], version=version)})
    (change,) = found_in(tmp_path / "r")
    assert (change.head, change.standing) == (commit_of(20), "benchmark changed")


def test_other_work_is_no_change(tmp_path: Path) -> None:
    """Sidecars say that the commits computed something else, though the benchmark's code is the same."""
    write_history(tmp_path / "r", steps(1.0, 1.5))
    for number in range(0, 40, 3):  # some commits have no sidecar
        take_sample(tmp_path / "r", number, "run", work="before" if number < 20 else "after")
    # The first commit that is known to do other work is 21: the step at 20 is taken for its own.
    assert all(change.base == commit_of(19) for change in found_in(tmp_path / "r"))
    for number in range(40):
        take_sample(tmp_path / "r", number, "again", work="before" if number < 20 else "after")
    assert found_in(tmp_path / "r") == []


def test_a_removed_benchmark_says_so(tmp_path: Path) -> None:
    """Its history is still there."""
    write_history(tmp_path / "r", RISE)
    write_suite(tmp_path / "r", time_other={"unit": "seconds"})
    assert [change.standing for change in found_in(tmp_path / "r")] == ["benchmark removed"]


@pytest.mark.parametrize(
    ("verdict", "status"),
    [("slower", "confirmed"), ("unchanged", "refuted"), ("faster", "refuted"), ("inconclusive", "suspected")],
)
def test_the_gates_answer_decides_the_status(verdict: str, status: str, tmp_path: Path) -> None:
    """An answer that decides nothing leaves the suspicion."""
    write_history(tmp_path / "r", RISE)
    (change,) = found_in(tmp_path / "r")
    write_answer(tmp_path / "r", answer(change, verdict))
    (change,) = found_in(tmp_path / "r")
    assert (change.status, change.answer) == (status, answer(change, verdict))


def answer(change: Change, verdict: str) -> Confirmation:
    return replace(
        make_answer(verdict), change=change.identifier, base=change.base, head=change.head, tag="box"
    )


def take_sample(results_dir: Path, number: int, run: str, work: str | None = None) -> None:
    """Take a sample whose sidecar is named as the driver names it."""
    path = samples_dir(results_dir, "box") / f"{commit_of(number)[:12]}-0123abcd-{run}.jsonl"
    context = Context(str(path), commit_of(number), "py3.11", "box", "node", run)
    moment = "2026-01-01T00:00:00+00:00"
    Sidecar(context, "time_x", []).append(
        [{"started_at": moment, "items": 1, "wall_s": 1.0, "pressure": {}, "work": work}]
    )


def write_runs(results_dir: Path, kernels: dict[str, str]) -> None:
    for day, (run, kernel) in enumerate(kernels.items(), start=1):
        record = RunRecord(run, "box", "node", f"2026-02-{day:02}T00:00:00+00:00", {"kernel": kernel}, {}, {})
        runs.write(results_dir, record)


def test_events_between_the_measurements_are_candidate_causes(tmp_path: Path) -> None:
    """A kernel that changed between good and bad is named; one that changed elsewhere is not."""
    write_history(tmp_path / "r", RISE)
    write_runs(tmp_path / "r", {"a": "6.1", "b": "6.2", "c": "6.3"})
    for number in range(40):
        take_sample(tmp_path / "r", number, "a" if number < 20 else "b" if number < 35 else "c")
    (change,) = found_in(tmp_path / "r")
    assert change.causes == ("kernel from 6.1 to 6.2 (2026-02-02, node)",)


def test_backfilled_commits_have_their_events_too(tmp_path: Path) -> None:
    """The old commits may have been measured after the new ones."""
    write_history(tmp_path / "r", RISE)
    write_runs(tmp_path / "r", {"new": "6.1", "old": "6.2"})
    for number in range(40):
        take_sample(tmp_path / "r", number, "old" if number < 20 else "new")
    (change,) = found_in(tmp_path / "r")
    assert change.causes == ("kernel from 6.1 to 6.2 (2026-02-02, node)",)


def test_what_asv_knows_of_the_machine_is_a_candidate_cause_too(tmp_path: Path) -> None:
    """Results of others carry no run records, but facts of the machine."""
    for number, value in enumerate(RISE):
        system = "Linux 5" if number < 20 else "Linux 6"
        params = {"machine": "box", "os": system}
        write_result(tmp_path / "r", number, {"time_x": row([value])}, params=params)
    (change,) = found_in(tmp_path / "r")
    assert change.causes == ("os from Linux 5 to Linux 6",)


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lengths of the series that are searched instead of being known."""
    seen: list[int] = []
    search = change_points

    def counted(values: Any, **options: Any) -> Any:
        seen.append(values.size)
        return search(values, **options)

    monkeypatch.setattr("machmeter.analysis.changepoints.change_points", counted)
    monkeypatch.setattr(machine_files, "TOO_FRESH_NS", 0)
    return seen


def test_a_series_is_searched_once(tmp_path: Path, searched: list[int]) -> None:
    """The second answer is the first one, without a search."""
    write_history(tmp_path / "r", RISE)
    first = found_in(tmp_path / "r")
    assert found_in(tmp_path / "r") == first
    assert searched == [40]


def test_a_new_point_or_another_detector_is_searched_again(
    tmp_path: Path, searched: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept speaks for exactly these values, breaks and this detector."""
    write_history(tmp_path / "r", RISE)
    found_in(tmp_path / "r")
    write_result(tmp_path / "r", 40, {"time_x": row([1.2]), "time_new": row([1.0])})
    found_in(tmp_path / "r")
    monkeypatch.setattr(points, "detector", lambda: "another")
    found_in(tmp_path / "r")
    assert searched == [40, 41, 1, 41, 1]


def test_choosing_some_series_forgets_none(tmp_path: Path, searched: list[int]) -> None:
    """A search of one benchmark keeps what is known of the others."""
    write_history(tmp_path / "r", RISE)
    for number, value in enumerate(RISE[:30]):
        write_result(tmp_path / "r", number, {"time_x": row([value]), "time_y": row([value])})
    found_in(tmp_path / "r")
    past = history.read(tmp_path / "r")
    changes.find(tmp_path / "r", past, [each for each in past.series if each.name.benchmark == "time_y"])
    found_in(tmp_path / "r")
    assert sorted(searched) == [30, 40]


def test_a_damaged_cache_of_points_is_made_anew(tmp_path: Path, searched: list[int]) -> None:
    """The answer is the same."""
    write_history(tmp_path / "r", RISE)
    first = found_in(tmp_path / "r")
    path = machine_files.kept_path(tmp_path / "r", "box", "points")
    path.write_bytes(path.read_bytes()[:-5])
    assert list(map(asdict, found_in(tmp_path / "r"))) == list(map(asdict, first))
    assert searched == [40, 40]


def test_zero_and_negative_levels_have_a_direction_and_no_nonsense(tmp_path: Path) -> None:
    """A cost below zero has no ratio, and is a regression when it rises all the same."""
    write_suite(tmp_path / "r", track_x={"unit": "errors"}, track_y={"unit": "logit"})
    for number in range(40):
        late = number >= 20
        values = {
            "track_x": row([(5.0 if late else 0.0) + (0.0 if number % 3 else 0.02)]),
            "track_y": row([(-1.0 if late else -2.0) + 0.01 * (number % 5)]),
        }
        write_result(tmp_path / "r", number, values)
    found = {change.series.benchmark: change for change in found_in(tmp_path / "r")}
    assert {name: change.kind for name, change in found.items()} == dict.fromkeys(
        ("track_x", "track_y"), "regression"
    )
    assert found["track_y"].ratio is None
