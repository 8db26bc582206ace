import json
import sys
import textwrap
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asv_runner._aux import update_sys_path
from asv_runner.benchmarks import _base, benchmark_types
from asv_runner.discovery import disc_benchmarks, get_benchmark_from_name

from machmeter.probe.benchmark_types import TimeItemBenchmark, install
from machmeter.probe.sidecar import VARIABLE, Context

Run = Callable[..., tuple[Any, list[dict[str, Any]]]]

SUITE = """
import time
from dataclasses import dataclass


@dataclass
class Done:
    items: int = 4
    bytes: int = 100
    result: object = "same"


class Plain:
    params = [[0.001, 0.002], ["a"]]
    number, repeat, warmup_time = 2, 3, 0

    def time_sleep(self, seconds, name):
        time.sleep(seconds)


class WithSetup:
    number, repeat, warmup_time = 3, 2, 0

    def setup(self):
        time.sleep(0.02)

    def time_sleep(self):
        time.sleep(0.001)


class Clocked:
    number, repeat, warmup_time = 1, 2, 0
    timer = staticmethod(time.process_time)

    def time_sleep(self):
        time.sleep(0.01)


def time_calibrated():
    sum(range(100))


time_calibrated.repeat = 4


def timeraw_statement():
    return "sum(range(100))"


timeraw_statement.repeat = 2


def track_answer():
    return 42


class Items:
    repeat = 3
    calls = 0

    def timeitem_wait(self):
        Items.calls += 1
        time.sleep(0.004)
        return Done(result=Items.calls)

    def timeitem_nothing(self):
        return None


class Paths:
    repeat, warmup = 1, 0
    params = [[{"memcpy": 8}, {}, None, "a/file", {"memcpy": 0}, {"memcpy": "much"}]]

    def timeitem_said(self, path):
        done = Done()
        done.path = path
        return done


class Cold:
    repeat, warmup = 1, 0

    def timeitem_count(self):
        Items.calls += 1
        return Done(result=Items.calls)


class Slow:
    repeat, warmup, time_budget = 100, 0, 0.05

    def timeitem_wait(self):
        time.sleep(0.02)
        return Done()
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a benchmark of the suite above as asv_runner does; return its result and the sidecar's rows."""
    monkeypatch.setattr(_base.Benchmark, "do_run", _base.Benchmark.do_run)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr("asv_runner.discovery.benchmark_types", [*benchmark_types, TimeItemBenchmark])
    install(lambda *_: None)
    path = tmp_path / "samples.jsonl"
    monkeypatch.setenv(VARIABLE, Context(str(path), "c0ffee", "env", "tag", "node", "run").encode())
    root = tmp_path / f"suite_{uuid.uuid4().hex}"
    root.mkdir()
    (root / "__init__.py").write_text("")
    (root / "bench.py").write_text(textwrap.dedent(SUITE))
    update_sys_path(str(root))

    def run_one(name: str, **attributes: object) -> tuple[Any, list[dict[str, Any]]]:
        benchmark = get_benchmark_from_name(str(root), f"bench.{name}", extra_params=attributes or None)
        benchmark.do_setup()
        result = benchmark.do_run()
        rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return result, rows

    run_one.root = root  # type: ignore[attr-defined]
    return run_one


def test_rows_are_asvs_samples(run: Run) -> None:
    """Wall seconds by calls are exactly what asv gets, and parameters are in asv's words."""
    result, rows = run("Plain.time_sleep-1")
    assert [row["wall_s"] / row["items"] for row in rows] == result["samples"]
    assert [row["params"] for row in rows] == [["0.002", "'a'"]] * 3
    assert {row["items"] for row in rows} == {2}
    assert all(row["cpu_s"] < row["wall_s"] for row in rows)


def test_setup_is_no_part_of_a_sample(run: Run) -> None:
    """Setup takes 20 ms before each of the three calls of a sample, and is not in its wall time."""
    result, rows = run("WithSetup.time_sleep")
    assert [row["wall_s"] / row["items"] for row in rows] == result["samples"]
    assert all(0.003 <= row["wall_s"] < 0.02 for row in rows)


