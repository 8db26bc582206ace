import io
import json

import pytest
from rich.console import Console

from machmeter.machine.doctor.finding import Finding, Level
from machmeter.report import doctor_text, text

FINDINGS = (
    Finding("boost", Level.NOTE, "on", "Clocks vary.", "Keep it."),
    Finding("steal", Level.OK, "0.0%"),
    Finding(
        "thread settings", Level.WARNING, "none is set", "Threads spin. " * 12, "export OMP_NUM_THREADS=1"
    ),
    Finding(
        "other processes", Level.UNFIT, "x [bold]y\x1b[2J (pid 7, me) uses 99% of a core", "Why.", "Stop it."
    ),
)


def printed(findings: tuple[Finding, ...], width: int | None) -> str:
    stream = io.StringIO()
    terminal = width is not None
    on = (
        Console(file=stream, width=width, force_terminal=True, color_system=None)
        if terminal
        else text.console(stream)
    )
    doctor_text.show(findings, on)
    return stream.getvalue()


def test_the_worst_comes_first() -> None:
    """The verdict, then what makes unfit, warnings, notes, and what is well."""
    lines = printed(FINDINGS, None)
    starts = ["This node is unfit", "Unfit", "Warnings", "Notes", "Fine: steal."]
    positions = [lines.index(start) for start in starts]
    assert positions == sorted(positions)
    assert lines.startswith("This node is unfit to measure now: 1 reason, 1 warning, 1 note.\n")


def test_everything_that_is_not_well_says_what_to_do() -> None:
    """Found, why and advice of each finding are printed."""
    lines = printed(FINDINGS, None)
    for finding in FINDINGS[2:3]:
        assert f"  {finding.check}: {finding.found}\n    {finding.why}\n    > {finding.advice}\n" in lines


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_gets_no_line_that_is_too_long(width: int) -> None:
    """Lines are wrapped at the terminal's width, at most 100 columns."""
    assert max(map(len, printed(FINDINGS, width).splitlines())) <= min(width, 100)


def test_a_pipe_gets_plain_whole_lines() -> None:
    """No colours, no wrapping and no trailing blanks where no person looks."""
    lines = printed(FINDINGS, None).splitlines()
    assert "\x1b" not in "".join(lines)
    assert all(line == line.rstrip() for line in lines if not line.endswith("spin. "))
    assert max(map(len, lines)) > 100


@pytest.mark.parametrize("width", [None, 80])
def test_texts_of_others_are_not_obeyed(width: int | None) -> None:
    """Neither rich's markup nor a terminal's control characters in a process's name do anything."""
    assert "x [bold]y\ufffd[2J (pid 7, me)" in printed(FINDINGS, width)


def test_a_fit_node_says_so() -> None:
    """Only good findings are two lines."""
    assert (
        printed((Finding("steal", Level.OK, "0.0%"),), None)
        == "This node is fit to measure.\n\nFine: steal.\n"
    )


def test_json_holds_every_finding() -> None:
    """Programs get all fields, and whether the node is fit."""
    body = json.loads(doctor_text.to_json(FINDINGS))
    assert body["fit"] is False
    assert [each["level"] for each in body["findings"]] == ["note", "ok", "warning", "unfit"]
    assert body["findings"][0] == {
        "check": "boost", "level": "note", "found": "on", "why": "Clocks vary.", "advice": "Keep it.",
    }  # fmt: skip
