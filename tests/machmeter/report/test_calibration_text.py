import io
from dataclasses import replace

from rich.console import Console

from machmeter.report import calibration_text
from machmeter.results.calibrations import Calibration, Kernel, Rate, Resolution

ROW = Resolution(
    effect=0.01,
    injected=30,
    seen=0.0101,
    seen_error=0.0008,
    found=Rate(0.98, 0.85, 1.0, 22.0),
    false_alarms=Rate(0.004, 0.0, 0.12, 25.0),
    undecided=Rate(0.0, 0.0, 0.1, 25.0),
    seconds=2.4,
    pairs=12.0,
    seconds_95=3.2,
    seconds_unchanged=1.8,
)
FOUND = Calibration(
    tag="epyc-2c",
    node="node01",
    started_at="2026-01-01T00:00:00+00:00",
    alpha=0.01,
    seconds=120.0,
    kernels=(Kernel("dicts", 100, 0, 0.006, 0.2),),
    null_seen=0.0002,
    null_error=0.0004,
    rows=(ROW,),
)


def shown(found: Calibration) -> str:
    console = Console(width=130, file=io.StringIO(), record=True)
    calibration_text.show(found, console)
    return console.export_text()


def test_what_is_found_is_a_sentence() -> None:
    """Size, seconds, share of runs, false alarms with their range."""
    assert "This node finds 1% in 3.20 s (95% of runs) at 0.4% (0-12%) false alarms." in shown(FOUND)


def test_what_is_not_found_is_not_claimed() -> None:
    """Neither what too few runs find nor what too few pairs can tell."""
    assert "does not find 1% reliably: in 98% (85-100%) of runs" in shown(
        replace(FOUND, rows=(replace(ROW, seconds_95=None),))
    )
    assert "too few pairs to say; about 90 s more would do" in shown(
        replace(FOUND, rows=(replace(ROW, lacking_s=90.0),))
    )


def test_copies_that_differ_and_disturbances_are_told() -> None:
    """Both make the figures above them doubtful."""
    text = shown(replace(FOUND, null_seen=0.01, kernels=(Kernel("dicts", 100, 40, 0.006, 0.2),)))
    assert "That is no accident" in text
    assert "40% of the pairs were disturbed" in text
    assert "no accident" not in shown(FOUND)


def test_nothing_measured_is_said() -> None:
    """An interruption before the first pair."""
    text = shown(replace(FOUND, rows=(), kernels=(), ended="it was interrupted"))
    assert "Ended early: it was interrupted" in text
    assert "Nothing was measured." in text
