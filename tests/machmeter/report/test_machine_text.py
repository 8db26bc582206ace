import io
import json
from dataclasses import replace

import pytest
from rich.console import Console
from rich.table import Table

from machmeter.model import Health, HealthRecord, KernelRate, Limit, LimitsRecord, Slowness
from machmeter.report import machine_text, text

RATES = (
    KernelRate("matrix_product_f32", "GFLOP/s", 60.2, 121.0, 300, "numpy 2.4.6"),
    KernelRate("interpreter", "iterations/s", 4.1e7, 4.2e7, 900, "CPython 3.11.7"),
    KernelRate("cold_read", unavailable="the [bold]disk[/] is \x1b[31mfull"),
)
SLOW = Health("slow", (Slowness("matrix_product_f32", 0.5, interrupted=True),), ("cold_read is unavailable",))
HEALTH = HealthRecord("box-2c-4g-00000000", "one", "run-1", "2026-01-01T00:00:00+00:00", 5.1, RATES, SLOW)
LIMITS = LimitsRecord(
    "box-2c-4g-00000000",
    "one",
    "run-1",
    "2026-01-01T00:00:00+00:00",
    20.0,
    (
        Limit("memcpy_threads_1", "GB/s", 20.2, 19.8, 20.6, 242, "numpy 2.4.6"),
        Limit("host_to_device", unavailable="torch finds no GPU"),
    ),
)


def shown(table: Table) -> list[str]:
    stream = io.StringIO()
    text.console(stream).print(table)
    return [" ".join(line.split()) for line in stream.getvalue().splitlines()]


def test_health_shows_every_kernel_and_what_is_slow() -> None:
    """The verdict is the title; a slow kernel says by how much, an unavailable one why, whatever its text."""
    lines = shown(machine_text.health_table(HEALTH))
    assert lines[0] == "box-2c-4g-00000000 on one: slow: matrix_product_f32 by 50% (interrupted)"
    assert "matrix_product_f32 60.2 GFLOP/s 121 GFLOP/s 300 50% slower than usual, interrupted" in lines
    assert "interpreter 41.0 Mit/s 42.0 Mit/s 900 CPython 3.11.7" in lines
    assert "cold_read - - 0 the [bold]disk[/] is \N{REPLACEMENT CHARACTER}[31mfull" in lines


def test_limits_show_their_intervals() -> None:
    """Median, then from and to; a limit that could not be measured has none."""
    lines = shown(machine_text.limits_table(LIMITS))
    assert "memcpy_threads_1 20.2 GB/s 19.8 GB/s 20.6 GB/s 242 numpy 2.4.6" in lines
    assert "host_to_device - - - 0 torch finds no GPU" in lines


def test_tables_fit_a_terminal() -> None:
    """In 80 columns every figure is whole."""
    stream = io.StringIO()
    Console(file=stream, width=80, color_system=None).print(machine_text.limits_table(LIMITS))
    assert all(len(line) <= 80 for line in stream.getvalue().splitlines())
    assert "20.6 GB/s" in stream.getvalue()


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        (Health("healthy"), ""),
        (Health("unknown", (), ("memcpy has 0 of 5 earlier observations",)), "Not judged: memcpy has 0 of 5"),
        (SLOW, "matrix_product_f32: as fast as ever in between"),
        (Health("slow", (Slowness("memcpy", 0.4, interrupted=False),)), "memcpy: slower in every repetition"),
    ],
)
def test_advice_says_what_to_do(health: Health, expected: str) -> None:
    """Another one for work that is interrupted than for slow hardware."""
    assert machine_text.advice(health).startswith(expected)
    assert bool(machine_text.advice(health)) == bool(expected)


@pytest.mark.parametrize("record", [HEALTH, LIMITS, replace(HEALTH, rates=())])
def test_json_is_one_line_with_all_fields(record: HealthRecord | LimitsRecord) -> None:
    """Programs read what the record holds."""
    line = machine_text.to_json(record)
    assert line.count("\n") == 1
    assert json.loads(line)["node"] == "one"
