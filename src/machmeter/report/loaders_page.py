"""The frame of the page that compares loading strategies with their machine; ``loaders.js`` fills it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from machmeter.report.machines_page import problem_link
from machmeter.report.markup import POLICY_WITH_SCRIPT, Markup, element, join, page
from machmeter.report.navigation import WITH_LOADERS

SCRIPTS: Final = ("machmeter-loaders.js", "common.js", "loaders.js")

_PATH_TITLES: Final = (
    ("Part", "fixed"),
    ("Limit", "fixed"),
    ("Needed an item", "number"),
    ("This machine", "number"),
    ("At least an item", "number"),
)


def render(data: Mapping[str, Any], problems: Sequence[str]) -> str:
    """Render the page.

    Parameters
    ----------
    data : mapping
        What `loaders_data.collect` returns; it has rows.
    problems : sequence of str
        What could not be read.
    """
    no_script = element("noscript", element("p", "This page needs JavaScript.", class_="warning"))
    tags = [machine["tag"] for machine in data["machines"]]
    body = join(problem_link(problems), no_script, _path(), _tools(tags), _table(), _legend())
    return page("Loaders", POLICY_WITH_SCRIPT, body, SCRIPTS, WITH_LOADERS)


def _path() -> Markup:
    head = element("tr", *(element("th", title, scope="col", class_=kind) for title, kind in _PATH_TITLES))
    table = element("table", element("thead", head), element("tbody", id="path"))
    return element(
        "section",
        element("h2", "\N{NO-BREAK SPACE}", id="path-title"),
        element("p", "\N{NO-BREAK SPACE}", id="path-place", class_="note"),
        element("div", table, class_="scroll", tabindex="0", role="region", aria_label="Path"),
        aria_label="Path of the chosen strategy",
    )


def _tools(tags: Sequence[str]) -> Markup:
    entries = [element("option", tag, value=str(place)) for place, tag in enumerate(tags)]
    filter_box = element("input", type="search", id="filter", placeholder="strategy, benchmark, parameter")
    return element(
        "div",
        element("label", "Filter ", filter_box),
        element("label", "on ", element("select", *entries, id="machine")),
        element("p", id="status", role="status"),
        class_="tools",
    )


def _table() -> Markup:
    table = element("table", element("thead", id="head"), element("tbody", id="rows"))
    more = element("button", "Show more", type="button", id="more", hidden="")
    return element(
        "div", table, more, class_="scroll tall", tabindex="0", role="region", aria_label="All strategies"
    )


def _legend() -> Markup:
    return element(
        "p",
        "The newest commit of each machine; machines are never in one table. Mach is what was achieved over "
        "the smallest limit on the way of an item, and the bottleneck is where that limit stands: what costs "
        "CPU time is compared by CPU time, storage and transfers by wall time. A path names what an item "
        "needs at least, so augmentation and the machinery of a loader count against it. Limits are those of "
        '"machmeter limits"; their data is not the benchmark\'s, so that a decoder can come out above 1.',
        class_="note",
    )
