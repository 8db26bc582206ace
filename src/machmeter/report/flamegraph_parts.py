"""The frame around a flame graph: switches, search, legend, what is left out; ``flamegraph.js`` fills it."""

from collections.abc import Sequence
from typing import Final

from machmeter.report.flamegraph_data import Drawing
from machmeter.report.frame_names import shown
from machmeter.report.markup import Markup, element, join

#: Notes above the graph; more are counted.
MOST_NOTES: Final = 20

_LONGEST_NOTE: Final = 400

#: Upper bounds of the steps of colour, as shares of the base's whole: those of ``flamegraph.js``.
_STEPS: Final = ("below 1%", "to 2.5%", "to 5%", "to 10%", "above 10%")

_KEYS: Final = {
    "click, Enter": "zoom",
    "Esc": "show all",
    "arrows": "move",
    "/": "search",
    "1 2 3": "switch the view",
}


def graph(views: Sequence[str], drawing: Drawing) -> Markup:
    """Build the section of the graph.

    Parameters
    ----------
    views : sequence of str
        Names on the switches; none where there is one view only.
    drawing : Drawing
        If it has no call path, the section says so.
    """
    if not drawing.paths:
        return element("p", "No call path was seen.", class_="note")
    missing = element("p", "The graph needs JavaScript; the tables do not.", class_="verdict")
    icicle = element("div", id="graph", role="tree", aria_label="Call paths, callees below their callers")
    return element(
        "section",
        element("noscript", missing),
        _tools(views),
        element("div", icicle, id="stage"),
        element("div", id="detail"),
        _legend(views),
        _help(views),
        aria_label="Flame graph",
    )


def left_out(drawing: Drawing) -> Markup:
    """Say how many call paths are not drawn."""
    if not drawing.left_out:
        return join()
    told = (
        f"{drawing.left_out:,} of {drawing.paths:,} call paths are not drawn; none of them takes more than "
        f"{max(drawing.largest_left_out, 0.0001):.2%} of the whole. Their time stays with their callers."
    )
    if drawing.significant_left_out:
        told += f" {drawing.significant_left_out:,} of them changed significantly: there are too many."
    return element("p", told, class_="note", id="left-out")


def notes(told: Sequence[str]) -> Markup:
    """List what the reader should know before anything else."""
    if not told:
        return join()
    lines = [element("li", shown(note, _LONGEST_NOTE)) for note in told[:MOST_NOTES]]
    if len(told) > MOST_NOTES:
        lines.append(element("li", f"… and {len(told) - MOST_NOTES:,} more."))
    return element("ul", *lines, class_="notes")


def _tools(views: Sequence[str]) -> Markup:
    switches = [
        element("button", element("kbd", str(number)), view.capitalize(), type="button", data_view=view)
        for number, view in enumerate(views, 1)
    ]
    group = element("div", *switches, id="views", role="group", aria_label="View")
    search = element("input", type="search", id="search", placeholder="part of a name", autocomplete="off")
    return element(
        "div",
        *([group] if switches else []),
        element("label", "Search ", search),
        element("button", "Show all", type="button", id="reset"),
        element("p", id="status", role="status"),
        class_="tools",
    )


def _legend(views: Sequence[str]) -> Markup:
    plain = [_swatch("project", "the project's code"), _swatch("library", "libraries")]
    single = element("p", *plain, class_="legend", data_for="before after")
    if not views:
        return element("div", single, class_="legends")
    colours = [
        element("span", title, *(_swatch(f"{kind}-{step}", text) for step, text in enumerate(_STEPS, 1)))
        for kind, title in {"slower": "▲ slower by", "faster": "▼ faster by"}.items()
    ]
    rest = [
        _swatch("unchanged", "no significant change"),
        _swatch("unchanged gone", "only before, with that width"),
    ]
    told = "Colours: significant changes, as a share of the whole before. Bold: the project's code."
    changes = element("div", element("p", told), *colours, element("span", *rest), data_for="difference")
    return element("div", single, changes, class_="legends")


def _swatch(kind: str, text: str) -> Markup:
    return element("span", element("i", class_=f"frame {kind}"), text, class_="swatch")


def _help(views: Sequence[str]) -> Markup:
    keys = {key: told for key, told in _KEYS.items() if views or key != "1 2 3"}
    told = [element("span", element("kbd", key), told) for key, told in keys.items()]
    return element("p", *told, class_="keys")
