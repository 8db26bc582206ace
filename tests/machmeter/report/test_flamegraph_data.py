import json
import math
from typing import Any

from differences import HOSTILE, LOADER, change, nodes, slower

from machmeter.profiles import Node, Stack
from machmeter.report import flamegraph_data
from machmeter.report.flamegraph_data import EDITED, PROJECT, SIGNIFICANT, collect

ROOM = 100_000


def drawn(text: str) -> dict[tuple[str, ...], list[Any]]:
    """Rows by the names on the way to them, as the script puts them together."""
    data = json.loads(text)
    stacks: list[tuple[str, ...]] = []
    for parent, name, *_ in data["nodes"]:
        stacks.append((*(stacks[parent] if parent >= 0 else ()), data["names"][name]))
    return dict(zip(stacks, (row[2:] for row in data["nodes"]), strict=True))


def wide(leaves: int) -> dict[Stack, tuple[float, float]]:
    return {("main", f"m:f{nth}", f"m:g{nth}"): (1.0 + nth, 1.0 + nth) for nth in range(leaves)}


def test_every_path_is_drawn_where_there_is_room() -> None:
    """Below a root that adds up the roles; figures in four digits."""
    difference = slower()
    drawing = collect(difference.nodes, (), ROOM)
    rows = drawn(drawing.text)
    assert (drawing.paths, drawing.left_out) == (len(difference.nodes), 0)
    assert set(rows) == {("all",), *(("all", *node.stack) for node in difference.nodes)}
    assert rows["all",] == [PROJECT, 0.112, 0.1165, None, None]


def test_bits_tell_project_significance_and_edits() -> None:
    """An edited function of the project that changed, a library's without a change."""
    decode, blosc = "machmeter_workloads.loaders.rings:Ring._decode", "blosc2.core:unpack_tensor"
    rows = drawn(collect(slower().nodes, {decode}, ROOM).text)
    assert rows["all", *LOADER, decode][0] == PROJECT | SIGNIFICANT | EDITED
    assert rows["all", *LOADER, decode, blosc][0] == 0


def test_callers_stand_before_callees_and_wide_before_narrow() -> None:
    """The script reads rows in one pass and draws siblings in their order."""
    rows = json.loads(collect(nodes(wide(50)), (), ROOM).text)["nodes"]
    assert all(row[0] < place for place, row in enumerate(rows))
    siblings = [row[3] for row in rows if row[0] == 1]
    assert siblings == sorted(siblings, reverse=True)


def test_small_paths_are_left_out() -> None:
    """Below the smallest share on both sides, even if there is room."""
    own = {
        ("main", "m:big"): (1.0, 1.0),
        ("main", "m:new"): (0.0, 0.001),
        ("main", "m:tiny"): (0.0004, 0.0),
    }
    drawing = collect(nodes(own), (), ROOM)
    assert {stack[-1] for stack in drawn(drawing.text)} == {"all", "main", "m:big", "m:new"}
    assert (drawing.left_out, drawing.significant_left_out) == (1, 0)
    assert 0 < drawing.largest_left_out < flamegraph_data.SMALLEST


def test_significant_paths_and_their_callers_stay() -> None:
    """However small they are, and however little room there is."""
    own = wide(2_000) | {("main", "m:f1", "m:g1", "m:rare"): (1e-9, 2e-9)}
    rare = ("main", "m:f1", "m:g1", "m:rare")
    drawing = collect(nodes(own, [rare]), (), 3_000)
    assert ("all", *rare) in drawn(drawing.text)
    assert drawing.left_out > 3_000


def test_too_many_significant_paths_are_counted() -> None:
    """The largest are drawn."""
    own = wide(2_000)
    drawing = collect(nodes(own, list(own)), (), 3_000)
    assert ("all", "main", "m:f1999", "m:g1999") in drawn(drawing.text)
    assert 1_900 < drawing.significant_left_out < 2_000


def test_the_text_fits_its_room() -> None:
    """For any room that holds the root."""
    many = nodes(wide(3_000) | {("main", *HOSTILE * 20): (1e3, 1e3)})
    sizes = [len(collect(many, (), room).text.encode()) - room for room in range(500, 60_000, 3_000)]
    assert max(sizes) <= 0


def test_nothing_in_the_text_ends_a_script() -> None:
    """Neither a tag nor a comment; no surrogate is left."""
    text = collect(nodes({("main", *HOSTILE): (1.0, 1.0)}), (), ROOM).text
    text.encode()
    assert "<" not in text
    assert len(drawn(text)) == len(HOSTILE) + 2


def test_different_names_stay_different_when_they_look_alike() -> None:
    """Two long names that differ in their middle are two frames."""
    own = {("main", "a" * 200 + middle + "z" * 200): (1.0, 1.0) for middle in "xy"}
    assert len(json.loads(collect(nodes(own), (), ROOM).text)["nodes"]) == 4


def test_what_is_no_number_is_drawn_as_nothing() -> None:
    """A cost that is not finite is 0; an interval without an end is none."""
    total = change(1.0, math.nan)
    rows = drawn(collect([Node(("main",), project=True, total=total)], (), ROOM).text)
    assert rows["all", "main"] == [PROJECT, 1, 0, None, None]


def test_a_path_without_its_caller_hangs_below_the_nearest_one() -> None:
    """Pruned or foreign input is drawn all the same."""
    some = [node for node in nodes({("main", "a", "b", "c"): (1.0, 1.0)}) if len(node.stack) in {1, 4}]
    assert ("all", "main", "c") in drawn(collect(some, (), ROOM).text)
