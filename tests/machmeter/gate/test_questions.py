from collections.abc import Sequence
from typing import Any

import pytest

from machmeter.gate.questions import ask
from machmeter.pairs import Verdict

Greeting = dict[str, Any]


def benchmark(name: str, *params: Sequence[str], **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": "time",
        "unit": "seconds",
        "params": [list(values) for values in params],
        "param_names": [],
        "version": "1",
        "timeout": None,
        "setup_cache": None,
        "setup_cache_timeout": None,
        "fresh_process": False,
    } | changes


def greeting(*benchmarks: dict[str, Any], **broken: str) -> Greeting:
    named = {f"benchmarks.{name}" if name != "benchmarks" else name: text for name, text in broken.items()}
    return {"benchmarks": list(benchmarks), "broken": named}


def verdict(base: Greeting, head: Greeting) -> Verdict:
    _, (only,), _ = ask({"base": base, "head": head}, None, 60.0)
    return only


def names(greetings: dict[str, Greeting], pattern: str | None) -> list[str]:
    asked, _, _ = ask(greetings, pattern, 60.0)
    return [f"{each.benchmark}({', '.join(each.params)})" for each in asked]


def test_what_both_sides_have_is_asked_in_the_suites_order() -> None:
    """A benchmark without parameters has no index of a set."""
    side = greeting(benchmark("b.time_y"), benchmark("a.time_x"))
    asked, answered, notes = ask({"base": side, "head": side}, None, 60.0)
    assert [each.key for each in asked] == [("b.time_y", ()), ("a.time_x", ())]
    assert (asked[0].index, answered, notes) == ({"base": None, "head": None}, [], [])


def test_a_set_of_parameters_keeps_its_number_on_each_side() -> None:
    """A parameter that was put in front does not shift what is compared."""
    base = greeting(benchmark("a.time_x", ["1", "2"], ["'u'"]))
    head = greeting(benchmark("a.time_x", ["0", "1", "2"], ["'u'"]))
    asked, answered, _ = ask({"base": base, "head": head}, None, 60.0)
    assert {each.params: dict(each.index) for each in asked} == {
        ("1", "'u'"): {"base": 0, "head": 1},
        ("2", "'u'"): {"base": 1, "head": 2},
    }
    assert [(each.params, each.word) for each in answered] == [(("0", "'u'"), "added")]


def test_what_only_the_head_has_is_added() -> None:
    """A new benchmark is no regression."""
    found = verdict(greeting(), greeting(benchmark("a.time_x")))
    assert (found.word, found.reason) == ("added", "not at the base")


def test_what_only_the_base_has_is_removed() -> None:
    """A benchmark that went away is reported."""
    found = verdict(greeting(benchmark("a.time_x")), greeting())
    assert (found.word, found.reason) == ("removed", "not at the head")


def test_a_module_that_breaks_at_the_head_fails_its_benchmarks() -> None:
    """A head that cannot be imported is never taken for a removed benchmark."""
    found = verdict(greeting(benchmark("a.time_x")), greeting(a="Traceback\nImportError: gone"))
    assert found.word == "failed"
    assert found.reason == "head: benchmarks.a cannot be imported: ImportError: gone"
    assert found.output == "Traceback\nImportError: gone"


def test_a_suite_that_breaks_at_the_head_fails_all_benchmarks() -> None:
    """The suite's own folder is the first part of every benchmark's module."""
    found = verdict(greeting(benchmark("a.b.time_x")), greeting(benchmarks="SyntaxError: no"))
    assert (found.word, found.output) == ("failed", "SyntaxError: no")


def test_another_broken_module_does_not_fail_a_removed_benchmark() -> None:
    """Only the benchmark's own module explains its absence."""
    assert verdict(greeting(benchmark("ab.time_x")), greeting(a="ImportError")).word == "removed"


def test_a_module_that_breaks_at_the_base_is_said() -> None:
    """The benchmark is there at the base, but cannot be used."""
    found = verdict(greeting(a="ImportError: new"), greeting(benchmark("a.time_x")))
    assert (found.word, found.reason) == ("added", "the suite's module cannot be imported at the base")


def test_a_module_that_breaks_on_both_sides_is_a_note() -> None:
    """Nobody knows its benchmarks, so only the module can be named."""
    side = greeting(benchmark("b.time_y"), a="ImportError: torch\n", c="")
    asked, answered, notes = ask({"base": side, "head": side}, None, 60.0)
    assert (len(asked), answered) == (1, [])
    assert notes == [
        "benchmarks.a cannot be imported: ImportError: torch",
        "benchmarks.c cannot be imported: no reason given",
    ]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("time_x", ["a.time_x(1)", "a.time_x(2)"]),
        (r"time_x\(2\)", ["a.time_x(2)"]),
        ("^a", ["a.time_x(1)", "a.time_x(2)"]),
        ("^time", []),
        ("y$", ["b.time_y()"]),
    ],
)
def test_a_pattern_is_searched_as_asv_does(pattern: str, found: list[str]) -> None:
    """In the name and in the name with its parameters, anywhere."""
    side = greeting(benchmark("a.time_x", ["1", "2"]), benchmark("b.time_y"))
    assert names({"base": side, "head": side}, pattern) == found


def test_a_pattern_also_chooses_among_what_one_side_has() -> None:
    """Benchmarks that were not asked for are not reported."""
    base, head = greeting(benchmark("a.time_x")), greeting(benchmark("b.time_y"))
    _, answered, _ = ask({"base": base, "head": head}, "time_y", 60.0)
    assert [(each.benchmark, each.word) for each in answered] == [("b.time_y", "added")]


def test_nothing_found_is_nothing() -> None:
    """A pattern that matches nothing makes no question and no verdict."""
    side = greeting(benchmark("a.time_x"))
    assert ask({"base": side, "head": side}, "nothing", 60.0) == ([], [], [])


@pytest.mark.parametrize(
    ("timeout", "cache_timeout", "expected"),
    [(None, None, (60.0, 60.0)), (5, None, (5.0, 5.0)), (None, 7, (60.0, 7.0)), (5, 7, (5.0, 7.0))],
)
def test_timeouts_are_the_suites_own_where_it_sets_them(
    timeout: int | None, cache_timeout: int | None, expected: tuple[float, float]
) -> None:
    """As in asv: the cache's, the benchmark's, the default."""
    side = greeting(benchmark("a.time_x", timeout=timeout, setup_cache_timeout=cache_timeout))
    (asked,), _, _ = ask({"base": side, "head": side}, None, 60.0)
    assert (asked.timeout_s, asked.cache_timeout_s) == expected


def test_the_heads_wishes_hold() -> None:
    """Unit, version and the wish for fresh processes are those of the newer suite."""
    base = greeting(benchmark("a.track_x", unit="old", version="1"))
    head = greeting(benchmark("a.track_x", unit="new", version="2", fresh_process=True, setup_cache="a:3"))
    (asked,), _, _ = ask({"base": base, "head": head}, None, 60.0)
    assert (asked.unit, asked.version, asked.fresh, asked.cache) == ("new", "2", True, "a:3")