def test_a_suites_own_clock_stays_asvs_and_the_row_has_wall_time(run: Run) -> None:
    """asv files CPU time because the suite says so; the sidecar's wall time is wall time all the same."""
    result, rows = run("Clocked.time_sleep")
    assert max(result["samples"]) < 0.009
    assert all(row["wall_s"] >= 0.01 for row in rows)


def test_calibration_and_warm_up_leave_no_rows(run: Run) -> None:
    """asv looks for a number of calls first; only its samples are written."""
    result, rows = run("time_calibrated")
    assert len(rows) == len(result["samples"]) == 4
    assert [row["wall_s"] / row["items"] for row in rows] == result["samples"]


def test_a_statement_in_its_own_interpreter_has_no_cpu_time(run: Run) -> None:
    """The children's CPU time is mostly the interpreter's start: better none than a wrong one."""
    result, rows = run("timeraw_statement")
    assert [row["wall_s"] / row["items"] for row in rows] == result["samples"]
    assert {row["cpu_s"] for row in rows} == {None}


def test_other_types_are_left_alone(run: Run) -> None:
    """A tracked value has no samples."""
    assert run("track_answer") == (42, [])


def test_without_a_driver_nothing_is_written(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same suite under plain asv works as ever."""
    monkeypatch.delenv(VARIABLE)
    result, rows = run("Plain.time_sleep-0")
    assert (len(result["samples"]), rows) == (3, [])
    result, rows = run("Items.timeitem_wait")
    assert (len(result["samples"]), rows) == (3, [])


def test_items_are_timed_per_item_after_a_warm_up(run: Run) -> None:
    """A call of four items in 4 ms is 1 ms an item; the first call is not timed."""
    result, rows = run("Items.timeitem_wait")
    assert result["number"] == 1
    assert all(0.001 <= sample < 0.003 for sample in result["samples"])
    assert [(row["items"], row["bytes"]) for row in rows] == [(4, 100)] * 3
    assert [row["index"] for row in rows] == [0, 1, 2]
    assert len({row["work"] for row in rows}) == 3


def test_a_cold_call_has_no_warm_up(run: Run) -> None:
    """With warmup 0 the first call is the sample."""
    _, rows = run("Cold.timeitem_count")
    assert len(rows) == 1


def test_the_time_budget_ends_the_repeats(run: Run) -> None:
    """A hundred repeats of 20 ms stop after 50 ms."""
    started = time.monotonic()
    result, _ = run("Slow.timeitem_wait")
    assert 2 <= len(result["samples"]) <= 4
    assert time.monotonic() - started < 1


def test_quick_means_one_call(run: Run) -> None:
    """`asv run --quick` sets these attributes; one untimed call less and one sample are left."""
    result, _ = run("Items.timeitem_wait", number=1, repeat=1, warmup_time=0, rounds=1)
    assert len(result["samples"]) == 1


def test_what_an_item_needs_is_written_beside_the_sample(run: Run) -> None:
    """Amounts by the names of limits; nothing where there is no such mapping."""
    rows = [run(f"Paths.timeitem_said-{number}")[1][-1] for number in range(4)]
    assert [row.get("path", "nothing") for row in rows] == [{"memcpy": 8.0}, *["nothing"] * 3]


@pytest.mark.parametrize("number", [4, 5])
def test_an_impossible_amount_fails(number: int, run: Run) -> None:
    """Nothing needs none of a limit that is on its path."""
    with pytest.raises(TypeError, match=r"timeitem_said returned a path with memcpy: "):
        run(f"Paths.timeitem_said-{number}")


def test_a_call_that_does_not_say_what_it_did_fails(run: Run) -> None:
    """Without items there are no seconds per item."""
    with pytest.raises(TypeError, match="timeitem_nothing returned 'NoneType'"):
        run("Items.timeitem_nothing")


def test_discovery_gives_each_name_its_type(run: Run) -> None:
    """Our type takes its own prefix and none of asv's."""
    found = {b.name: type(b).__name__ for b in disc_benchmarks(str(run.root))}  # type: ignore[attr-defined]
    assert found["bench.Items.timeitem_wait"] == "TimeItemBenchmark"
    assert found["bench.Plain.time_sleep"] == "TimeBenchmark"
    assert found["bench.timeraw_statement"] == "TimerawBenchmark"
    assert found["bench.track_answer"] == "TrackBenchmark"
