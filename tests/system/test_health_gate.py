"""A node that is slower than its class does not measure, or marks every sample."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from toy import Suite

from machmeter.machine.fingerprint import fingerprint
from machmeter.results import health_records

pytestmark = pytest.mark.system


def machmeter(suite: Suite, *arguments: str, expect: int = 0) -> str:
    done = subprocess.run(
        [os.fspath(Path(sys.executable).with_name("machmeter")), *arguments],
        cwd=suite.folder,
        env=suite.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def slow_node(suite: Suite) -> Suite:
    """A node whose class was three times as fast in six earlier observations."""
    machmeter(suite, "health", "--json")
    results = suite.folder / "results"
    ((now,), _) = health_records.read(results, fingerprint().tag)
    faster = tuple(
        replace(rate, sustained=3 * rate.sustained, undisturbed=3 * rate.undisturbed) for rate in now.rates
    )
    for number in range(6):
        health_records.write(results, replace(now, run=f"earlier-{number}", node="twin", rates=faster))
    return suite


def test_a_slow_node_refuses_to_measure(slow_node: Suite) -> None:
    """Exit code 1, the slow kernels with their shares and the way out; no sample is taken."""
    output = slow_node.asv("run", "HEAD^!", "--bench", "time_spin", expect=1, MACHMETER_HEALTH="refuse")
    assert f"this node of {fingerprint().tag} is not healthy (slow: " in output
    assert "matrix_product_f32 by " in output
    assert "MACHMETER_HEALTH=mark" in output
    assert "Traceback" not in output
    assert slow_node.rows() == []


def test_a_slow_node_that_is_told_to_go_on_marks_every_sample(slow_node: Suite) -> None:
    """The mark is in the sidecar, in the run's record and in the table."""
    slow_node.asv("run", "HEAD^!", "--bench", "time_spin", MACHMETER_HEALTH="mark")
    rows = slow_node.rows()
    assert rows
    assert all("matrix_product_f32 by " in row["health"] for row in rows)
    assert "unhealthy node" in machmeter(slow_node, "samples")
    (record,) = (slow_node.folder / "results.machmeter" / "runs").rglob("*.json")
    assert json.loads(record.read_text())["health"].startswith("slow: ")


def test_the_command_says_slow_by_its_exit_code(slow_node: Suite) -> None:
    """A script can ask before it measures."""
    assert "slow: " in machmeter(slow_node, "health", expect=1)


def test_a_node_without_a_past_measures(suite: Suite) -> None:
    """Fewer than five earlier observations are no verdict; the first one is kept."""
    output = suite.asv("run", "HEAD^!", "--quick", "--bench", "time_spin", MACHMETER_HEALTH="refuse")
    assert "Health: unknown" in output
    ((record,), _) = health_records.read(suite.folder / "results", fingerprint().tag)
    assert record.health.verdict == "unknown"
    assert all(row["health"] is None for row in suite.rows())


def test_an_unknown_word_is_named(suite: Suite) -> None:
    """A misspelt mode stops before anything is measured."""
    output = suite.asv("run", "HEAD^!", "--quick", expect=1, MACHMETER_HEALTH="maybe")
    assert "MACHMETER_HEALTH is 'maybe'" in output
    assert "Known: refuse, mark, off" in output
