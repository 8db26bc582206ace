import io
import json

import pytest
from changes_made import SERIES, make_change
from rich.console import Console

from machmeter.report import changes_text, text
from machmeter.results.change import Change

HOSTILE = "[red]|`</script>\x1b[31m\n| x"


def printed(*changes: Change) -> str:
    stream = io.StringIO()
    changes_text.show(changes, text.console(stream))
    return stream.getvalue()


def test_a_line_says_how_much_what_where_and_when() -> None:
    """Nothing that a person needs is left out."""
    shown = printed(make_change(latest="c" * 40, causes=("kernel from 6.1 to 6.2 (2026-03-01, node01)",)))
    wanted = (
        *("+12.4%", "+11.0 to +13.7%", "loaders.time_epoch", "strategy='blosc', workers=4", "2026-03-01"),
        *("aaaaaaaa..bbbbbbbb", "or aaaaaaaa..cccccccc", "stands", "suspected", make_change().identifier),
        *("epyc-2c-24g-3fa91c2e, py3.11", "also: kernel from 6.1 to 6.2"),
    )
    assert [word for word in wanted if word not in shown] == []


def test_other_hardware_stands_in_another_table() -> None:
    """One title a machine and environment."""
    other = SERIES._replace(machine="h200x1-16c-128g-9bd2aa10")
    shown = printed(make_change(), make_change(other), make_change())
    assert shown.count("epyc-2c-24g-3fa91c2e, py3.11") == shown.count("h200x1-16c-128g-9bd2aa10, py3.11") == 1


def test_no_colours_where_no_terminal_is() -> None:
    """And colours where one is."""
    assert "\x1b" not in printed(make_change())
    stream = io.StringIO()
    changes_text.show(
        [make_change()], Console(file=stream, force_terminal=True, color_system="standard", width=140)
    )
    assert "\x1b[31m" in stream.getvalue()


def test_names_are_text_in_a_terminal() -> None:
    """Neither rich's markup nor the terminal's own codes are obeyed."""
    shown = printed(make_change(SERIES._replace(benchmark=HOSTILE, params=(HOSTILE,)), causes=(HOSTILE,)))
    assert "[red]|`</script>" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("name", [HOSTILE, "a``b", "|", "`"])
def test_names_do_not_end_a_cell_of_markdown(name: str) -> None:
    """Every row keeps its eight cells, and code stays code."""
    spelled = changes_text.markdown(
        [make_change(SERIES._replace(benchmark=name, machine=name), causes=(name,))]
    )
    rows = [line for line in spelled.splitlines() if line.startswith("|")]
    assert [line.replace("\\|", "").count("|") for line in rows] == [9, 9, 9]


def test_json_has_stable_keys() -> None:
    """Programs rely on them."""
    record = json.loads(changes_text.json_lines([make_change()]))
    assert list(record) == [
        *(
            "id",
            "machine",
            "environment",
            "benchmark",
            "params",
            "param_names",
            "unit",
            "kind",
            "base",
            "head",
        ),
        *("earliest", "latest", "date", "before", "after", "ratio", "low", "high", "p_value", "standing"),
        *("recovered_in", "causes", "answer", "status"),
    ]
    assert (record["params"], record["status"]) == (["'blosc'", "4"], "suspected")


def test_the_summary_counts() -> None:
    """Regressions, how many are left, improvements, and what is not shown."""
    changes = [
        make_change(),
        make_change(standing="recovered", recovered_in="d" * 40),
        make_change(kind="improvement"),
    ]
    assert changes_text.summary(changes, changes, 1200) == (
        "2 regressions in 1,200 series, 1 still there; 1 improvement."
    )
    assert changes_text.summary(changes[:1], changes[:1], 1) == "1 regression in 1 series, 1 still there."
    assert "The newest 1 are shown" in changes_text.summary(changes[:1], changes, 1)


def test_eighty_columns_hold_commits_and_ids() -> None:
    """A narrow terminal folds names, and cuts nothing that is there to be copied."""
    stream = io.StringIO()
    change = make_change(latest="c" * 40, standing="recovered", recovered_in="d" * 40)
    changes_text.show([change], Console(file=stream, width=80, color_system=None))
    shown = stream.getvalue()
    wanted = ("aaaaaaaa..bbbbbbbb", "or aaaaaaaa..cccccccc", "2026-03-01", change.identifier, "dddddddd")
    assert [word for word in (*wanted, "suspected", "+11.0 to +13.7%") if word not in shown] == []
