import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from writers import append_many

from machmeter.probe.sidecar import VARIABLE, Context, Sidecar, SidecarError
from machmeter.results import sidecars

ROW = {
    "started_at": "2026-01-01T00:00:00+00:00",
    "items": 2,
    "wall_s": 0.5,
    "cpu_s": 0.25,
    "run_delay_s": 0.0,
    "pressure": {},
}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(
        sidecar=str(tmp_path / "samples" / "one.jsonl"),
        commit="c0ffee",
        environment="machmeter-py3.11",
        tag="toy-1c-1g-00000000",
        node="here",
        run="run-1",
    )


def lines(context: Context) -> list[str]:
    return Path(context.sidecar).read_text().splitlines()


def test_the_driver_is_understood_by_the_benchmark_process(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A context survives the environment variable; without it there is none."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert Context.current() is None
    monkeypatch.setenv(VARIABLE, context.encode())
    assert Context.current() == context


def test_what_the_probe_writes_the_driver_reads(context: Context) -> None:
    """The line format is one, on both sides."""
    Sidecar(context, "bench.time_x", ["'a'", "1"]).append([ROW, ROW])
    found = sidecars.read(Path(context.sidecar).parent)
    assert found.problems == ()
    assert [(s.benchmark, s.params, s.round, s.index) for s in found.samples] == [
        ("bench.time_x", ("'a'", "1"), 1, 0),
        ("bench.time_x", ("'a'", "1"), 1, 1),
    ]
    assert found.samples[0].wall_s_per_item == 0.25
    assert found.samples[0].tag == context.tag


def test_a_path_is_read_as_it_was_written(context: Context) -> None:
    """Lines from before the paths have none, and are read all the same."""
    Sidecar(context, "bench.time_x", []).append([ROW | {"path": {"memcpy": 8.0}}, ROW])
    found = sidecars.read(Path(context.sidecar).parent)
    assert [sample.path for sample in found.samples] == [{"memcpy": 8.0}, None]


@pytest.mark.parametrize("path", [[], "memcpy", {"memcpy": None}, {"memcpy": -1.0}, {"memcpy": True}])
def test_an_impossible_path_is_named(path: object, context: Context) -> None:
    """The line is left out, its neighbour is not."""
    Sidecar(context, "bench.time_x", []).append([ROW | {"path": path}, ROW])
    found = sidecars.read(Path(context.sidecar).parent)
    assert (len(found.samples), len(found.problems)) == (1, 1)
    assert ":1 is not a sample: TypeError: impossible value" in found.problems[0]


def test_rounds_are_counted_by_benchmark_and_parameters(context: Context) -> None:
    """The second process of the same benchmark and parameters is round two, of others round one."""
    for params in (["1"], ["1"], ["2"]):
        Sidecar(context, "bench.time_x", params).append([ROW])
    assert [json.loads(line)["round"] for line in lines(context)] == [1, 2, 1]


def test_a_line_cut_off_by_a_kill_spoils_no_other(context: Context) -> None:
    """The next sample starts on a line of its own, and the half one is reported by name and number."""
    Sidecar(context, "bench.time_x", []).append([ROW])
    path = Path(context.sidecar)
    path.write_bytes(path.read_bytes() + b'{"schema": 1, "bench')
    Sidecar(context, "bench.time_x", []).append([ROW])
    found = sidecars.read(path.parent)
    assert [sample.round for sample in found.samples] == [1, 2]
    (problem,) = found.problems
    assert f"{path}:2 is not a sample" in problem


def test_a_full_disk_is_an_error_and_leaves_whole_lines(context: Context) -> None:
    """The kernel's limit on a file's size cuts a write in the middle, as a full disk does."""
    code = f"""
import resource
from machmeter.probe.sidecar import Context, Sidecar, SidecarError
sidecar = Sidecar(Context(**{json.loads(context.encode())!r}), "bench.time_x", [])
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    for _ in range(100):
        sidecar.append([{ROW!r}])
except SidecarError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"cannot write a sample to {context.sidecar}" in run.stdout
    found = sidecars.read(Path(context.sidecar).parent)
    assert found.problems == ()
    assert len(found.samples) >= 2


def test_a_device_without_space_is_an_error(context: Context) -> None:
    """``/dev/full`` answers as a disk without a free block."""
    sidecar = Sidecar(context, "bench.time_x", [])
    Path(context.sidecar).parent.mkdir()
    Path(context.sidecar).symlink_to("/dev/full")
    with pytest.raises(SidecarError, match="No space left on device"):
        sidecar.append([ROW])


def test_a_folder_that_cannot_be_made_is_an_error(context: Context, tmp_path: Path) -> None:
    """A file where the folder should be is named."""
    (tmp_path / "samples").write_text("")
    with pytest.raises(SidecarError, match="cannot write a sample"):
        Sidecar(context, "bench.time_x", []).append([ROW])


def test_several_writers_lose_no_line(context: Context) -> None:
    """Processes that write into one file at the same time leave every line whole."""
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        list(pool.map(append_many, [context] * 4, "abcd", [ROW] * 4))
    found = sidecars.read(Path(context.sidecar).parent)
    assert found.problems == ()
    assert len(found.samples) == 800
    assert os.stat(context.sidecar).st_size == sum(len(line) + 1 for line in lines(context))  # noqa: PTH116
