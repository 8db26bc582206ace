import io
from dataclasses import replace

from rich.console import Console

from machmeter.report import bisection_text
from machmeter.results.bisections import Bisection, Commit, FoundStep, Visited

GUILTY = Commit("c" * 40, "Ann [red]Onymous[/] \x1b[31m", "2026-01-02T03:04:05+01:00", "faster | <b>@all</b>")
STEP = FoundStep((GUILTY,), 0.997, 1.3, 1.28, 1.32, 0.98)
FOUND = Bisection(
    good="a" * 40,
    bad="b" * 40,
    benchmark="bench.time_x",
    params=("'a'",),
    tag="epyc-2c",
    node="node01",
    started_at="2026-01-01T00:00:00+00:00",
    environment="py3.11",
    threshold=0.01,
    alpha=0.01,
    commits=8,
    word="slower",
    ratio=1.31,
    low=1.29,
    high=1.33,
    clock="cpu",
    confirming_pairs=12,
    pairs=4,
    installed=2,
    seconds=7.0,
    steps=(STEP,),
    tested=(
        Visited(3, "d" * 40, "fast", 1.001, 0.999, 1.003, 2),
        Visited(4, "e" * 40, "skipped", reason="it does not build: no [compiler]"),
    ),
)


def shown(found: Bisection) -> str:
    console = Console(width=120, file=io.StringIO(), record=True)
    bisection_text.show(found, console)
    return console.export_text()


def test_the_commit_is_named_with_its_author_and_subject() -> None:
    """As they are, but without what a terminal would obey."""
    text = shown(FOUND)
    for expected in ("The first slow commit is cccccccccccc", "+30.00%", "98% of the slowdown", "99.7% sure"):
        assert expected in text
    assert "Ann [red]Onymous[/]" in text
    assert "\x1b" not in text


def test_what_was_passed_over_is_told() -> None:
    """With the reason, brackets included."""
    assert "eeeeeeeeeeee was passed over: it does not build: no [compiler]." in shown(FOUND)


def test_several_candidates_are_listed() -> None:
    """Commits that cannot be told apart are named together, and only the ends of many."""
    two = replace(STEP, commits=(GUILTY, Commit("f" * 40)))
    assert "is one of these 2" in shown(replace(FOUND, steps=(two,)))
    many = replace(STEP, commits=tuple(Commit(f"{number:040d}") for number in range(40)))
    text = shown(replace(FOUND, steps=(many,)))
    assert "000000000000" in text
    assert "one of these 40" in text


def test_a_step_that_explains_half_says_so() -> None:
    """The rest is pointed at."""
    assert "The other 45% of +31.00% is not in there" in shown(
        replace(FOUND, steps=(replace(STEP, share=0.55),))
    )


def test_an_unfinished_search_is_not_sure() -> None:
    """It says why it ended."""
    text = shown(replace(FOUND, ended="the time is over"))
    assert "The search ended before it was sure: the time is over." in text
    assert "likely" in text


def test_markdown_holds_no_markup_of_others() -> None:
    """No tag, mention or cell end of a commit's message gets through."""
    text = bisection_text.markdown(FOUND)
    assert "| 3 | dddddddddddd | +0.10% |" in text
    assert "<b>" not in text
    assert "@all" not in text


def test_of_several_steps_the_largest_comes_first() -> None:
    """And is not called the first slow commit, which it need not be."""
    text = shown(replace(FOUND, steps=(replace(STEP, share=0.7), replace(STEP, share=0.3))))
    assert "The largest step is cccccccccccc" in text
    assert "Another step is cccccccccccc" in text
    assert "The first slow commit" not in text
