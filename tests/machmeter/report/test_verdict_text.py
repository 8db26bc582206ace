import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from machmeter.pairs import Comparison, Verdict
from machmeter.report import verdict_text
from machmeter.results.typed import build

WORDS = (
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
#: What a benchmark's author may write into a name, a parameter or an error.
NASTY = "a|b<script>&`c`\x1b[31mred\x07\r\n::error::x%0A%"


def verdict(word: str = "slower", **changes: Any) -> Verdict:
    facts: dict[str, Any] = {
        "benchmark": "bench.time_x",
        "params": ("1",),
        "clock": "cpu",
        "ratio": 1.021,
        "low": 1.015,
        "high": 1.027,
        "p_value": 1e-5,
        "base": 0.0123,
        "head": 0.0126,
        "spread": 0.004,
        "pairs": 12,
        "seconds": 7.5,
    }
    return Verdict(word=word, **facts | changes)


def comparison(*verdicts: Verdict, **changes: Any) -> Comparison:
    facts: dict[str, Any] = {
        "identifier": "c1",
        "base": "a" * 40,
        "head": "b" * 40,
        "tag": "epyc-2c-24g-3fa91c2e",
        "node": "node",
        "started_at": "2026-01-01T00:00:00+00:00",
        "threshold": 0.01,
        "alpha": 0.01,
        "budget_s": 60.0,
        "environment": "env",
        "threads": {"OMP_NUM_THREADS": "1"},
        "seconds": 7.6,
    }
    return Comparison(verdicts=verdicts, **facts | changes)


def shown(done: Comparison) -> str:
    stream = io.StringIO()
    verdict_text.show(done, Console(file=stream, width=200))
    return stream.getvalue()


def cells(markdown: str) -> list[list[str]]:
    """Text of each cell of the table, as a reader of the rendered page sees it."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline" and rows:
            rows[-1].append("".join(child.content for child in token.children or ()))
        if token.type == "table_close":
            break
    return rows


def obeyed(text: str) -> Iterator[str]:
    """Characters that a terminal would obey."""
    return (char for char in text if not char.isprintable() and char != "\n")


def test_the_table_says_it_all() -> None:
    """Change, interval, both costs, the clock and the number of pairs stand beside the verdict."""
    text = shown(comparison(verdict()))
    assert (
        "slower    bench.time_x(1)   +2.10%   +1.50% … +2.70%   12.3 ms   12.6 ms   CPU time      12" in text
    )
    assert "1 slower: aaaaaaaa to bbbbbbbb on epyc-2c-24g-3fa91c2e, 12 pairs in 8 s" in text


@pytest.mark.parametrize("word", WORDS)
def test_every_word_is_known_to_every_form(word: str) -> None:
    """No verdict breaks a report, and each is counted in the headline."""
    done = comparison(verdict(word, ratio=None, low=None, high=None, base=None, head=None, clock=None))
    list(verdict_text.annotations(done))
    assert f"1 {word}: " in shown(done)
    assert f"| {word} | `bench.time_x(1)` |" in verdict_text.markdown(done)


def test_what_needs_attention_comes_first() -> None:
    """Slower before unchanged, and the larger change first among equals."""
    given = [verdict(word) for word in reversed(WORDS)] + [verdict("slower", ratio=1.5)]
    found = [(each.word, each.ratio) for each in verdict_text.ordered(given)]
    assert found[0] == ("slower", 1.5)
    assert [word for word, _ in found[1:]] == list(WORDS)


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (None, ""),
        (1.0, "+0.00%"),
        (1.021, "+2.10%"),
        (0.5, "-50.00%"),
        (1.999, "+99.90%"),
        (2.0, "2 times"),
        (1.5e12, "1.5e+12 times"),
    ],
)
def test_a_ratio_is_a_signed_percentage_or_a_factor(ratio: float | None, text: str) -> None:
    """Above doubling a factor is easier to read."""
    assert verdict_text.change(ratio) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.0, "0 ns"), (2.5e-10, "0.25 ns"), (1.5e-5, "15 µs"), (0.0123, "12.3 ms"), (90.0, "90 s")],
)
def test_seconds_have_a_prefix(value: float | None, text: str) -> None:
    """From nothing to minutes."""
    assert verdict_text.amount(value, verdict()) == text


def test_a_value_has_its_own_unit() -> None:
    """What a benchmark returns is no number of seconds."""
    assert verdict_text.amount(1048576.0, verdict(clock="value", unit="bytes")) == "1.04858e+06 bytes"


def test_an_empty_comparison_measured_nothing() -> None:
    """It never reads as if all were well."""
    assert verdict_text.headline(comparison()).startswith("nothing measured: ")


def test_json_is_everything() -> None:
    """A program gets back what was found."""
    done = comparison(verdict(), verdict("failed", reason=NASTY, output=NASTY), facts={"health": "fine"})
    assert build(Comparison, json.loads(verdict_text.to_json(done))) == done


def test_notes_and_the_kind_of_process_are_told() -> None:
    """The reader learns what was left out and that every process was a fresh one."""
    text = shown(comparison(verdict(), mode="fresh processes: CUDA", notes=("2 files were not measured",)))
    assert "Measured in fresh processes: CUDA." in text
    assert "2 files were not measured" in text


def test_the_end_of_what_a_failed_benchmark_printed_is_told() -> None:
    """Twelve lines are enough to see why."""
    output = "\n".join(f"line {number}" for number in range(20))
    text = shown(comparison(verdict("failed", reason="head: it raised", output=output)))
    assert "bench.time_x(1): failed, head: it raised." in text
    assert [f"line {number}" in text for number in (7, 8, 19)] == [False, True, True]


def test_a_terminal_obeys_nothing() -> None:
    """Names, reasons, notes and output are shown, whatever escape sequences they hold."""
    done = comparison(
        verdict("failed", benchmark=NASTY, params=(NASTY,), reason=NASTY, output=NASTY),
        verdict(benchmark="[bold]x[/bold]", params=("[/]",)),
        mode=f"fresh processes: {NASTY}",
        notes=(NASTY,),
    )
    text = shown(done)
    assert list(obeyed(text)) == []
    assert "[bold]x[/bold]([/])" in text


def test_a_table_cell_shows_names_as_they_are() -> None:
    """Bars, tags, entities and backticks in a parameter neither break the table nor act on the page."""
    name = "'a|b' & <b>*c*</b> `d` ``e`` \\| $x$"
    rows = cells(verdict_text.markdown(comparison(verdict(params=(name,)))))
    assert len(rows) == 2
    assert rows[1][:3] == ["slower", f"bench.time_x({name})", "+2.10%"]


def test_a_nasty_name_stays_in_its_cell() -> None:
    """Line ends and control characters are replaced."""
    rows = cells(verdict_text.markdown(comparison(verdict(benchmark=NASTY), verdict("unchanged"))))
    assert [len(row) for row in rows] == [8, 8, 8]
    assert list(obeyed("".join(rows[1]))) == []


def test_markdown_keeps_the_lines_of_a_failed_benchmark() -> None:
    """The traceback is readable, and none of it is a tag."""
    done = comparison(verdict("failed", reason="it raised\nbecause", output="Traceback\n<b>x</b>\x1b[0m"))
    text = verdict_text.markdown(done)
    assert "it raised<br>because" in text
    assert "Traceback<br>    &#60;b&#62;x&#60;/b&#62;" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("slower", "error"),
        ("failed", "error"),
        ("inconclusive", "warning"),
        ("work changed", "warning"),
        ("faster", None),
        ("unchanged", None),
        ("added", None),
        ("removed", None),
        ("skipped", None),
    ],
)
def test_annotations_are_for_what_needs_attention(word: str, kind: str | None) -> None:
    """An error for what is slower or failed, a warning for what is open, nothing else."""
    lines = list(verdict_text.annotations(comparison(verdict(word))))
    assert [line.split(" title=")[0] for line in lines] == ([] if kind is None else [f"::{kind}"])


def test_an_annotation_says_the_verdict_in_a_sentence() -> None:
    """The change, its interval, the clock and the pairs."""
    (line,) = verdict_text.annotations(comparison(verdict()))
    assert line == (
        "::error title=bench.time_x(1)%3A slower::bench.time_x(1) is slower: +2.10%25 "
        "(95%25: +1.50%25 to +2.70%25) by CPU time, 12 pairs"
    )


def test_an_annotation_is_one_command() -> None:
    """Nothing in a name or a reason begins another workflow command or ends the title."""
    given = verdict("failed", benchmark="b,c", params=(NASTY,), reason=NASTY, ratio=None)
    (line,) = verdict_text.annotations(comparison(given))
    title, _, message = line.removeprefix("::error title=").partition("::")
    assert not any(char in title for char in ":,\r\n")
    assert list(obeyed(line)) == []
    assert message.endswith("%0A::error::x%250A%25")
