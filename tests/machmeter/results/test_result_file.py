import json
import math
from typing import Any

import pytest
from asv_results import COLUMNS, row

from machmeter.results import result_file
from machmeter.results.result_file import Slot


def content(results: Any, **changes: Any) -> bytes:
    whole = {
        "commit_hash": "c0ffee",
        "env_name": "py3.11",
        "date": 1000,
        "params": {"machine": "box"},
        "result_columns": COLUMNS,
        "results": results,
        "version": 2,
    }
    return json.dumps(whole | changes).encode()


def spelled(values: list[float | None]) -> list[float | None]:
    return [None if value is None or not math.isfinite(value) else value for value in values]


def test_values_of_all_benchmarks_stand_in_the_order_of_the_file() -> None:
    """The last parameter varies fastest, and a benchmark that failed has no number for any of them."""
    found = result_file.decode(
        content(
            {
                "a.time_x": row([1.0, 2.0, 3.0, 4.0], ["'p'", "'q'"], ["1", "2"]),
                "b.time_y": row(None, ["1", "2", "3"]),
                "c.track_z": row([7]),
            }
        )
    )
    assert found.values == [1.0, 2.0, 3.0, 4.0, None, None, None, 7]
    assert [(slot.benchmark, slot.version) for slot in found.layout] == [
        ("a.time_x", "v1"),
        ("b.time_y", "v1"),
        ("c.track_z", "v1"),
    ]
    assert (found.commit, found.environment, found.date) == ("c0ffee", "py3.11", 1000)


def test_skipped_results_are_no_numbers() -> None:
    """asv spells them NaN, which is no JSON; infinite ones are none either."""
    found = result_file.decode(content({"time_x": row([float("nan"), float("inf"), 1.0], ["1", "2", "3"])}))
    assert spelled(found.values) == [None, None, 1.0]


@pytest.mark.parametrize("word", ["NaN", "Infinity", "null"])
def test_names_that_look_like_no_numbers_are_kept(word: str) -> None:
    """What replaces NaN in the numbers changes no name, parameter or environment."""
    name = f"{word}Sum.time_x"
    results = {name: row([float("nan"), 2.0], [f"[1, {word}, 2]", f"'{word}'"])}
    found = result_file.decode(content(results, env_name=word))
    assert (found.layout[0].benchmark, found.environment) == (name, word)
    assert result_file.choices(found.layout[0].params) == ((f"[1, {word}, 2]", f"'{word}'"),)
    assert spelled(found.values) == [None, 2.0]


def test_columns_are_found_by_their_names() -> None:
    """Files whose columns stand otherwise say the same."""
    found = result_file.decode(
        content({"time_x": ["v9", [["'a'"]], [5.0]]}, result_columns=["version", "params", "result"])
    )
    assert (found.layout, found.values) == ((Slot("time_x", "[[\"'a'\"]]", "v9"),), [5.0])


def test_short_rows_have_neither_parameters_nor_version() -> None:
    """asv leaves out what is empty at a row's end."""
    found = result_file.decode(content({"time_x": [[5.0]]}))
    assert (found.values, found.layout[0].version) == ([5.0], None)


@pytest.mark.parametrize(
    "result",
    [[1.0, 2.0], [{"a": 1}], 5.0, ["1"], [[1.0]], "x", [10**400]],
    ids=["too many", "mapping", "bare", "text", "nested", "string", "huge"],
)
def test_a_result_of_another_shape_is_named_and_its_neighbours_are_read(result: object) -> None:
    """One odd benchmark never hides the others."""
    found = result_file.decode(content({"track_odd": [result, [], "v1"], "time_x": row([1.0])}))
    assert [slot.benchmark for slot in found.layout] == ["time_x"]
    assert found.values == [1.0]
    assert [problem.partition(":")[0] for problem in found.problems] == ["track_odd"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "not complete"),
        (b'{"commit_hash": "c0f', "not complete"),
        (b"[" * 100_000, "not complete"),
        (b"\xff\xfe", "not complete"),
        (b"[]", "no result file"),
        (b'{"arch": "x86_64"}', "no result file"),
        (content({}, version=1), "asv update"),
        (content({}, result_columns=None), "no result file"),
        (content([]), "no result file"),
        (content({}, date="today"), "no result file"),
        (content({}, date=10**18), "no result file"),
        (content({}, commit_hash=3), "no result file"),
    ],
)
def test_what_asv_has_not_written_is_refused_with_a_reason(text: bytes, reason: str) -> None:
    """The message says what is wrong with the file."""
    with pytest.raises(ValueError, match=reason):
        result_file.decode(text)


def test_odd_characters_survive() -> None:
    """Parameters may hold anything that Python can spell, a lone surrogate too."""
    odd = "'\ud800 \u2028 \"\\ </script>\n'"
    found = result_file.decode(content({"time_x": row([1.0], [odd])}))
    assert result_file.choices(found.layout[0].params) == ((odd,),)
