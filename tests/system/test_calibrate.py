"""A real calibration of this node: what it finds depends on the node, that it says so does not."""

import json
import subprocess
from pathlib import Path

import pytest
from commands import MACHMETER, interrupted
from toy import Suite

pytestmark = pytest.mark.system


def test_a_node_is_calibrated_without_any_suite(tmp_path: Path) -> None:
    """In an empty folder; every kernel has pairs, and every rate its interval."""
    done = subprocess.run(
        [MACHMETER, "calibrate", "--seconds", "6", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=200,
        check=False,
    )
    assert done.returncode in {0, 3}, done.stderr
    found = json.loads(done.stdout)
    assert {kernel["name"] for kernel in found["kernels"]} == {"arithmetic", "dicts", "arrays"}
    assert all(kernel["pairs"] > 0 for kernel in found["kernels"])
    for row in found["rows"]:
        assert 0 <= row["found"]["low"] <= row["found"]["share"] <= row["found"]["high"] <= 1
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_tells_what_is_known(suite: Suite) -> None:
    """No process is left, and the first pairs are summed up and kept beside the suite's results."""
    code, text = interrupted(suite, "calibrate", "--seconds", "300", when="identical copies")
    assert code == 130
    assert "Ended early: it was interrupted" in text
    assert len(list((suite.folder / "results.machmeter" / "calibrations").rglob("*.json"))) == 1
