"""The frame of the page that lists and draws the samples; ``machmeter.js`` fills it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from machmeter.report.machines_page import problem_link
from machmeter.report.markup import POLICY_WITH_CHART, Markup, element, join, page
from machmeter.report.navigation import PAGES

SCRIPTS: Final = ("plotly.min.js", "machmeter-data.js", "common.js", "machmeter.js")


def render(data: Mapping[str, Any], problems: Sequence[str], pages: Mapping[str, str] = PAGES) -> str:
    """Render the page.

    Parameters
    ----------
    data : mapping
        What `chart_data.collect` returns.
    problems : sequence of str
        What could not be read.
    pages : mapping of str to str
        Titles of all pages by their files.
    """
    if not data["series"]:
        nothing = element("p", 'No samples are on record yet. "asv run" writes the first.', class_="note")
        return page("Samples", POLICY_WITH_CHART, join(problem_link(problems), nothing), pages=pages)
    no_script = element("noscript", element("p", "This page needs JavaScript.", class_="warning"))
    body = join(problem_link(problems), no_script, _chart(), _thinned(data), _table())
    return page("Samples", POLICY_WITH_CHART, body, SCRIPTS, pages)


def _chart() -> Markup:
    return element(
        "section",
        element("h2", "\N{NO-BREAK SPACE}", id="chart-title"),
        element("p", "\N{NO-BREAK SPACE}", id="chart-place", class_="note"),
        element("div", id="chart", role="img", aria_labelledby="chart-title"),
        class_="chart",
        aria_label="Chart",
    )


def _thinned(data: Mapping[str, Any]) -> Markup:
    crowded = sum(series["count"] > data["cap"] for series in data["series"])
    if not crowded:
        return Markup()
    text = (
        f"{crowded} of {len(data['series'])} charts draw {data['cap']:,} evenly spaced samples of more; "
        "every figure in the table rests on all of them."
    )
    return element("p", text, class_="note", id="thinned")


def _table() -> Markup:
    filter_box = element(
        "label",
        "Filter ",
        element("input", type="search", id="filter", placeholder="benchmark, parameter, commit, machine"),
    )
    tools = element("div", filter_box, element("p", id="status", role="status"), class_="tools")
    table = element("table", element("thead", id="head"), element("tbody", id="rows"))
    more = element("button", "Show more", type="button", id="more", hidden="")
    place = element(
        "div",
        table,
        more,
        class_="scroll tall",
        tabindex="0",
        role="region",
        aria_label="All samples, summarised",
    )
    return element("section", tools, place, _legend(), aria_label="Table")


def _legend() -> Markup:
    return element(
        "p",
        "Medians with their 95% order-statistics interval, or min-max below six samples. They describe the "
        "samples and are no verdict: samples of one process are not independent. Contended samples (others "
        "held the cores) count only where a commit has no others.",
        class_="note",
    )
