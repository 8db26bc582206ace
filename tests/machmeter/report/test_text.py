import io
import json
from collections.abc import Callable

import pytest
from rich.console import Console

from machmeter.model import Pressure, Sample
from machmeter.report import labels, text
from machmeter.report.summary import summarise

MakeSample = Callable[..., Sample]
LONG = "loaders.strategies.ThroughputOfManyStrategies.time_one_epoch_of_everything"


def printed(console: Console, samples: list[Sample]) -> str:
    text.show(summarise(samples), console, {LONG: ["strategy", "workers"]})
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (0.0, "0.00 ns"),
        (3.2e-9, "3.20 ns"),
        (4.56789e-6, "4.57 µs"),
        (0.0009999, "1.00 ms"),
        (0.25, "250 ms"),
        (1.0, "1.00 s"),
        (1234.5, "1234 s"),
    ],
)
def test_seconds_are_spelled_in_a_human_unit(value: float, spelled: str) -> None:
    """Three significant digits, and the unit changes where the rounded number does."""
    assert labels.seconds(value) == spelled


@pytest.mark.parametrize(
    ("value", "spelled"), [(None, "-"), (0.5, "0.500"), (999.9, "1.00 k"), (27.5e6, "27.5 M")]
)
def test_rates_are_spelled_in_thousands(value: float | None, spelled: str) -> None:
    """Three significant digits with k, M, G or T."""
    assert labels.rate(value) == spelled


def test_a_terminal_of_eighty_columns_holds_the_table(sample: MakeSample) -> None:
    """Long names wrap: no line is wider than the terminal, and no figure is cut."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    busy = Pressure(cpu_s=9.0)
    wide = sample(benchmark=LONG, params=("'blosc2'", "4"), wall_s=0.25, cpu_s=0.125, pressure=busy)
    shown = printed(console, [wide] * 5000)
    assert max(map(len, shown.splitlines())) <= 80
    words = ("aaaaaaaa", "250 ms", "125 ms", "4.00", "5000", "contended")
    assert [word for word in words if word not in shown] == []
    body = [line for line in shown.splitlines()[3:] if line and line[0] != " "]
    assert "".join(line.split()[0] for line in body) == LONG


def test_piped_output_is_not_cut_and_not_coloured(sample: MakeSample) -> None:
    """Where no person looks, a row is one line of plain text."""
    shown = printed(
        text.console(io.StringIO()), [sample(benchmark=LONG, params=("'b" * 100, "4"), commit="c" * 40)]
    )
    (line,) = [line for line in shown.splitlines() if LONG in line]
    assert "strategy=" + "'b" * 100 + ", workers=4" in line
    assert "\x1b" not in shown


def test_a_name_is_neither_markup_nor_a_terminal_command(sample: MakeSample) -> None:
    """Names come from other people's repositories: brackets are shown, escapes are replaced."""
    shown = printed(text.console(io.StringIO()), [sample(benchmark="[red]x[/red]\x1b[2J")])
    assert "[red]x[/red]\N{REPLACEMENT CHARACTER}[2J" in shown


def test_machines_never_share_a_table(sample: MakeSample) -> None:
    """Each machine and environment has a table of its own, whatever the order of the rows."""
    samples = [sample(tag=tag, benchmark=name) for name in "ab" for tag in ("m1", "m2")]
    assert [table.row_count for table in text.tables(summarise(samples))] == [2, 2]


def test_json_lines_hold_one_row_each(sample: MakeSample) -> None:
    """Programs get raw seconds, full hashes and every flag."""
    (line,) = text.json_lines(summarise([sample(wall_s=0.5)])).splitlines()
    row = json.loads(line)
    assert (row["commit"], row["wall"]["median"], row["items_per_s"]) == ("a" * 40, 0.5, 2.0)
    assert (row["wall"]["is_interval"], row["cpu"], row["works_differ"]) == (False, None, False)
