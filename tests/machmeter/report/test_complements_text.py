import json
from collections.abc import Mapping

import pytest
from differences import HOSTILE

from machmeter.profiling.complements import MEMORY, TORCH, Complement, Sheet, subtract
from machmeter.report import complements_text

MIB = float(1 << 20)
BASE: Sheet = {
    ("path", ("main", "bench:time_work", "toy:fill")): (MIB, 1.0),
    ("path", ("main", "bench:time_work")): (512.0, 3.0),
}
HEAD: Sheet = {
    ("path", ("main", "bench:time_work", "toy:fill")): (2 * MIB, 2.0),
    ("path", ("main", "bench:time_work")): (512.0, 3.0),
    ("path", ("thread", "a:f", "b:f", "c:f", "d:f", "e:f")): (0.5 * MIB, 1.0),
}


def memory(base: Sheet = BASE, head: Sheet = HEAD) -> Complement:
    return subtract(MEMORY, [base] * 3, [head] * 3, "bench.time_work", ("3",))


def operators(rows: Mapping[str, tuple[float, ...]]) -> Sheet:
    """Kernels if their names begin so."""
    return {("kernel" if name.startswith("k_") else "operator", (name,)): row for name, row in rows.items()}


def torch(base: Mapping[str, tuple[float, ...]], head: Mapping[str, tuple[float, ...]]) -> Complement:
    return subtract(TORCH, [operators(base)] * 3, [operators(head)] * 3, "bench.time_step")


def test_memory_tells_the_peak_and_the_paths_that_changed() -> None:
    """Largest first; deep paths by their inner end; those that did not change are counted."""
    assert complements_text.lines(memory()) == [
        "bench.time_work(3): peak memory 1 MiB, then 2.5 MiB (+1.5 MiB, spread 0 B)",
        "  status   before    after    change  spread  allocations  call path",
        "  changed   1 MiB    2 MiB    +1 MiB     0 B       1 to 2  bench:time_work > toy:fill",
        "  added       0 B  512 KiB  +512 KiB     0 B       0 to 1  thread > … > b:f > c:f > d:f > e:f",
        "  unchanged, within the spread or by less than 0.1%: 1 of 3 call paths",
    ]


def test_without_a_change_there_is_no_table() -> None:
    """One sentence, and how many were looked at."""
    assert complements_text.lines(memory(head=BASE)) == [
        "bench.time_work(3): peak memory 1 MiB, then 1 MiB (0, spread 0 B, no change)",
        "  unchanged, within the spread or by less than 0.1%: 2 of 2 call paths",
    ]


def test_torch_has_columns_of_the_gpu_where_one_is_used() -> None:
    """Kernels by their time on it."""
    found = torch(
        {"aten::mm": (1.0, 1e-3, 2e-3), "k_gemm": (1.0, 0.0, 2e-3)},
        {"aten::mm": (1.0, 1e-3, 4e-3), "k_gemm": (1.0, 0.0, 4e-3)},
    )
    headline, headings, *rows = complements_text.lines(found)
    assert "kernels' time on the GPU 2.00 ms, then 4.00 ms (+2.00 ms, spread 0)" in headline
    assert "GPU change" in headings
    assert [row.split()[1] for row in rows] == ["kernel", "operator"]


def test_torch_without_a_gpu_has_none() -> None:
    """The columns would be empty."""
    found = torch({"aten::mm": (1.0, 1e-3, 0.0)}, {"aten::mm": (2.0, 2e-3, 0.0)})
    headline, headings, row = complements_text.lines(found)
    assert "GPU" not in headline + headings
    assert " ".join(row.split()) == "changed operator 1 to 2 1.00 ms 2.00 ms +1.00 ms 0 aten::mm"


def test_what_does_not_fit_is_counted() -> None:
    """Not silently left out."""
    base = {f"op{number}": (1.0, 1e-3, 0.0) for number in range(20)}
    head = dict.fromkeys(base, (2.0, 2e-3, 0.0))
    told = complements_text.lines(torch(base, head), most=5)
    assert len(told) == 1 + 1 + 5 + 1
    assert told[-1] == "  15 more operators and kernels changed; --json lists them"


def test_json_has_every_process() -> None:
    """Also of rows that did not change."""
    found = json.loads(complements_text.document("a" * 40, "b" * 40, [memory()]))
    (told,) = found["complements"]
    assert [row["status"] for row in told["rows"]] == ["changed", "added", ""]
    assert told["rows"][0]["amounts"]["bytes"] == {
        "base": [MIB] * 3,
        "head": [2 * MIB] * 3,
        "delta": MIB,
        "spread": 0.0,
        "changed": True,
    }


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1_040_384, "1016 KiB"),
        (1.5 * MIB, "1.5 MiB"),
        (2**31, "2 GiB"),
    ],
)
def test_bytes_have_the_unit_that_fits(value: float, told: str) -> None:
    """Binary ones."""
    assert complements_text.size(value) == told


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_harmless(name: str) -> None:
    """Nothing that a terminal obeys, nothing that breaks a line or fills a screen."""
    bad = subtract(MEMORY, [{}] * 2, [{("path", ("main", name)): (MIB, 1.0)}] * 2, name)
    told = [*complements_text.lines(bad), *complements_text.lines(torch({}, {name: (1.0, 1.0, 0.0)}))]
    assert all(line.isprintable() for line in told)
    assert max(map(len, told[1:])) < 400
