import json
import math
import os
import sys
from pathlib import Path

import pytest

from machmeter.machine import kernels
from machmeter.machine.kernels import Request, run

ROW = {
    "name": "memcpy",
    "unit": "GB/s",
    "rates": [2, 3.5],
    "sustained": 2.5,
    "wall_s": 1,
    "conditions": "numpy 2",
}


def request(python: Path | str, *names: str, timeout_s: float = 60.0) -> Request:
    return Request(names, Path(python), Path("/tmp"), seconds=0.001, timeout_s=timeout_s)


def program(folder: Path, text: str) -> Path:
    """Write a program that takes the python's place."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_kernels_run_in_a_child() -> None:
    """Rates come back in the order asked for."""
    found = run(request(sys.executable, "interpreter", "memcpy"))
    assert [each.name for each in found] == ["interpreter", "memcpy"]
    assert all(each.sustained > 0 and each.unavailable is None for each in found)


def test_every_number_of_threads_is_reported() -> None:
    """One name stands for several kernels."""
    found = run(Request(("memcpy_threads",), Path(sys.executable), Path("/tmp"), 0.001, threads=2))
    assert [each.name for each in found] == ["memcpy_threads_1", "memcpy_threads_2"]


def test_the_child_has_one_thread_and_todays_instrument(tmp_path: Path) -> None:
    """Variables that set numbers of threads are 1, whatever this process has; the folder is absolute."""
    python = program(tmp_path, f'env > {tmp_path}/env; echo "$@" > {tmp_path}/arguments')
    run(request(python, "memcpy"))
    variables = (tmp_path / "env").read_text().splitlines()
    assert {"OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", "MKL_NUM_THREADS=1"} <= set(variables)
    assert "--directory /tmp" in (tmp_path / "arguments").read_text()


def test_nothing_of_the_drivers_packages_reaches_the_child(tmp_path: Path) -> None:
    """A python without numpy does not find the driver's: it would be of another version of Python."""
    bare = program(tmp_path, f'exec {sys.executable} -S "$@"')
    (found,) = run(request(bare, "memcpy"))
    assert found.unavailable == "numpy is not installed in this environment"


def test_a_numpy_in_the_current_folder_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite's folder may hold files of any name."""
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong numpy')")
    monkeypatch.chdir(tmp_path)
    (found,) = run(request(sys.executable, "memcpy"))
    assert found.unavailable is None


def test_a_python_that_does_not_start_is_a_reason(tmp_path: Path) -> None:
    """Every kernel says so."""
    found = run(request(tmp_path / "python", "memcpy", "interpreter"))
    assert [each.name for each in found] == ["memcpy", "interpreter"]
    assert {each.unavailable for each in found} == {
        f"{tmp_path / 'python'} does not start: No such file or directory"
    }


def test_what_came_before_a_crash_counts(tmp_path: Path) -> None:
    """The kernels that were never reported name how the child ended."""
    found = run(
        request(program(tmp_path, f"echo '{json.dumps(ROW)}'; echo boom >&2; exit 3"), "cold_read", "memcpy")
    )
    assert [(each.name, each.unavailable) for each in found] == [
        ("memcpy", None),
        ("cold_read", "the process ended with 3: boom"),
    ]
    assert (found[0].rates, found[0].sustained) == ((2.0, 3.5), 2.5)


def test_a_kernel_that_hangs_is_a_reason(tmp_path: Path) -> None:
    """What was reported before counts here too, and the child is gone afterwards."""
    text = f"echo $$ > {tmp_path}/pid; echo '{json.dumps(ROW)}'; exec sleep 300"
    found = run(request(program(tmp_path, text), "memcpy", "cold_read", timeout_s=1.0))
    assert [each.unavailable for each in found] == [None, "not finished within 1 s"]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    "line",
    [
        "Welcome to this cluster!",
        "[]",
        "{}",
        json.dumps(ROW | {"rates": []}),
        json.dumps(ROW | {"rates": [0]}),
        json.dumps(ROW | {"rates": [True]}),
        json.dumps(ROW | {"sustained": math.nan}),
        json.dumps(ROW | {"sustained": math.inf}),
        json.dumps(ROW | {"sustained": "2"}),
        json.dumps(ROW | {"name": "rm"}),
        json.dumps(ROW)[:40],
    ],
)
def test_a_line_that_is_no_result_is_passed_over(line: str, tmp_path: Path) -> None:
    """Whatever a library prints, a kernel without a valid line is unavailable."""
    (tmp_path / "line").write_text(line + "\n")
    (found,) = run(request(program(tmp_path, f"cat {tmp_path}/line"), "memcpy"))
    assert found.name == "memcpy"
    assert found.unavailable == "the process ended with 0: no message"


def test_a_cold_read_says_what_it_came_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File system and disk, as far as they are known; no other kernel depends on them."""
    disk = {"filesystem": "ext4", "kind": "nvme", "model": "unknown"}
    monkeypatch.setattr(kernels, "storage", lambda _: disk)
    rows = [json.dumps(ROW | {"name": name}) for name in ("cold_read", "memcpy")]
    (tmp_path / "lines").write_text("\n".join(rows))
    found = run(request(program(tmp_path, f"cat {tmp_path}/lines"), "cold_read", "memcpy"))
    assert [each.conditions for each in found] == ["ext4, nvme", "numpy 2"]
