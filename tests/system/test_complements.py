"""Memory and torch's operators at two commits, with real memray and real torch in an environment."""

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from toy import Suite, make_suite

pytestmark = pytest.mark.system

_COMMAND = os.fspath(Path(sys.executable).with_name("machmeter"))

PROJECT = """\
class Table:
    def fill(self, size):
        return [bytes(1000 + number % 7) for number in range(size)]


def keep(size):
    return bytearray(size)


def work():
    rows = Table().fill(2000)
    spare = keep(300_000)
    return len(rows) + len(spare)
"""

BENCHMARKS = """\
import toy


class TimeTable:
    params = [1, 2]

    def setup(self, rounds):
        self.held = bytearray(10_000_000)

    def time_work(self, rounds):
        toy.work()


def timeraw_work():
    return "toy.work()", "import toy"
"""

#: A method holds half as much again, and a function is new; nothing takes longer for it.
HEAVIER = PROJECT.replace("Table().fill(2000)", "Table().fill(3000)").replace(
    "keep(300_000)\n", "keep(300_000) + more()\n"
)
HEAVIER += "\n\ndef more():\n    return bytearray(500_000)\n"

TORCH_PROJECT = """\
import torch

ONES = torch.ones(64, 64)


def step():
    return (ONES @ ONES).relu()
"""

TORCH_BENCHMARKS = """\
import toy


def time_step():
    toy.step()
"""


def flame(suite: Suite, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [_COMMAND, "flame", *arguments],
        cwd=suite.folder,
        env=suite.environ(),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=600,
        check=False,
    )
    assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def rows(done: subprocess.CompletedProcess[str]) -> dict[str, Mapping[str, Any]]:
    """Rows of the only complement, by the innermost part of their names."""
    (found,) = json.loads(done.stdout)["complements"]
    return {row["name"][-1]: row for row in found["rows"]}


def _torch_version() -> str:
    """The version that is installed here, so that the environments find it in the cache; empty without."""
    try:
        return importlib.metadata.version("torch").partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return ""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """Two commits, in an environment with memray."""
    made = make_suite(tmp_path_factory.mktemp("memory"))
    made.configure(matrix={"req": {"pip+memray": [""]}})
    for message, source in {"light": PROJECT, "heavy": HEAVIER}.items():
        made.commit(message, {"toy.py": source, "benchmarks/bench.py": BENCHMARKS})
    return made


def test_memory_by_call_path(suite: Suite) -> None:
    """Bytes are exact, methods have qualified names, and what the setup holds does not count."""
    done = flame(suite, "main~1..main", "-b", r"time_work\(1\)", "--memory", "--json")
    found = rows(done)
    assert {name: found[name]["status"] for name in ("toy:Table.fill", "toy:keep", "toy:more")} == {
        "toy:Table.fill": "changed",
        "toy:keep": "",
        "toy:more": "added",
    }
    assert found["toy:Table.fill"]["name"][:3] == ["main", "benchmarks.bench:TimeTable.time_work", "toy:work"]
    grown = found["toy:Table.fill"]["amounts"]["bytes"]
    assert grown["delta"] == pytest.approx(1_000 * (1003 + 33), rel=0.05)
    assert grown["spread"] <= 0.001 * grown["delta"]
    assert found["toy:more"]["amounts"]["bytes"]["delta"] == pytest.approx(500_000, rel=0.01)
    total = json.loads(done.stdout)["complements"][0]["totals"]["bytes"]
    assert total["changed"]
    assert max(total["head"]) < 6_000_000


def test_equal_commits_do_not_differ(suite: Suite) -> None:
    """No row, and the sentence says so."""
    done = flame(suite, "main..main", "-b", r"time_work\(1\)", "--memory")
    headline, rest = done.stdout.splitlines()
    assert "no change" in headline
    assert rest.startswith("  unchanged")


def test_another_interpreters_memory_is_refused(suite: Suite) -> None:
    """With the next step, and without a traceback."""
    done = flame(suite, "main~1..main", "-b", "timeraw_work", "--memory", expect=2)
    assert "interpreter of their own" in done.stderr
    assert "Traceback" not in done.stderr


def test_memory_needs_two_commits(suite: Suite) -> None:
    """One of them has no difference."""
    assert "BASE..HEAD" in flame(suite, "main", "-b", "time_work", "--memory", expect=2).stderr


def test_what_is_missing_in_the_environment_is_named(tmp_path: Path) -> None:
    """With what to add to the matrix; torch that a benchmark does not use is not looked for further."""
    made = make_suite(tmp_path)
    made.commit("light", {"toy.py": PROJECT, "benchmarks/bench.py": BENCHMARKS})
    chosen = ("main~0..main", "-b", r"time_work\(1\)")
    assert "pip+memray" in flame(made, *chosen, "--memory", expect=2).stderr
    assert "torch is not installed" in flame(made, *chosen, "--torch", expect=2).stderr


@pytest.mark.skipif(not _torch_version(), reason="torch is heavy, and absent here")
def test_torch_by_operator(tmp_path: Path) -> None:
    """One more multiplication, another activation."""
    made = make_suite(tmp_path)
    made.configure(matrix={"req": {"pip+torch": [_torch_version()], "pip+numpy": [""]}})
    changed = TORCH_PROJECT.replace("(ONES @ ONES).relu()", "(ONES @ ONES @ ONES).sigmoid()")
    for message, source in {"before": TORCH_PROJECT, "after": changed}.items():
        made.commit(message, {"toy.py": source, "benchmarks/bench.py": TORCH_BENCHMARKS})
    found = rows(flame(made, "main~1..main", "-b", "time_step", "--torch", "--json"))
    assert {name: found[f"aten::{name}"]["status"] for name in ("mm", "relu", "sigmoid")} == {
        "mm": "changed",
        "relu": "removed",
        "sigmoid": "added",
    }
    assert found["aten::mm"]["amounts"]["calls"]["delta"] == 1.0
