from dataclasses import replace
from html.parser import HTMLParser

from differences import RINGS, facts, function, slower

from machmeter.profiles import Difference
from machmeter.report import flamegraph_facts, flamegraph_table


class Rows(HTMLParser):
    """Collects the cells of a table, row by row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[list[str]] = []
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.found.append([])
        if tag in {"td", "th"}:
            self._in_cell = True
            self.found[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.found[-1][-1] += data


def table(**sides: list[object]) -> dict[str, list[str]]:
    rows = Rows(flamegraph_facts.table(sides)).found  # type: ignore[arg-type]
    return {name: values for name, *values in rows}


def functions(difference: Difference) -> list[list[str]]:
    return Rows(flamegraph_table.render(difference)).found[1:]


def test_functions_stand_with_the_significant_ones_first() -> None:
    """The order is kept otherwise."""
    names = [row[0].partition("called from")[0] for row in functions(slower())]
    order = [f"{RINGS}:Ring.{name}" for name in ("_decode", "_check", "_cached", "_copy")]
    assert names == [*order, "<script>alert(1)</script>"]


def test_a_function_has_its_figures() -> None:
    """Own seconds before and after, the change as a share of the whole with its interval."""
    decode, check, *_ = functions(slower())
    assert decode[1:] == ["46.0 ms", "52.8 ms", "▲ +6.1%5.4\N{EN DASH}6.7", "yes", "yes", ""]
    assert check[1:3] == ["-", "2.10 ms"]
    assert check[-1] == "added"


def test_what_is_not_known_is_said() -> None:
    """Whether the code was edited; a share of nothing."""
    unknown = replace(slower(), functions=(function("f", 1.0, 1.0),), nodes=())
    assert functions(unknown) == [["f", "1.00 s", "1.00 s", "--", "no", "unknown", ""]]


def test_facts_are_added_up_by_side() -> None:
    """Sums, shares of sums, and different values once each."""
    rows = table(before=[facts(), facts(node="node-8")], after=[facts(samples=100, options=("native",))])
    wanted = {
        "profiles": ["2", "1"],
        "iterations": ["40", "20"],
        "clock": ["CPU time", "CPU time"],
        "stacks that were read": ["960", "100"],
        "CPU time": ["4.80 s, 120 ms an iteration", "2.40 s, 120 ms an iteration"],
        "waiting for a core, of the wall time": ["0.5%", "0.5%"],
        "CPU time of others, of the wall time": ["1.0%", "1.0%"],
        "slower by being watched": ["+2.0%", "+2.0%"],
        "digest of the work": ["5f0c", "5f0c"],
        "options": ["none", "native"],
        "node": ["node-7, node-8", "node-7"],
        "taken (UTC)": ["2026-11-20 15:37", "2026-11-20 15:37"],
    }
    assert {name: rows[name] for name in wanted} == wanted


def test_versions_that_differ_are_listed() -> None:
    """Those of other distributions are not."""
    rows = table(before=[facts()], after=[facts(versions={"numpy": "2.2.0", "blosc2": "3.0.0", "new": "1"})])
    assert rows["numpy"] == ["2.1.0", "2.2.0"]
    assert rows["new"] == ["none", "1"]
    assert "blosc2" not in rows


def test_many_versions_are_counted() -> None:
    """A rebuilt environment does not fill the page."""
    rows = table(
        before=[facts(versions={})], after=[facts(versions={f"d{nth:03}": "1" for nth in range(100)})]
    )
    assert rows["more versions that differ"] == ["60", "60"]


def test_a_side_without_profiles_is_a_column() -> None:
    """All of its profiles were refused."""
    rows = table(before=[], after=[facts()])
    assert rows["profiles"] == ["0", "1"]
    assert rows["commit"][0] == rows["wall time"][0] == rows["slower by being watched"][0] == "-"
