import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from toy import make_suite

from machmeter.cli import calibrate as command
from machmeter.cli import main
from machmeter.gate.calibrate import INTERRUPTED
from machmeter.gate.replays import Noise
from machmeter.results.calibrations import Calibration, Kernel, Rate, Resolution

CERTAIN = Rate(1.0, 0.9, 1.0, 30.0)
NEVER = Rate(0.0, 0.0, 0.1, 30.0)
ROW = Resolution(0.05, 30, 0.05, 0.001, CERTAIN, NEVER, NEVER, 2.4, 12.0, 3.0, 1.8)
FOUND = Calibration(
    "tag", "node", "2026-01-01T00:00:00+00:00", 0.01, 120.0, (Kernel("dicts", 9, 0, 0.01, 0.2),), 0.0, 0.01,
    (ROW,),
)  # fmt: skip


def run(monkeypatch: pytest.MonkeyPatch, found: Calibration, *arguments: str) -> Result:
    def measured(_: float, tell: Callable[[list[Noise], float], None]) -> Calibration:
        tell([Noise("dicts", 0.0, 0.001, 0.2)], 10.0)
        return found

    monkeypatch.setattr(command, "calibrate", measured)
    return CliRunner().invoke(main, ["calibrate", *arguments])


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (FOUND, 0),
        (replace(FOUND, rows=(replace(ROW, seconds_95=None),)), 3),
        (replace(FOUND, rows=(replace(ROW, lacking_s=60.0),)), 3),
        (replace(FOUND, ended=INTERRUPTED), 130),
        (replace(FOUND, rows=(), kernels=(), ended=INTERRUPTED), 130),
    ],
)
def test_the_exit_code_tells_whether_five_percent_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: Calibration, code: int
) -> None:
    """Without a suite here, as text and as JSON; nothing is written."""
    monkeypatch.chdir(tmp_path)
    for form in ([], ["--json"]):
        done = run(monkeypatch, found, *form)
        assert done.exit_code == code, done.output
        assert done.stdout
    assert list(tmp_path.iterdir()) == []


def test_it_is_kept_beside_the_results_of_a_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file a calibration, by tag."""
    suite = make_suite(tmp_path)
    monkeypatch.chdir(suite.folder)
    run(monkeypatch, FOUND)
    (kept,) = (suite.folder / "results.machmeter" / "calibrations" / "tag").iterdir()
    assert json.loads(kept.read_text())["rows"][0]["effect"] == 0.05
