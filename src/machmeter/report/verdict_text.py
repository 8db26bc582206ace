"""The verdicts of a comparison: in a terminal, as markdown, as GitHub annotations, as JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from machmeter.pairs import Comparison, Verdict
from machmeter.report.labels import printable
from machmeter.report.markdown import code, plain

#: What needs a reader's attention comes first.
_ORDER = (
    "slower",
    "work changed",
    "failed",
    "inconclusive",
    "faster",
    "added",
    "removed",
    "skipped",
    "unchanged",
)
_STYLES = {
    "slower": "bold red",
    "failed": "red",
    "work changed": "yellow",
    "inconclusive": "yellow",
    "faster": "green",
}
_CLOCKS = {"cpu": "CPU time", "wall": "wall time", "gpu": "GPU time", "value": "value", None: ""}
_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def show(comparison: Comparison, on: Console) -> None:
    """Print the table of verdicts, what was printed by what failed, and a summary."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("verdict", "benchmark", "change", "95% interval", "base", "head", "by", "pairs"):
        table.add_column(
            heading, justify="right" if heading in {"change", "base", "head", "pairs"} else "left"
        )
    for verdict in ordered(comparison.verdicts):
        style = _STYLES.get(verdict.word, "")
        cells = (verdict.word, name(verdict), *_cells(verdict))
        table.add_row(*(escape(printable(cell)) for cell in cells), style=style)
    on.print(table)
    for line in _explanations(comparison):
        on.print(line, markup=False, highlight=False)
    on.print(headline(comparison), markup=False, highlight=False)


def to_json(comparison: Comparison) -> str:
    """Everything, as one JSON object."""
    return json.dumps(asdict(comparison), indent=1) + "\n"


def markdown(comparison: Comparison) -> str:
    """Lay out a table for an issue, a pull request or a step's summary."""
    lines = [
        f"### machmeter: {plain(headline(comparison))}",
        "",
        "| verdict | benchmark | change | 95% interval | base | head | by | pairs |",
        "|---|---|---:|---|---:|---:|---|---:|",
    ]
    for verdict in ordered(comparison.verdicts):
        cells = (verdict.word, code(name(verdict)), *map(plain, _cells(verdict)))
        lines.append("| " + " | ".join(cells) + " |")
    told = ["- " + "<br>".join(map(plain, line.splitlines())) for line in _explanations(comparison)]
    return "\n".join([*lines, "", *told, ""]).rstrip() + "\n"


def annotations(comparison: Comparison) -> Iterator[str]:
    """Workflow commands of GitHub: an error for what is slower or failed, a warning for what is open."""
    kinds = {"slower": "error", "failed": "error", "inconclusive": "warning", "work changed": "warning"}
    for verdict in ordered(comparison.verdicts):
        if verdict.word in kinds:
            title = _property(f"{name(verdict)}: {verdict.word}")
            yield f"::{kinds[verdict.word]} title={title}::{_data(_sentence(verdict))}"


def ordered(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Most important first, the largest change first among equals."""
    return sorted(verdicts, key=lambda each: (_ORDER.index(each.word), -abs((each.ratio or 1.0) - 1.0)))


def headline(comparison: Comparison) -> str:
    """One line: how many of each, between which commits, where and how long."""
    counts = Counter(verdict.word for verdict in comparison.verdicts)
    told = ", ".join(f"{counts[word]} {word}" for word in _ORDER if counts[word])
    pairs = sum(verdict.pairs for verdict in comparison.verdicts)
    return (
        f"{told or 'nothing measured'}: {comparison.base[:8]} to {comparison.head[:8]} on {comparison.tag}, "
        f"{pairs} pairs in {comparison.seconds:.0f} s"
    )


def name(verdict: Verdict) -> str:
    """Benchmark with its parameters."""
    return f"{verdict.benchmark}({', '.join(verdict.params)})" if verdict.params else verdict.benchmark


def change(ratio: float | None) -> str:
    """Write a ratio as a signed percentage, "+2.1%"; above doubling as a factor."""
    if ratio is None:
        return ""
    return f"{ratio:.3g} times" if ratio >= 2 else f"{(ratio - 1) * 100:+.2f}%"  # noqa: PLR2004 - doubled


def _cells(verdict: Verdict) -> tuple[str, ...]:
    interval = ""
    if verdict.low is not None and verdict.high is not None:
        interval = f"{change(verdict.low)} … {change(verdict.high)}"
    return (
        change(verdict.ratio),
        interval,
        amount(verdict.base, verdict),
        amount(verdict.head, verdict),
        _CLOCKS.get(verdict.clock, ""),
        str(verdict.pairs),
    )


def amount(value: float | None, verdict: Verdict) -> str:
    """Write a cost with its unit, seconds with a prefix."""
    if value is None:
        return ""
    if verdict.clock == "value":
        return f"{value:.6g} {verdict.unit}"
    scale, prefix = next((each for each in _PREFIXES if abs(value) >= each[0]), _PREFIXES[-1])
    return f"{value / scale:.4g} {prefix}s"


def _sentence(verdict: Verdict) -> str:
    """Say a verdict in a sentence."""
    told = f"{name(verdict)} is {verdict.word}"
    if verdict.ratio is not None and verdict.low is not None and verdict.high is not None:
        told += f": {change(verdict.ratio)} (95%: {change(verdict.low)} to {change(verdict.high)})"
        told += f" by {_CLOCKS[verdict.clock]}, {verdict.pairs} pairs"
    return "; ".join(filter(None, (told, verdict.reason, verdict.cause)))


def _explanations(comparison: Comparison) -> Iterator[str]:
    """Give notes and reasons in the words of others, with nothing in them that a terminal would obey."""
    if comparison.mode != "zygote":
        yield _lines(f"Measured in {comparison.mode}.")
    yield from map(_lines, comparison.notes)
    for verdict in ordered(comparison.verdicts):
        if verdict.reason and verdict.word != "unchanged":
            yield _lines(f"{name(verdict)}: {verdict.word}, {verdict.reason}.")
        if verdict.cause:
            yield _lines(f"{name(verdict)}: {verdict.cause.rstrip('.')}.")
        if verdict.page:
            yield _lines(f"{name(verdict)}: flame graph in {verdict.page}")
        if verdict.word == "failed" and verdict.output:
            yield "\n".join(f"    {printable(line)}" for line in verdict.output.splitlines()[-12:])


def _lines(text: str) -> str:
    return "\n".join(map(printable, text.splitlines()))


def _data(text: str) -> str:
    """Escape the message of a workflow command, as GitHub's toolkit does."""
    return _lines(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
