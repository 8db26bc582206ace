import math
from dataclasses import replace

import pytest
from differences import HOSTILE, function, slower

from machmeter.profiles import Culprit
from machmeter.report import culprit_text
from machmeter.report.markdown import code

NAMED = slower()
NAME = "machmeter_workloads.loaders.rings:Ring._decode"


def test_the_sentence_names_function_size_commit_and_place() -> None:
    """The issue's own example, with the function that spends the time."""
    assert culprit_text.sentence(NAMED) == (
        f"{NAME} explains +5.9% of +6.2% (95%: 5.1\N{EN DASH}6.6); changed in 4f2e1c3d; "
        "the time is spent in blosc2.core:unpack_tensor"
    )


def test_what_is_not_known_is_left_out() -> None:
    """Neither commit nor place."""
    short = replace(NAMED, culprit=Culprit(NAME, 0.059, 0.051, 0.066))
    assert (
        culprit_text.sentence(short, quote=code)
        == f"`{NAME}` explains +5.9% of +6.2% (95%: 5.1\N{EN DASH}6.6)"
    )


def test_an_improvement_has_signs() -> None:
    """A dash between negative numbers would be read as a minus."""
    faster = replace(NAMED, culprit=Culprit(NAME, -0.3, -0.35, -0.25), ratio=0.68)
    assert culprit_text.sentence(faster) == f"{NAME} explains -30.0% of -32.0% (95%: -35.0 to -25.0)"


@pytest.mark.parametrize(
    ("reason", "told"),
    [("too few samples.", "Cannot name a function: too few samples."), ("", "Cannot name a function.")],
)
def test_no_function_is_named_without_evidence(reason: str, told: str) -> None:
    """The reason stands there instead."""
    assert culprit_text.sentence(replace(NAMED, culprit=None, reason=reason)) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.0042, "+0.42%"), (0.0099, "+0.99%"), (-0.0123, "-1.2%"), (2.5, "+250%"), (math.nan, "-")],
)
def test_shares_keep_two_or_three_digits(value: float, told: str) -> None:
    """With their sign."""
    assert culprit_text.percent(value) == told


def test_an_interval_without_an_end_is_none() -> None:
    """One profile a side has no spread."""
    assert culprit_text.interval(-math.inf, math.inf) == "no interval"


def test_the_table_is_aligned() -> None:
    """Significant functions first, figures to the right."""
    heading, first, *rest = culprit_text.lines(NAMED, most=3)
    assert len(rest) == 2
    assert heading.index("after") + len("after") == first.index("52.8 ms") + len("52.8 ms")
    assert first.rpartition("  ")[2].strip() == "significant, code changed"


def test_without_functions_there_is_no_table() -> None:
    """Not even its heading."""
    assert culprit_text.lines(replace(NAMED, functions=())) == []
    assert culprit_text.markdown(replace(NAMED, functions=(), culprit=None)) == "Cannot name a function.\n"


def test_markdown_holds_the_sentence_and_a_table() -> None:
    """Names are code."""
    told = culprit_text.markdown(NAMED).splitlines()
    assert told[0].startswith(f"`{NAME}` explains")
    assert told[2] == "| function | before | after | change | 95% interval | remarks |"
    assert told[4].startswith(f"| `{NAME}` | 46.0 ms | 52.8 ms | +6.1% |")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_harmless(name: str) -> None:
    """Nothing that a terminal obeys, nothing that breaks a line or a table."""
    bad = replace(
        NAMED,
        functions=(function(name, 1.0, 2.0, status=name),),
        culprit=Culprit(name, 0.1, 0.1, 0.2, name, name),
    )
    lines = [culprit_text.sentence(bad), *culprit_text.lines(bad), *culprit_text.markdown(bad).splitlines()]
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 8
    assert max(map(len, lines)) < 2_000
