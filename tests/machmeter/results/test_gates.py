import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from machmeter.errors import ForeignPairsError, UnwritableError
from machmeter.pairs import Comparison, Cost, Pair, Verdict
from machmeter.results.gates import Journal, earlier, gates_dir, read

BEGUN = Comparison(
    identifier="c1",
    base="a" * 40,
    head="b" * 40,
    tag="tag",
    node="node",
    started_at="2026-01-01T00:00:00+00:00",
    threshold=0.01,
    alpha=0.01,
    budget_s=60.0,
    environment="env",
    threads={"OMP_NUM_THREADS": "1"},
    notes=("a note",),
    facts={"health": "fine"},
)
PAIR = Pair(
    benchmark="bench.time_x",
    params=("1", "'µ\n'"),
    generation=2,
    index=3,
    first="head",
    order="BAAB",
    started_at="2026-01-01T00:00:01+00:00",
    seconds=0.5,
    contended=True,
    base=Cost(wall_s=1.0, cpu_s=0.5, waited=0.1, samples=2),
    head=Cost(wall_s=2.0, cpu_s=0.5, work="digest", peak_rss_bytes=7),
    cpu=0.0,
    wall=0.693,
)


def journal(tmp_path: Path, *pairs: Pair, **changes: Any) -> Path:
    """Write a journal that was interrupted; give its path."""
    written = Journal(tmp_path / "results", replace(BEGUN, **changes))
    for pair in pairs:
        written.pair(pair)
    return written.path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Header, pairs and the finished comparison come back as they were."""
    written = Journal(tmp_path / "results", BEGUN)
    written.pair(PAIR)
    done = replace(BEGUN, verdicts=(Verdict("bench.time_x", ("1",), "slower", ratio=1.5),), seconds=2.0)
    written.finish(done)
    header, pairs, finished = read(written.path)
    assert header["identifier"] == "c1"
    assert (pairs, finished) == ([PAIR], done)


def test_each_pair_is_on_the_disk_when_it_was_taken(tmp_path: Path) -> None:
    """An interruption loses nothing: another reader sees the pair before the end."""
    _, pairs, finished = read(journal(tmp_path, PAIR))
    assert (pairs, finished) == ([PAIR], None)


@pytest.mark.parametrize("cut", [2, 20, 200])
def test_a_half_line_is_passed_over(tmp_path: Path, cut: int) -> None:
    """A line that was cut off by the end of the process takes nothing else with it."""
    path = journal(tmp_path, PAIR, PAIR)
    path.write_bytes(path.read_bytes()[:-cut])
    assert read(path)[1] == [PAIR]


@pytest.mark.parametrize("line", ["[1]", "null", '{"pair": {"benchmark": 1}}', '{"pair": 3}', "\x00", "{}"])
def test_a_foreign_line_is_passed_over(tmp_path: Path, line: str) -> None:
    """What is no row of ours is neither taken for one nor an error."""
    path = journal(tmp_path)
    with path.open("a") as stream:
        stream.write(f"{line}\n")
    assert read(path)[1:] == ([], None)


def test_a_full_disk_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    """The write fails by name instead of with a traceback."""
    written = Journal(tmp_path / "results", BEGUN)
    written.path = Path("/dev/full")
    with pytest.raises(UnwritableError, match=r"/dev/full.*No space left.*df -h"):
        written.pair(PAIR)


def test_an_unwritable_folder_is_an_error_before_anything_is_measured(tmp_path: Path) -> None:
    """A comparison that could not be kept does not begin."""
    (tmp_path / "results.machmeter").write_text("a file where a folder belongs")
    with pytest.raises(UnwritableError):
        Journal(tmp_path / "results", BEGUN)


def test_the_pairs_of_the_same_comparison_are_found(tmp_path: Path) -> None:
    """Threshold, budget and time of day may differ: the pairs are as good."""
    path = journal(tmp_path, PAIR)
    again = replace(BEGUN, identifier="c2", threshold=0.05, budget_s=1.0, started_at="2027", notes=())
    assert earlier(tmp_path / "results", again) == (path, [PAIR])


@pytest.mark.parametrize(
    "changes",
    [
        {"base": "c" * 40},
        {"head": "c" * 40},
        {"environment": "other"},
        {"threads": {"OMP_NUM_THREADS": "2"}},
        {"mode": "fresh processes: it was asked for"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_pairs_of_another_comparison_are_not_found(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Another commit, machine, environment, number of threads or kind of process is another question."""
    journal(tmp_path, PAIR, **changes)
    assert earlier(tmp_path / "results", BEGUN) == (None, [])


def test_pairs_of_another_machine_are_refused(tmp_path: Path) -> None:
    """Whoever wants to go on with them learns why not, instead of starting over in silence."""
    journal(tmp_path, PAIR, tag="other")
    with pytest.raises(ForeignPairsError, match="different hardware"):
        earlier(tmp_path / "results", BEGUN)


def test_each_benchmark_goes_on_from_its_newest_file(tmp_path: Path) -> None:
    """A later run of another benchmark on the same commits hides no pairs."""
    journal(tmp_path, PAIR)
    newest = journal(tmp_path, replace(PAIR, benchmark="bench.time_y"), identifier="c2")
    os.utime(newest, (2e9, 2e9))
    path, pairs = earlier(tmp_path / "results", BEGUN)
    assert path == newest
    assert {pair.benchmark for pair in pairs} == {PAIR.benchmark, "bench.time_y"}


def test_pairs_of_an_edited_benchmark_are_not_found(tmp_path: Path) -> None:
    """The suite is the working tree's: what its benchmarks are called says nothing about their code."""
    other = replace(PAIR, benchmark="bench.time_y")
    path = journal(tmp_path, PAIR, other, facts={"versions": {"bench.time_x": "1", "bench.time_y": "1"}})
    again = replace(BEGUN, facts={"versions": {"bench.time_x": "1", "bench.time_y": "2"}})
    assert earlier(tmp_path / "results", again) == (path, [PAIR])


def test_a_comparison_that_took_no_pair_hides_no_other(tmp_path: Path) -> None:
    """Two interruptions in a row lose nothing."""
    path = journal(tmp_path, PAIR)
    journal(tmp_path, identifier="c2")
    assert earlier(tmp_path / "results", BEGUN) == (path, [PAIR])


def test_nothing_to_resume_is_nothing(tmp_path: Path) -> None:
    """A first run has no folder yet."""
    assert earlier(tmp_path / "results", BEGUN) == (None, [])


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    """A foreign file in the folder is no comparison."""
    folder = gates_dir(tmp_path / "results")
    folder.mkdir(parents=True)
    (folder / "foreign.jsonl").write_bytes(b"\xff\xfe" + json.dumps({"a": 1}).encode())
    assert earlier(tmp_path / "results", BEGUN) == (None, [])
