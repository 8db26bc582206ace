"""The frame of the page that lists and draws the changes; ``changes.js`` fills it."""

from collections.abc import Mapping, Sequence
from typing import Final

from machmeter.report.changes_data import SMALLEST, choose
from machmeter.report.machines_page import problem_box
from machmeter.report.markup import POLICY_WITH_CHART, Markup, element, join, page
from machmeter.report.navigation import PAGES
from machmeter.results.change import IMPROVEMENT, REGRESSION
from machmeter.results.changes import Changes
from machmeter.results.history import History

SCRIPTS: Final = ("plotly.min.js", "machmeter-changes.js", "common.js", "changes.js")

_LEAST: Final = {"any size": "0", "5% or more": "0.05", "10% or more": "0.1", "25% or more": "0.25"}


def render(
    history: History, found: Changes, problems: Sequence[str], pages: Mapping[str, str] = PAGES
) -> str:
    """Render the page.

    Parameters
    ----------
    history : History
        What was searched.
    found : Changes
        What was found.
    problems : sequence of str
        What could not be read.
    pages : mapping of str to str
        Titles of all pages by their files.
    """
    chosen = choose(found.found)
    if not chosen:
        body = join(problem_box(problems), _nothing(len(history.series)))
        return page("Changes", POLICY_WITH_CHART, body, pages=pages)
    no_script = element("noscript", element("p", "This page needs JavaScript.", class_="warning"))
    machines = sorted({change.series.machine for change, _ in chosen})
    body = join(
        problem_box(problems), no_script, _chart(), _tools(machines), _table(), _legend(len(chosen), found)
    )
    return page("Changes", POLICY_WITH_CHART, body, SCRIPTS, pages)


def _nothing(series: int) -> Markup:
    if not series:
        return element("p", 'No results are on record yet. "asv run" writes the first.', class_="note")
    return element(
        "p", f"None of {series:,} series changed its level by {SMALLEST:.0%} or more.", class_="note"
    )


def _chart() -> Markup:
    return element(
        "section",
        element("h2", "\N{NO-BREAK SPACE}", id="chart-title"),
        element("p", "\N{NO-BREAK SPACE}", id="chart-place", class_="note"),
        element("div", id="chart", role="img", aria_labelledby="chart-title"),
        class_="chart",
        aria_label="Chart",
    )


def _tools(machines: Sequence[str]) -> Markup:
    kinds = {"regressions": REGRESSION, "improvements": IMPROVEMENT, "both": ""}
    placeholder = "benchmark, parameter, commit, id"
    return element(
        "div",
        element("label", "Filter ", element("input", type="search", id="filter", placeholder=placeholder)),
        _choice("Show ", "kind", kinds),
        _choice("of ", "least", _LEAST),
        _choice("on ", "machine", {"all machines": "", **{name: name for name in machines}}),
        element("label", element("input", type="checkbox", id="standing"), " still there only"),
        element("p", id="status", role="status"),
        class_="tools",
    )


def _choice(label: str, identifier: str, options: dict[str, str]) -> Markup:
    entries = [element("option", text, value=value) for text, value in options.items()]
    return element("label", label, element("select", *entries, id=identifier))


def _table() -> Markup:
    table = element("table", element("thead", id="head"), element("tbody", id="rows"))
    more = element("button", "Show more", type="button", id="more", hidden="")
    return element(
        "div", table, more, class_="scroll tall", tabindex="0", role="region", aria_label="All changes"
    )


def _legend(shown: int, found: Changes) -> Markup:
    rest = len(found.found) - shown
    more = (
        f" {rest:,} more are smaller than {SMALLEST:.0%} or had no room here: "
        '"machmeter changes --all --minimum 0 --most 0" lists all.'
        if rest
        else ""
    )
    text = (
        "Each line is a change of level in the history of one benchmark on one machine, with its interval of "
        "95%. Commits: the last one measured before it and the first one after; below, where else it may "
        "have happened, which is the shaded part of the chart. A change is suspected until the gate has "
        f"measured its two commits: machmeter confirm ID.{more}"
    )
    return element("p", text, class_="note")
