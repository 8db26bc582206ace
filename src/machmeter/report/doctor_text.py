"""The doctor's findings in a terminal, the worst first, and as JSON for programs."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Final

from rich.console import Console
from rich.text import Text

from machmeter.machine.doctor.finding import Finding, Level, is_fit
from machmeter.report import labels

#: Level, heading and colour of each group; what is well needs one paragraph only.
_GROUPS: Final = (
    (Level.UNFIT, "Unfit", "bold red"),
    (Level.WARNING, "Warnings", "yellow"),
    (Level.NOTE, "Notes", "cyan"),
)
_INDENT: Final = "  "

#: Longer lines are hard to read, also on a wide terminal.
_WIDEST: Final = 100


def show(findings: Sequence[Finding], on: Console) -> None:
    """Print whether the node is fit, then the findings in groups: what, why, what to do.

    Parameters
    ----------
    findings : sequence of Finding
        In the order in which they are to appear within a group.
    on : Console
        From `machmeter.report.text.console`; lines are wrapped on a terminal only.
    """
    for line in _lines(findings, min(on.width, _WIDEST) if on.is_terminal else None):
        on.print(line, soft_wrap=True)


def to_json(findings: Sequence[Finding]) -> str:
    """Spell ``{"fit": bool, "findings": [{"check", "level", "found", "why", "advice"}]}``."""
    body = {"fit": is_fit(findings), "findings": [asdict(finding) for finding in findings]}
    return json.dumps(body, indent=1) + "\n"


def _lines(findings: Sequence[Finding], width: int | None) -> Iterator[Text]:
    yield _verdict(findings)
    for level, heading, style in _GROUPS:
        members = [finding for finding in findings if finding.level is level]
        if members:
            yield Text("")
            yield Text(heading, style=style)
        for finding in members:
            yield from _finding(finding, width)
    fine = [finding.check for finding in findings if finding.level is Level.OK]
    if fine:
        yield Text("")
        yield from _paragraph(f"Fine: {', '.join(dict.fromkeys(fine))}.", "", width, "green")


def _verdict(findings: Sequence[Finding]) -> Text:
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    parts = [
        f"{counts[level]} {word}{'s' if counts[level] != 1 else ''}"
        for level, word in ((Level.UNFIT, "reason"), (Level.WARNING, "warning"), (Level.NOTE, "note"))
        if counts[level]
    ]
    fit = is_fit(findings)
    verdict = "This node is fit to measure" if fit else "This node is unfit to measure now"
    return Text(f"{verdict}{': ' if parts else ''}{', '.join(parts)}.", style="bold" if fit else "bold red")


def _finding(finding: Finding, width: int | None) -> Iterator[Text]:
    yield from _paragraph(f"{finding.check}: {finding.found}", _INDENT, width, "bold")
    if finding.why:
        yield from _paragraph(finding.why, _INDENT * 2, width)
    if finding.advice:
        yield from _paragraph(f"> {finding.advice}", _INDENT * 2, width)


def _paragraph(text: str, indent: str, width: int | None, style: str = "") -> Iterator[Text]:
    # Process names are other people's texts: nothing in them is obeyed, by the terminal or by rich.
    plain = labels.printable(text)
    if width is None:
        yield Text(indent + plain, style=style)
        return
    for line in textwrap.wrap(
        plain,
        max(width, 2 * len(indent) + 20),
        initial_indent=indent,
        subsequent_indent=indent + _INDENT,
        break_on_hyphens=False,
    ):
        yield Text(line, style=style)
